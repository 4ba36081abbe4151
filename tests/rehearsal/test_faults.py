"""Faults on demand: understood exactly, or refused in one line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rehearsal.faults import FaultError, Faults

RDS = "aws:rds/instance:Instance"


def test_every_kind_of_fault_is_read() -> None:
    faults = Faults.parse(
        [f"throttle:{RDS}", "fail:3", "fail:7", f"timeout:{RDS}", "lose-reply:1", "kill:40"]
    )
    assert faults.throttled == {RDS}, "a type has colons of its own"
    assert faults.failing == {3, 7}
    assert faults.stuck == {RDS}
    assert faults.lost == {1}
    assert faults.killing == {40}


def test_no_words_are_no_faults() -> None:
    faults = Faults.parse([])
    assert not any((faults.throttled, faults.failing, faults.stuck, faults.lost, faults.killing))
    assert faults.creates == 0


@pytest.mark.parametrize("word", ["", "fail", "fail:", "throttle:", "explode:7", ":7", "FAIL:7"])
def test_a_fault_that_does_not_exist_is_refused_in_one_line_with_an_example(word: str) -> None:
    with pytest.raises(FaultError) as error:
        Faults.parse([word])
    assert str(error.value) == (
        f'fault "{word}": allowed: throttle:..., fail:..., timeout:..., lose-reply:..., kill:...; '
        "for example fail:7 or throttle:aws:rds/instance:Instance"
    )


@pytest.mark.parametrize("kind", ["fail", "lose-reply", "kill"])
@pytest.mark.parametrize("number", ["0", "-1", "1.5", "seven", "²", "1 2"])
def test_a_create_is_counted_from_one(kind: str, number: str) -> None:
    with pytest.raises(FaultError) as error:
        Faults.parse([f"{kind}:{number}"])
    assert str(error.value) == (
        f'fault "{kind}:{number}": allowed: a whole number from 1, the create it strikes; '
        f"for example {kind}:7"
    )


def test_the_first_two_calls_of_a_throttled_type_are_throttled() -> None:
    faults = Faults.parse([f"throttle:{RDS}"])
    assert [faults.throttle(RDS) for _ in range(4)] == [True, True, False, False]
    assert not faults.throttle("aws:ec2/vpc:Vpc"), "other types have their own limits"


def test_each_throttled_type_has_two_of_its_own() -> None:
    faults = Faults.parse([f"throttle:{RDS}", "throttle:aws:ec2/vpc:Vpc"])
    assert [faults.throttle(t) for t in (RDS, "aws:ec2/vpc:Vpc") for _ in range(3)] == [
        True, True, False, True, True, False,
    ]  # fmt: skip


def test_creates_are_counted_once_each_from_many_threads() -> None:
    faults = Faults()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: faults.next_create(), range(200)))
    assert sorted(numbers) == list(range(1, 201)), "a fault would strike twice, or never"


# -- types ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "type_",
    [
        RDS,
        "kubernetes:apps/v1:Deployment",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:external-secrets.io/v1:ExternalSecret",
    ],
)
def test_every_type_that_a_run_may_make_can_be_struck(type_: str) -> None:
    faults = Faults.parse([f"throttle:{type_}", f"timeout:{type_}"])
    assert faults.throttled == faults.stuck == {type_}


@pytest.mark.parametrize(
    ("type_", "hint"),
    [
        ("nosuch", "for example throttle:aws:rds/instance:Instance"),
        ("aws:rds/instance:Instnace", f"did you mean {RDS}"),
        ("kubernetes:apps/v1:Deploymnt", "did you mean kubernetes:apps/v1:Deployment"),
        (
            "kubernetes:networking.k8s.io/v1:NetworkPolcy",
            "did you mean kubernetes:networking.k8s.io/v1:NetworkPolicy",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["throttle", "timeout"])
def test_a_type_that_nothing_can_have_is_refused_with_the_nearest(
    kind: str, type_: str, hint: str
) -> None:
    with pytest.raises(FaultError) as error:
        Faults.parse([f"{kind}:{type_}"])
    assert str(error.value) == (
        f'fault "{kind}:{type_}": allowed: a type of the AWS or Kubernetes SDK; {hint}'
    )


# -- what never came -----------------------------------------------------------------------------
def test_a_fault_whose_create_never_came_is_told() -> None:
    words = ["fail:3", "lose-reply:4", "kill:9", f"throttle:{RDS}", f"timeout:{RDS}"]
    faults = Faults.parse([*words, "throttle:aws:ec2/vpc:Vpc", "timeout:aws:ec2/vpc:Vpc"])
    for _ in range(3):
        faults.next_create()
        faults.throttle("aws:ec2/vpc:Vpc")
    assert faults.unstruck() == words[1:], "whoever waits for one would believe it was survived"
