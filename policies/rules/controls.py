"""The catalogue: which controls of recognised frameworks concern what we deploy.

`controls.yaml` is data that auditors may read as it stands. Every control is answered by a rule
that names it, or has a difference that says why none does; never both (tests/policies/
test_catalogue.py). A rule that no framework asks for says whose demand it is.

Nothing of this is read while a stack is judged: only reports and tests need titles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

FILE = Path(__file__).parents[1] / "controls.yaml"

# manual: people do it, nothing that we deploy can show it. not-applicable: we deploy nothing that
# it speaks of. differs: we decided otherwise. elsewhere: met by somebody else, who is named.
Kind = Literal["manual", "not-applicable", "differs", "elsewhere"]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(min_length=20, strip_whitespace=True)]


class CatalogueError(ValueError):
    """The catalogue cannot be used; one line that says where and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A list of controls that others publish.

    source: whose words the titles are. scope: which part of it stands in the catalogue.
    """

    key: str
    title: str
    version: str
    url: str
    source: str
    scope: str


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control; id is "<framework> <its own id>", as rules name it."""

    id: str
    framework: str
    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Why no rule answers a control."""

    control: str
    kind: Kind
    reason: str


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Where checkov refuses what our rule for the same demand accepts, and why that is right.

    resources: names of the resources, `*` and `?` allowed; others stay unexplained.
    """

    check: str
    resources: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All of `controls.yaml`, by id. own: rule -> why we demand what no framework asks."""

    frameworks: Mapping[str, Framework]
    controls: Mapping[str, Control]
    differences: Mapping[str, Difference]
    own: Mapping[str, str]
    checkov: tuple[Disagreement, ...]


# -- the file ------------------------------------------------------------------------------------
class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Framework(_Strict):
    title: Text
    version: Text
    url: Text
    control_url: str = ""  # {group} and {anchor} of "EC2.6" are ec2 and ec2-6
    source: Text
    scope: Text
    controls: dict[str, Text]


class _Difference(_Strict):
    kind: Kind
    reason: Reason
    controls: list[Text] = Field(min_length=1)


class _Disagreement(_Strict):
    checks: list[Text] = Field(min_length=1)
    reason: Reason
    resources: list[Text] = Field(min_length=1)


class _File(_Strict):
    frameworks: dict[str, _Framework]
    differences: list[_Difference]
    own: dict[str, Reason]
    checkov_differs: list[_Disagreement]


def read(path: Path = FILE) -> Catalogue:
    """The catalogue of a file. Raises CatalogueError, a line for the first mistake."""
    try:
        found: Any = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        file = _File.model_validate(found)
    except (OSError, yaml.YAMLError) as problem:
        said = " ".join(str(problem).split())
        raise CatalogueError(f"{path.name}: cannot be read as YAML: {said}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "file"
        raise CatalogueError(f"{path.name}: {key}: {first['msg'].lower()}") from None
    controls = {control.id: control for control in _controls(file)}
    differences: dict[str, Difference] = {}
    for entry in file.differences:
        for control in entry.controls:
            if control not in controls:
                raise CatalogueError(
                    f"{path.name}: differences: no framework here has a control {control!r}"
                )
            if control in differences:
                raise CatalogueError(f"{path.name}: differences: {control} has two reasons")
            differences[control] = Difference(
                control=control, kind=entry.kind, reason=_line(entry.reason)
            )
    for each in file.checkov_differs:
        for check in each.checks:
            if f"CHECKOV {check}" not in controls:
                raise CatalogueError(f"{path.name}: checkov_differs: no check is named {check!r}")
    return Catalogue(
        frameworks={
            key: Framework(
                key=key,
                title=each.title,
                version=each.version,
                url=each.url,
                source=each.source,
                scope=_line(each.scope),
            )
            for key, each in file.frameworks.items()
        },
        controls=controls,
        differences=differences,
        own={rule: _line(reason) for rule, reason in file.own.items()},
        checkov=tuple(
            Disagreement(check=check, resources=tuple(each.resources), reason=_line(each.reason))
            for each in file.checkov_differs
            for check in each.checks
        ),
    )


def _controls(file: _File) -> Iterator[Control]:
    for key, framework in file.frameworks.items():
        for id_, title in framework.controls.items():
            group, anchor = id_.split(".", 1)[0].lower(), id_.lower().replace(".", "-")
            url = framework.control_url.format(group=group, anchor=anchor) or framework.url
            yield Control(id=f"{key} {id_}", framework=key, title=title, url=url)


def _line(text: str) -> str:
    return " ".join(text.split())
