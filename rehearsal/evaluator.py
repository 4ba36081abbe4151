"""A JSON schema evaluator for documents with holes.

A value that a preview cannot know (`UNKNOWN`) is never an error, and a condition that depends on
one is left undecided, with everything that hangs on it. Only the keywords that AWS's schemas use
are here. Never here: where schemas come from, and what an error is called to a person (`schemas`).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rehearsal.wire import UNKNOWN

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Error:
    """What is wrong at one place of a document.

    text: goes after the value, or stands alone when `alone`. choices: what the value might be.
    """

    place: Place
    text: str
    choices: tuple[Any, ...] = ()
    alone: bool = False

    def message(self, shown: str) -> str:
        """The error in words; shown is the value as it may be printed."""
        if self.choices:
            return f"{shown} {self.text} {_nearest(self.choices, shown)}"
        return self.text if self.alone else f"{shown} {self.text}"


def _nearest(choices: tuple[Any, ...], shown: str) -> str:
    names = [str(each) for each in choices]
    if len(names) <= 12:
        return ", ".join(names)
    near = difflib.get_close_matches(shown.strip("'"), names, n=5, cutoff=0.3) or names[-5:]
    return f"{', '.join(near)} ... ({len(names)} allowed)"


class UndecidedError(Exception):
    """The document does not say enough, or the schema says more than is understood here."""


# --- schema nodes -------------------------------------------------------------------------------


def resolve(node: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema node with its references followed; {} where there is nothing to read."""
    for _ in range(16):
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        if not reference:
            return node
        target: Any = root
        for part in reference.removeprefix("#/").split("/"):
            target = target.get(part, {})
        node = target
    return {}


def properties(node: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that an object may have, by whichever branch of its schema."""
    found = dict(node.get("properties") or {})
    for keyword in ("oneOf", "anyOf", "allOf"):
        for branch in node.get(keyword) or ():
            for name, value in properties(resolve(branch, root), root).items():
                found.setdefault(name, value)
    return found


def type_names(node: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a node takes; empty when it does not say."""
    names = node.get("type")
    if names is None:
        for keyword in ("oneOf", "anyOf"):
            for branch in node.get(keyword) or ():
                if isinstance(branch, dict) and "type" in branch:
                    return type_names(branch)
        return frozenset()
    return frozenset([names] if isinstance(names, str) else names)


# --- keywords about one value: (argument, value) -> what is wrong, or None -----------------------


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:  # a dialect (ECMA, Java) that Python has not
        return None


def _pattern(pattern: str, value: Any) -> str | None:
    compiled = _compiled(pattern)
    if compiled is None or not isinstance(value, str) or compiled.search(value):
        return None
    return f"does not match {pattern}"


def _min_length(limit: int, value: Any) -> str | None:
    short = isinstance(value, str) and len(value) < limit
    return f"is shorter than {limit} characters" if short else None


def _max_length(limit: int, value: Any) -> str | None:
    long = isinstance(value, str) and len(value) > limit
    return f"has {len(value)} characters, at most {limit} may be" if long else None


def _minimum(limit: float, value: Any) -> str | None:
    return f"is below {limit:g}, the least allowed" if _number(value) and value < limit else None


def _maximum(limit: float, value: Any) -> str | None:
    return f"is above {limit:g}, the most allowed" if _number(value) and value > limit else None


def _exclusive_minimum(limit: float, value: Any) -> str | None:
    return f"is not above {limit:g}" if _number(value) and value <= limit else None


def _exclusive_maximum(limit: float, value: Any) -> str | None:
    return f"is not below {limit:g}" if _number(value) and value >= limit else None


def _multiple_of(unit: float, value: Any) -> str | None:
    return f"is no multiple of {unit:g}" if _number(value) and value % unit else None


def _min_items(limit: int, value: Any) -> str | None:
    few = isinstance(value, list) and len(value) < limit
    return f"has {len(value)} elements, at least {limit} must be" if few else None


def _max_items(limit: int, value: Any) -> str | None:
    many = isinstance(value, list) and len(value) > limit
    return f"has {len(value)} elements, at most {limit} may be" if many else None


def _unique_items(wanted: bool, value: Any) -> str | None:
    if not wanted or not isinstance(value, list):
        return None
    known = [json.dumps(each, sort_keys=True) for each in value if not _has_unknown(each)]
    return "has an element twice" if len(known) != len(set(known)) else None


def _max_unique_items(limit: int, value: Any) -> str | None:
    if not isinstance(value, list):
        return None
    different = len({json.dumps(each, sort_keys=True) for each in value if not _has_unknown(each)})
    return (
        f"has {different} different elements, at most {limit} may be" if different > limit else None
    )


# What cfn-lint's Python rules E1150 to E1156 know of ids and ARNs, and the addresses of records.
_FORMATS = {
    "AWS::EC2::VPC.Id": re.compile(r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$"),
    "AWS::EC2::Subnet.Id": re.compile(r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$"),
    "AWS::EC2::SecurityGroup.Id": re.compile(r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$"),
    "AWS::EC2::Image.Id": re.compile(r"^ami-([0-9a-f]{8}|[0-9a-f]{17})$|^resolve:ssm:"),
    "AWS::IAM::Role.Arn": re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:role/"),
    "ipv4": re.compile(r"^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$"),
    "ipv6": re.compile(r"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$"),
}


def _format(name: str, value: Any) -> str | None:
    pattern = _FORMATS.get(name)
    wrong = pattern is not None and isinstance(value, str) and not pattern.search(value)
    return f"is no {name}" if wrong else None


_OF_A_VALUE: dict[str, Callable[[Any, Any], str | None]] = {
    "pattern": _pattern,
    "minLength": _min_length,
    "maxLength": _max_length,
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _exclusive_minimum,
    "exclusiveMaximum": _exclusive_maximum,
    "multipleOf": _multiple_of,
    "minItems": _min_items,
    "maxItems": _max_items,
    "uniqueItems": _unique_items,
    "maxUniqueItems": _max_unique_items,
    "format": _format,
}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _number(value) and float(value).is_integer(),
    "number": _number,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
# Said of the schema or to its readers, or about properties that nothing maps to.
_SILENT = frozenset(
    {
        *("$comment", "$id", "$schema", "default", "definitions", "description", "examples"),
        *("title", "additionalProperties", "patternProperties", "propertyNames", "required"),
        *("then", "else", "requiredOr", "insertionOrder", "arrayType", "relationshipRef"),
    }
)


# --- the evaluator ------------------------------------------------------------------------------


class Evaluator:
    """Errors of documents against one schema.

    strict: enforce `type`, `required` and `not`, and give up on keywords that are not understood.
    Of a resource's own schema they are not enforced: what is required the SDK knows, and not every
    input maps. Of conditions and of cfn-lint's extensions they are.
    """

    def __init__(self, root: Mapping[str, Any], *, strict: bool) -> None:
        self._root = root
        self._strict = strict
        self._structure: dict[str, Callable[[Any, Any, Place, Mapping[str, Any]], list[Error]]] = {
            "type": self._type,
            "enum": self._enum,
            "enumCaseInsensitive": self._enum_case_insensitive,
            "const": self._const,
            "items": self._items,
            "properties": self._properties,
            "allOf": self._all_of,
            "anyOf": self._any_of,
            # Exclusive only together with `required`, which a resource's own schema is spared.
            "oneOf": self._any_of,
            "not": self._not,
            "if": self._if,
            "dependentExcluded": self._dependent_excluded,
            "dependentRequired": self._dependent_required,
            "requiredXor": self._required_xor,
        }

    def errors(self, node: Any, value: Any, place: Place = ()) -> list[Error]:
        """Everything that a schema node refuses in a value. May raise UndecidedError if strict."""
        if value is UNKNOWN or node is True:
            return []
        if node is False:
            return [Error(place, "must not be set here", alone=True)]
        node = resolve(node, self._root)
        found: list[Error] = []
        for keyword, argument in node.items():
            simple = _OF_A_VALUE.get(keyword)
            if simple is not None:
                if self._strict and keyword == "pattern" and _compiled(argument) is None:
                    raise UndecidedError(argument)
                text = simple(argument, value)
                if text is not None:
                    found.append(Error(place, text))
                continue
            structural = self._structure.get(keyword)
            if structural is not None:
                found += structural(argument, value, place, node)
            elif self._strict and keyword not in _SILENT:
                raise UndecidedError(keyword)
        if self._strict and isinstance(value, dict):
            found += [
                Error((*place, name), f"{name} is required here", alone=True)
                for name in node.get("required") or ()
                if name not in value
            ]
        return found

    def holds(self, node: Any, value: Any) -> bool:
        """Whether a condition is true. UndecidedError when that depends on what is not known."""
        if _looks_at_unknown(node, value, self._root):
            raise UndecidedError("depends on a value that is not known yet")
        return not Evaluator(self._root, strict=True).errors(node, value)

    def _type(self, names: Any, value: Any, place: Place, _: Any) -> list[Error]:
        wanted = [names] if isinstance(names, str) else names
        if not self._strict or any(_TYPES[name](value) for name in wanted):
            return []
        return [Error(place, f"is not of type {' or '.join(wanted)}")]

    def _enum(self, choices: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if isinstance(value, dict | list) or _among(value, choices):
            return []
        return [Error(place, "is not one of", choices=tuple(choices))]

    def _enum_case_insensitive(self, choices: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if not isinstance(value, str) or value.lower() in {str(each).lower() for each in choices}:
            return []
        return [Error(place, "is not one of", choices=tuple(choices))]

    def _const(self, wanted: Any, value: Any, place: Place, _: Any) -> list[Error]:
        return [] if _among(value, [wanted]) else [Error(place, f"is not {wanted!r}")]

    def _items(self, node: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if not isinstance(value, list) or isinstance(node, list):
            return []
        return [
            error
            for position, each in enumerate(value)
            for error in self.errors(node, each, (*place, position))
        ]

    def _properties(self, nodes: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if not isinstance(value, dict):
            return []
        return [
            error
            for name, node in nodes.items()
            if name in value
            for error in self.errors(node, value[name], (*place, name))
        ]

    def _all_of(self, nodes: Any, value: Any, place: Place, _: Any) -> list[Error]:
        return [error for node in nodes for error in self.errors(node, value, place)]

    def _any_of(self, nodes: Any, value: Any, place: Place, _: Any) -> list[Error]:
        branches = [self.errors(node, value, place) for node in nodes]
        if not all(branches) or any(_looks_at_unknown(n, value, self._root) for n in nodes):
            return []
        return min(branches, key=len, default=[])

    def _not(self, node: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if not self._strict or not self.holds(node, value):
            return []
        return [Error(place, "is not allowed here")]

    def _if(self, node: Any, value: Any, place: Place, around: Mapping[str, Any]) -> list[Error]:
        try:
            branch = around.get("then" if self.holds(node, value) else "else", True)
            return self.errors(branch, value, place)
        except UndecidedError:
            return []

    def _dependent_excluded(self, rules: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if not isinstance(value, dict):
            return []
        return [
            Error((*place, other), f"{other} excludes {name}", alone=True)
            for name, others in rules.items()
            for other in others
            if name in value and other in value
        ]

    def _dependent_required(self, rules: Any, value: Any, place: Place, _: Any) -> list[Error]:
        if not self._strict or not isinstance(value, dict):
            return []
        return [
            Error((*place, name), f"{name} needs {other} as well", alone=True)
            for name, others in rules.items()
            for other in others
            if name in value and other not in value
        ]

    def _required_xor(self, names: Any, value: Any, place: Place, _: Any) -> list[Error]:
        given = [name for name in names if isinstance(value, dict) and name in value]
        if len(given) < 2:
            return []
        text = f"only one of {', '.join(given)} may be set"
        return [Error((*place, given[1]), text, alone=True)]


def _among(value: Any, choices: Iterable[Any]) -> bool:
    """Equality of JSON: true is not 1."""
    return any(
        value == each and isinstance(value, bool) == isinstance(each, bool) for each in choices
    )


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_unknown(each) for each in value.values())
    if isinstance(value, list):
        return any(_has_unknown(each) for each in value)
    return value is UNKNOWN


def _looks_at_unknown(node: Any, value: Any, root: Mapping[str, Any]) -> bool:
    """Whether a condition looks at something that is not known."""
    if value is UNKNOWN:
        return True
    node = resolve(node, root)
    if isinstance(value, dict):
        for name, inner in (node.get("properties") or {}).items():
            # That it is there is known, and `false` asks for nothing more.
            asked = name in value and isinstance(inner, dict)
            if asked and _looks_at_unknown(inner, value[name], root):
                return True
    if isinstance(value, list) and isinstance(node.get("items"), dict):
        return any(_looks_at_unknown(node["items"], each, root) for each in value)
    return any(
        _looks_at_unknown(branch, value, root)
        for keyword in ("allOf", "anyOf", "oneOf")
        for branch in node.get(keyword) or ()
    )
