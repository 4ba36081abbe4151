"""Random values with pulumi-random's real semantics."""

from __future__ import annotations

import base64
import re
import string
import uuid
from typing import Any

import pytest

from rehearsal.providers.random import Random
from rehearsal.providers.standin import Call, Difference, Refused
from rehearsal.wire import UNKNOWN, Secret

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"


def call(kind: str) -> Call:
    type_ = f"random:index/{kind[0].lower()}{kind[1:]}:{kind}"
    return Call(urn=f"urn:pulumi:prod::arches::{type_}::one")


PASSWORD, TEXT, ID, BYTES, UUID = map(
    call, ("RandomPassword", "RandomString", "RandomId", "RandomBytes", "RandomUuid")
)


def born(which: Call, **inputs: Any) -> tuple[str, dict[str, Any]]:
    return Random().create(which, inputs, preview=False)


def check(which: Call, **inputs: Any) -> list[str]:
    return [f"{f.path}: {f.reason}" for f in Random().check(which, {}, inputs, b"")[1]]


# -- passwords and strings -----------------------------------------------------------------------
def test_a_password_is_secret_and_a_string_is_not() -> None:
    id_, password = born(PASSWORD, length=32)
    assert id_ == "none", "the id is shown in every preview"
    assert isinstance(password["result"], Secret)
    assert len(password["result"].value) == 32
    assert isinstance(password["bcryptHash"], Secret)
    assert re.fullmatch(r"\$2a\$10\$.{53}", password["bcryptHash"].value), "a hash is 60 long"
    id_, text = born(TEXT, length=8)
    assert id_ == text["result"]
    assert len(text["result"]) == 8


@pytest.mark.parametrize(
    ("inputs", "letters"),
    [
        ({}, string.ascii_letters + string.digits + SPECIAL),
        ({"special": False}, string.ascii_letters + string.digits),
        ({"special": False, "upper": False}, string.ascii_lowercase + string.digits),
        ({"special": False, "numeric": False}, string.ascii_letters),
        ({"special": False, "number": False}, string.ascii_letters),
        ({"upper": False, "lower": False, "numeric": False}, SPECIAL),
        ({"upper": False, "lower": False, "numeric": False, "overrideSpecial": "-_"}, "-_"),
    ],
)
def test_only_the_classes_that_are_on_are_used_and_all_of_them(
    inputs: dict[str, Any], letters: str
) -> None:
    _, made = born(TEXT, length=4000, **inputs)
    assert set(made["result"]) == set(letters)


def test_each_class_has_its_minimum() -> None:
    for _ in range(20):
        text = born(TEXT, length=10, minUpper=3, minLower=3, minNumeric=3, minSpecial=1)[1][
            "result"
        ]
        assert len(text) == 10
        counts = [
            sum(c in letters for c in text)
            for letters in (string.ascii_uppercase, string.ascii_lowercase, string.digits, SPECIAL)
        ]
        assert counts == [3, 3, 3, 1]


def test_the_minimum_does_not_stand_in_front() -> None:
    firsts = {
        born(TEXT, length=8, minNumeric=4)[1]["result"][0] in string.digits for _ in range(99)
    }
    assert firsts == {True, False}, "the shape of a password would tell a part of it"


def test_no_two_values_are_equal() -> None:
    assert len({born(TEXT, length=24)[1]["result"] for _ in range(50)}) == 50


# -- the others ----------------------------------------------------------------------------------
def test_an_id_is_told_in_four_alphabets_with_its_prefix() -> None:
    id_, made = born(ID, byteLength=8, prefix="p-")
    raw = bytes.fromhex(made["hex"].removeprefix("p-"))
    assert len(raw) == 8
    assert made["dec"] == f"p-{int.from_bytes(raw, 'big')}"
    assert made["b64Std"] == "p-" + base64.b64encode(raw).decode()
    assert made["b64Url"] == f"p-{id_}"
    assert base64.urlsafe_b64decode(id_ + "=" * (-len(id_) % 4)) == raw


def test_bytes_are_secret_in_both_forms() -> None:
    id_, made = born(BYTES, length=32)
    assert id_ == "none"
    assert isinstance(made["hex"], Secret)
    assert isinstance(made["base64"], Secret)
    assert bytes.fromhex(made["hex"].value) == base64.b64decode(made["base64"].value)
    assert len(made["hex"].value) == 64


def test_a_uuid_is_one() -> None:
    id_, made = born(UUID)
    assert str(uuid.UUID(id_)) == id_ == made["result"]


def test_inputs_stand_among_the_outputs() -> None:
    assert born(PASSWORD, length=8, keepers={"v": "1"})[1]["keepers"] == {"v": "1"}


# -- life ----------------------------------------------------------------------------------------
def test_a_preview_gives_birth_to_nothing() -> None:
    id_, outputs = Random().create(PASSWORD, {"length": 8}, preview=True)
    assert id_ == ""
    assert outputs == {"length": 8, "result": UNKNOWN, "bcryptHash": UNKNOWN}


def test_a_value_is_kept_as_long_as_its_inputs_are() -> None:
    olds = {"length": 8, "keepers": {"rotation": "2026-01"}}
    assert Random().diff(PASSWORD, "none", {}, olds, dict(olds)) == Difference()
    state = {**olds, "result": Secret("kept")}
    assert Random().read(PASSWORD, "none", state, olds) == ("none", state, olds)


@pytest.mark.parametrize(
    ("news", "path"),
    [
        ({"length": 8, "keepers": {"rotation": "2026-02"}}, "keepers.rotation"),
        ({"length": 9, "keepers": {"rotation": "2026-01"}}, "length"),
        ({"length": 8}, "keepers"),
    ],
)
def test_new_keepers_or_another_shape_give_a_new_value(news: dict[str, Any], path: str) -> None:
    olds = {"length": 8, "keepers": {"rotation": "2026-01"}}
    difference = Random().diff(PASSWORD, "none", {}, olds, news)
    assert (difference.changed, difference.replaces) == ([path], [path])
    assert not difference.delete_before_replace


def test_a_value_is_never_changed_in_place() -> None:
    with pytest.raises(Refused, match="cannot be changed, only replaced"):
        Random().update(PASSWORD, "none", {}, {}, {}, preview=False)


# -- check ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("which", [PASSWORD, TEXT, BYTES], ids=lambda c: c.type)
def test_a_length_is_wanted(which: Call) -> None:
    assert check(which) == ["length: missing"]
    assert check(which, length=16) == []


def test_an_unknown_property_is_told_with_those_that_exist() -> None:
    assert check(UUID, keeper={}) == ["keeper: no such property; allowed: keepers"]
    assert check(ID, byteLength=8, __internal=True) == []


def test_a_type_that_the_stand_in_does_not_know_is_loud() -> None:
    which = call("RandomShuffle")
    assert check(which) == [": the random stand-in has no random:index/randomShuffle:RandomShuffle"]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"length": 5, "minUpper": 3, "minLower": 3}, "length: got 5; allowed: at least 6"),
        ({"length": 0}, "length: got 0; allowed: at least 1"),
        (
            {"length": 8, "upper": False, "lower": False, "numeric": False, "special": False},
            ": no class of characters is on: no text can be made",
        ),
    ],
)
def test_what_no_text_can_meet_is_refused(inputs: dict[str, Any], said: str) -> None:
    assert check(PASSWORD, **inputs) == [said]


def test_a_length_that_is_not_known_yet_is_not_judged() -> None:
    assert check(PASSWORD, length=UNKNOWN, minUpper=3) == []
