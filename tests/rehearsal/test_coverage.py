"""The rehearsal's tables against the whole program: nothing that we deploy is unknown to them."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from collections.abc import Iterator
from functools import cache, reduce
from pathlib import Path

import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from rehearsal import schemas, sdk, timeline
from tests.conftest import ROOT, Recorded
from tests.recorder import Recorder

SDKS = {"aws": aws, "kubernetes": kubernetes}


def _declared_in(path: Path) -> Iterator[str]:
    """The type of every resource that a file can make, whatever the settings say."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield from _custom(node, path)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        package, *path_to_class = ast.unparse(node.func).split(".")
        if package in SDKS and path_to_class[-1][:1].isupper():
            made = reduce(getattr, path_to_class, SDKS[package])
            token = getattr(made, "pulumi_type", None) or _kubernetes_type(path_to_class)
            if not token.startswith("pulumi:providers:") and path_to_class[-1] not in NO_TYPE:
                yield token


def _custom(call: ast.Call, path: Path) -> Iterator[str]:
    """A custom resource: a group with its version, and a kind, said in one call."""
    said = [*call.args, *(each.value for each in call.keywords)]
    words = [_word(each, path) for each in said]
    for version, kind in itertools.pairwise(words):
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+/v\w+", version) and kind[:1].isupper():
            yield f"kubernetes:{version}:{kind}"


def _word(said: ast.expr, path: Path) -> str:
    """A text that is written there, or that a constant of a module stands for; else nothing."""
    if isinstance(said, ast.Constant):
        return str(said.value)
    if not ast.unparse(said).endswith("API_VERSION"):
        return ""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return str(reduce(getattr, ast.unparse(said).split("."), importlib.import_module(module)))


def _kubernetes_type(path: list[str]) -> str:
    group, version, kind = path
    return f"kubernetes:{KUBERNETES_GROUPS.get(group, group)}/{version}:{kind}"


# A provider, and the class that stands for any custom resource.
NO_TYPE = {"Provider", "CustomResource"}
KUBERNETES_GROUPS = {"storage": "storage.k8s.io"}


@cache
def _declared() -> set[str]:
    return {token for path in (ROOT / "components").rglob("*.py") for token in _declared_in(path)}


def _findings(made: Recorder) -> dict[str, list[str]]:
    """The inputs that no schema checks and no table excuses, by type."""
    found: dict[str, set[str]] = {}
    for each in made.custom:
        if each.type.startswith("aws:"):
            found.setdefault(each.type, set()).update(schemas.unmapped(each.type, each.inputs))
    return {type_: sorted(names) for type_, names in sorted(found.items()) if names}


def test_every_input_is_checked_by_a_schema_or_said_to_have_none(recorded: Recorded) -> None:
    assert _findings(recorded.made) == {}, "add them to rehearsal/aliases.yaml"


def test_every_choice_of_a_setting_is_covered_too(every_choice: Recorder) -> None:
    assert _findings(every_choice) == {}, "add them to rehearsal/aliases.yaml"


def test_every_input_is_one_that_the_provider_has(every_choice: Recorder) -> None:
    wrong = {
        f"{each.type} {each.name}": [str(finding) for finding in findings]
        for each in every_choice.custom
        if each.type.startswith("aws:") and (findings := sdk.check(each.type, each.inputs))
    }
    assert wrong == {}


def test_every_value_is_one_that_aws_takes(every_choice: Recorder) -> None:
    wrong = {
        f"{each.type} {each.name}": [str(finding) for finding in findings]
        for each in every_choice.custom
        if each.type.startswith("aws:")
        and (
            findings := schemas.check(
                each.type, each.inputs, str(each.inputs.get("region") or every_choice.region)
            )
        )
    }
    assert wrong == {}


def test_the_list_of_declared_types_is_the_programs_own(recorded: Recorded) -> None:
    made = {r.type for r in recorded.made.custom if r.type.startswith(("aws:", "kubernetes:"))}
    assert sorted(made - _declared()) == [], "this file no longer finds what components declare"


def test_every_type_that_we_declare_has_a_duration() -> None:
    assert sorted(_declared() - set(timeline.table()["types"])) == [], (
        "the virtual clock would take it for one second; add a row to rehearsal/durations.yaml, "
        "with `est: true` where nobody has measured it"
    )


def test_every_type_of_a_recorded_stack_has_a_duration(recorded: Recorded) -> None:
    known = set(timeline.table()["types"])
    assert sorted({r.type for r in recorded.made.custom} - known) == []


def test_a_duration_says_where_it_comes_from() -> None:
    bare = [
        type_
        for type_, row in timeline.table()["types"].items()
        if not type_.startswith("random:") and bool(row.get("n")) == bool(row.get("est"))
    ]
    assert bare == [], "either it was seen n times, or it is an estimate"
