"""Waivers: what is allowed in the file, and what happens to one that is old, idle or too wide."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from rules import outcomes, waivers
from rules.model import GUARDS, ROOT, Item, Props, Stack
from rules.waivers import Ledger, Waiver, WaiverError

from tests.policies.real import TODAY

KEY = "aws:kms/key:Key"
GOOD: dict[str, Any] = {
    "rule": "kms-rotation",
    "resource": f"{KEY}::data",
    "stack": "prod",
    "reason": "the vendor delivers it in January",
    "owner": "platform",
    "ticket": "OPS-1",
    "expires": date(2027, 1, 31),
}
WRONG = outcomes.violated("the key is never rotated", "rotate it")


def _urn(name: str, stack: str = "prod", type_: str = KEY) -> str:
    return f"urn:pulumi:{stack}::arches::arches:index:Keys${type_}::{name}"


def _stack(*names: str) -> Stack:
    items = tuple(Item(type=KEY, name=n, urn=_urn(n), props=Props({})) for n in names)
    return Stack(items=items, today=TODAY)


def _read(tmp_path: Path, content: Any) -> tuple[Waiver, ...]:
    path = tmp_path / "waivers.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return waivers.read(path, ["kms-rotation", "types-covered", *GUARDS])


def _audited(waiver: Waiver, *urns: str, said: outcomes.Said | None = WRONG) -> list[str]:
    ledger = Ledger((waiver,), TODAY)
    for urn in urns:
        ledger.judged(waiver.rule, urn)
        if said:
            ledger.weigh(waiver.rule, urn, said)
    return list(ledger.audit(_stack("data")))


# -- the file ------------------------------------------------------------------------------------
def test_a_whole_waiver_is_read(tmp_path: Path) -> None:
    assert _read(tmp_path, [GOOD]) == (Waiver(**GOOD),)


def test_no_waiver_is_fine(tmp_path: Path) -> None:
    assert _read(tmp_path, "# none\n[]\n") == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule": "kms-rotaton"}, "waiver 1: no rule is named 'kms-rotaton'"),
        ({"expires": None}, "waiver 1: expires: "),
        ({"expires": "soon"}, "waiver 1: expires: "),
        ({"until": "2027-01-31"}, "waiver 1: until: extra inputs are not permitted"),
        ({"reason": "because"}, "waiver 1: reason: string should have at least 20 characters"),
        ({"owner": " "}, "waiver 1: owner: string should have at least 1 character"),
        ({"resource": "*"}, "waiver 1: resource: string should match pattern"),
        ({"resource": "aws:*::data"}, "waiver 1: resource: string should match pattern"),
        ({"rule": "levels-kept"}, "waiver 1: rule: this rule cannot be waived"),
        ({"rule": "waivers-kept"}, "waiver 1: rule: this rule cannot be waived"),
        (
            {"resource": f"{ROOT}::arches-prod"},
            "waiver 1: finding: of the stack, one finding is waived by its words",
        ),
        ({"finding": "*"}, "waiver 1: finding: name 10 characters or more beside `*`"),
        ({"finding": "* never *"}, "waiver 1: finding: name 10 characters or more beside `*`"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(WaiverError) as error:
        _read(tmp_path, [{**GOOD, **change}])
    assert str(error.value).startswith(f"waivers.yaml: {says}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", sorted(GOOD))
def test_nothing_of_a_waiver_may_be_left_out(tmp_path: Path, key: str) -> None:
    with pytest.raises(WaiverError, match=f"waiver 1: {key}: field required"):
        _read(tmp_path, [{k: v for k, v in GOOD.items() if k != key}])


@pytest.mark.parametrize("content", ["[", "rule: x", "- 3"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(WaiverError, match=r"^waivers\.yaml: "):
        _read(tmp_path, content)


# -- what it covers ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("resource", "urn", "covered"),
    [
        (f"{KEY}::data", _urn("data"), True),
        (f"{KEY}::da*", _urn("data"), True),
        (f"{KEY}::logs", _urn("data"), False),
        (f"{KEY}::data", _urn("data", stack="staging"), False),
        (f"{KEY}::data", _urn("data", type_="aws:s3/bucket:Bucket"), False),
    ],
)
def test_a_waiver_covers_its_stack_type_and_names(resource: str, urn: str, covered: bool) -> None:
    assert Waiver(**{**GOOD, "resource": resource}).covers("kms-rotation", urn) is covered


def test_a_waiver_never_covers_another_rule() -> None:
    assert not Waiver(**GOOD).covers("kms-policy", _urn("data"))


@pytest.mark.parametrize(
    ("finding", "accepted"),
    [
        (None, True),
        ("the key is never rotated; rotate it", True),
        ("the key is never *", True),
        ("*never rotated*", True),
        ("the key is never rotated", False),
        ("THE KEY is never *", False),
        ("the key is [a-z]ever *", False),
        ("the?key is never *", False),
    ],
)
def test_a_finding_is_accepted_by_its_words(finding: str | None, accepted: bool) -> None:
    assert Waiver(**{**GOOD, "finding": finding}).accepts(WRONG.text) is accepted


# -- the audit -----------------------------------------------------------------------------------
def test_a_waiver_that_is_needed_and_in_force_is_silent() -> None:
    assert _audited(Waiver(**GOOD), _urn("data")) == []


def test_a_waiver_of_another_stack_is_not_judged_here() -> None:
    assert _audited(Waiver(**{**GOOD, "stack": "staging"})) == []


@pytest.mark.parametrize(("days", "says"), [
    (-1, ["the waiver of kms-rotation on aws:kms/key:Key::data (OPS-1) expired on 2026-11-20"]),
    (0, []),
    (180, []),
    (181, ["the waiver of kms-rotation on aws:kms/key:Key::data (OPS-1) holds until 2027-05-21, "
           "longer than 180 days"]),
])  # fmt: skip
def test_a_waiver_holds_to_its_last_day_and_never_for_long(days: int, says: list[str]) -> None:
    waiver = Waiver(**{**GOOD, "expires": TODAY + timedelta(days=days)})
    assert _audited(waiver, _urn("data")) == says


def test_a_waiver_that_nothing_needs_is_told() -> None:
    about = "the waiver of kms-rotation on aws:kms/key:Key::data (OPS-1)"
    assert _audited(Waiver(**GOOD), _urn("data"), said=None) == [
        f"{about} is not needed: what it covers passes"
    ]
    assert _audited(Waiver(**GOOD)) == [
        f"{about} is not needed: what it covers is not in this stack"
    ]


def test_a_waiver_of_what_is_not_known_yet_cannot_be_called_idle() -> None:
    assert _audited(Waiver(**GOOD), _urn("data"), said=outcomes.unknown("policy")) == []


def test_a_waiver_that_covers_many_resources_is_a_change_of_the_rule() -> None:
    wide = Waiver(**{**GOOD, "resource": f"{KEY}::*"})
    five, six = ([_urn(f"key-{n}") for n in range(count)] for count in (5, 6))
    assert _audited(wide, *five) == []
    assert _audited(wide, *six) == [
        "the waiver of kms-rotation on aws:kms/key:Key::* (OPS-1) covers 6 resources, more than 5"
    ]


_ROOT_URN = f"urn:pulumi:prod::arches::{ROOT}::arches-prod"
_TYPES = Waiver(
    **{
        **GOOD,
        "rule": "types-covered",
        "resource": f"{ROOT}::arches-prod",
        "finding": "aws:sqs/queue:Queue (*is judged by no rule*",
    }
)
_OF = "the waiver of types-covered on pulumi:pulumi:Stack::arches-prod (OPS-1)"


def _weighed(waiver: Waiver, *types: str) -> tuple[list[str], list[str]]:
    """The types that are waived, and what the audit says."""
    ledger = Ledger((waiver,), TODAY)
    ledger.judged(waiver.rule, _ROOT_URN)
    waived: list[str] = []
    for type_ in types:
        said = outcomes.violated(f"{type_} (1 resource) is judged by no rule", "write one")
        if ledger.weigh(waiver.rule, _ROOT_URN, said).outcome == "waived":
            waived.append(type_)
    return waived, list(ledger.audit(_stack("data")))


def test_a_waiver_of_the_stack_hides_no_other_finding_of_its_rule() -> None:
    types = ("aws:sqs/queue:Queue", "aws:dynamodb/table:Table")
    assert _weighed(_TYPES, *types) == (["aws:sqs/queue:Queue"], [])


def test_a_waiver_whose_words_nobody_says_is_told() -> None:
    assert _weighed(_TYPES, "aws:dynamodb/table:Table") == (
        [],
        [f"{_OF} is not needed: what it covers is not what the rule says there"],
    )


def test_a_waiver_that_covers_many_findings_is_a_change_of_the_rule() -> None:
    wide = _TYPES.model_copy(update={"finding": "*is judged by no rule*"})
    types = [f"aws:a/b:C{n}" for n in range(6)]
    assert _weighed(wide, *types[:5]) == (types[:5], [])
    assert _weighed(wide, *types) == (types, [f"{_OF} covers 6 findings, more than 5"])


def test_the_projects_own_file_is_accepted() -> None:
    from rules import RULES

    path = Path(__file__).resolve().parents[2] / "policies" / "waivers.yaml"
    assert waivers.read(path, [rule.name for rule in RULES]) == (), (
        "each waiver has to be justified where the release is"
    )
