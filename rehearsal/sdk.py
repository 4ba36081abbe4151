"""What the installed AWS SDK says about a resource type: names, types, required, replaced, secret.

The generated classes of `pulumi_aws` are read, not imported: importing the two dozen modules that a
deployment uses costs two seconds, their text costs a few milliseconds, and the text also carries
the documentation that says which change replaces a resource. A test holds every type that we deploy
against `pulumi._types`, the SDK's own reading of the same classes.

Knows every type of the SDK; holds no table of its own. What AWS allows as a *value* is in
`schemas`; which names Pulumi makes up is in `autonames`.
"""

from __future__ import annotations

import ast
import difflib
import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from rehearsal.wire import UNKNOWN, Secret


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a resource's inputs."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class UnknownTypeError(LookupError):
    """The SDK has no such resource type."""


@dataclass(frozen=True)
class Type:
    """The type of one input.

    kind: string, integer, number, boolean, list, map, object, enum, union, any.
    """

    kind: str
    item: Type | None = None
    options: tuple[Type, ...] = ()
    values: tuple[str, ...] = ()
    cls: ArgsClass | None = None


@dataclass(frozen=True)
class Input:
    """One input of a resource or of a nested object, by its name on the wire."""

    name: str
    type: Type
    required: bool
    documentation: str
    deprecated: str | None

    @property
    def nested(self) -> Mapping[str, Input]:
        """The inputs of the object inside, also through lists and maps; else empty."""
        for type_ in _flat(self.type):
            if type_.cls is not None:
                return type_.cls.inputs
        return {}


def _flat(type_: Type) -> Iterator[Type]:
    yield type_
    for inner in (type_.item, *type_.options):
        if inner is not None:
            yield from _flat(inner)


# --- the package's files -----------------------------------------------------------------------


@lru_cache(maxsize=2)
def _package(name: str = "pulumi_aws") -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{name} is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0])


@lru_cache(maxsize=1)
def version() -> str:
    """The version of the SDK that is read."""
    return importlib.metadata.version("pulumi_aws")


@lru_cache(maxsize=2)
def _registry(package: str = "pulumi_aws") -> dict[str, tuple[str, str]]:
    """Token -> folder and class, from the table with which the SDK registers itself."""
    text = (_package(package) / "__init__.py").read_text(encoding="utf-8")
    _, _, rest = text.partition('resource_modules="""')
    table, _, _ = rest.partition('"""')
    return {
        token: (module["fqn"].removeprefix(package).lstrip(".").replace(".", "/"), name)
        for module in json.loads(table)
        for token, name in module["classes"].items()
    }


@lru_cache(maxsize=64)
def _text(relative: str) -> str:
    path = _package() / relative
    return path.read_text(encoding="utf-8") if path.exists() else ""


@lru_cache(maxsize=1)
def tokens() -> frozenset[str]:
    """Every resource type of the SDK."""
    return frozenset(_registry())


def kubernetes_tokens() -> frozenset[str]:
    """Every resource type of the Kubernetes SDK: the built-in kinds and the Helm release."""
    return frozenset(_registry("pulumi_kubernetes"))


def nearest(name: str, names: Iterator[str] | frozenset[str] | Mapping[str, Any]) -> str | None:
    """The name that was probably meant."""
    matches = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return matches[0] if matches else None


_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=512)
def _resource_text(token: str) -> str:
    """The file that defines the resource's class."""
    try:
        folder, _ = _registry()[token]
    except KeyError:
        meant = nearest(token, tokens())
        hint = f"; did you mean {meant}?" if meant else ""
        raise UnknownTypeError(f"pulumi_aws {version()} has no type {token}{hint}") from None
    marker = f'@pulumi.type_token("{token}")\n'
    stem = token.split(":")[1].rpartition("/")[2]
    guess = _text(f"{folder}/{_CAPITAL.sub('_', stem).lower()}.py")
    if marker in guess:
        return guess
    for path in sorted((_package() / folder).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if marker in text:
            return text
    raise UnknownTypeError(f"pulumi_aws {version()} registers {token} but does not define it")


def _class_text(text: str, name: str) -> str:
    start = text.find(f"\nclass {name}:\n")
    if start < 0:
        start = text.find(f"\nclass {name}(")
    if start < 0:
        return ""
    end = text.find("\nclass ", start + 1)
    return text[start:] if end < 0 else text[start:end]


# --- one generated Args class -------------------------------------------------------------------

_SIGNATURE = re.compile(r"def __init__\(__self__(?:, \*,)?(.*?)\):\n", re.DOTALL)
_PARAMETER = re.compile(r"^\s*(\w+): (.+?)( = None)?,?$", re.MULTILINE)
_GETTER = re.compile(
    r'@pulumi\.getter(?:\(name="(?P<wire>\w+)"\))?\n'
    r'(?:    @_utilities\.deprecated\("""(?P<deprecated>.*?)"""\)\n)?'
    r"    def (?P<python>\w+)\(self\) -> (?P<type>[^\n]+):\n"
    r'(?:        """\n(?P<doc>.*?)\n        """\n)?',
    re.DOTALL,
)


@dataclass(frozen=True)
class ArgsClass:
    """A generated class of inputs of an object that is nested in a resource."""

    folder: str
    name: str

    @cached_property
    def text(self) -> str:
        return _class_text(_text(f"{self.folder}/_inputs.py"), self.name)

    @cached_property
    def inputs(self) -> Mapping[str, Input]:
        return _inputs(self.text, self.folder)


def _inputs(text: str, folder: str) -> Mapping[str, Input]:
    signature = _SIGNATURE.search(text)
    required = set()
    if signature:
        for match in _PARAMETER.finditer(signature[1]):
            if match[3] is None:
                required.add(match[1])
    found = {}
    for getter in _GETTER.finditer(text):
        name = getter["wire"] or getter["python"]
        found[name] = Input(
            name=name,
            type=_type(getter["type"], folder),
            required=getter["python"] in required,
            documentation=" ".join((getter["doc"] or "").split()),
            deprecated=getter["deprecated"],
        )
    return found


@lru_cache(maxsize=4096)
def _type(annotation: str, folder: str) -> Type:
    return _type_of(ast.parse(annotation, mode="eval").body, folder)


_SCALARS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def _type_of(node: ast.expr, folder: str) -> Type:
    if isinstance(node, ast.Constant):
        return _named(str(node.value), folder)
    if isinstance(node, ast.Attribute):
        return Type(_SCALARS.get(node.attr, "any"))
    if isinstance(node, ast.Name):
        return Type(_SCALARS.get(node.id, "any"))
    if not isinstance(node, ast.Subscript):
        return Type("any")
    assert isinstance(node.value, (ast.Attribute, ast.Name)), ast.dump(node)
    outer = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id
    if outer in ("Input", "Optional", "Output"):
        return _type_of(node.slice, folder)
    if outer == "Sequence":
        return Type("list", item=_type_of(node.slice, folder))
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Mapping":
        return Type("map", item=_type_of(arguments[-1], folder))
    if outer == "Union":
        return Type("union", options=tuple(_type_of(each, folder) for each in arguments))
    return Type("any")


def _named(name: str, folder: str) -> Type:
    """A class that the SDK names in quotes: nested inputs, an enumeration, or a resource."""
    if "." in name:
        module, _, name = name.rpartition(".")
        folder = module.lstrip("_")
    if name.endswith("Args"):
        return Type("object", cls=ArgsClass(folder, name))
    values = _enumeration(folder, name)
    # Else a resource's class: the program may hand over the resource, and its id travels.
    return Type("enum", values=values) if values else Type("string")


@lru_cache(maxsize=256)
def _enumeration(folder: str, name: str) -> tuple[str, ...]:
    body = _class_text(_text(f"{folder}/_enums.py"), name)
    return tuple(re.findall(r'^    \w+ = "(.*)"$', body, re.MULTILINE))


# --- what callers ask ---------------------------------------------------------------------------


@lru_cache(maxsize=512)
def inputs(token: str) -> Mapping[str, Input]:
    """The inputs of a type, by name on the wire. UnknownTypeError if the SDK has no such type."""
    text = _resource_text(token)
    # XArgs, or XInitArgs where a nested object of the module has taken that name
    name = re.search(r"^@pulumi\.input_type\nclass (\w*Args):$", text, re.MULTILINE)
    body = _class_text(text, name[1]) if name else ""
    return _inputs(body, _registry()[token][0])


@lru_cache(maxsize=512)
def outputs(token: str) -> frozenset[str]:
    """Every property that a resource of the type has once it is made."""
    text = _resource_text(token)
    body = _class_text(text, _registry()[token][1])
    return frozenset(each["wire"] or each["python"] for each in _GETTER.finditer(body))


@lru_cache(maxsize=512)
def output_only(token: str) -> frozenset[str]:
    """The properties that only AWS or the provider can give."""
    return outputs(token) - frozenset(inputs(token))


_SECRET_OUTPUTS = re.compile(r"additional_secret_outputs=\[(.*?)\]")
_SECRET_INPUT = re.compile(r'__props__\.__dict__\["(\w+)"\] = .*pulumi\.Output\.secret\(')


@lru_cache(maxsize=512)
def secrets(token: str) -> frozenset[str]:
    """The properties that the SDK itself marks as secret, by their names on the wire."""
    body = _class_text(_resource_text(token), _registry()[token][1])
    named = {
        name for group in _SECRET_OUTPUTS.findall(body) for name in re.findall(r'"(\w+)"', group)
    }
    wire = {each["python"]: each["wire"] or each["python"] for each in _GETTER.finditer(body)}
    return frozenset(named | {wire.get(name, name) for name in _SECRET_INPUT.findall(body)})


_DEPRECATED_TYPE = re.compile(
    r'^warnings\.warn\("""(.+ has been deprecated in favor of .+)"""', re.MULTILINE
)


@lru_cache(maxsize=512)
def deprecated(token: str) -> Mapping[str, str]:
    """The top-level inputs that the SDK has deprecated, with what it says to use instead.

    The type itself stands under "" where all of it is deprecated.
    """
    whole = _DEPRECATED_TYPE.search(_resource_text(token))
    return {
        **({"": whole[1]} if whole else {}),
        **{name: each.deprecated for name, each in inputs(token).items() if each.deprecated},
    }


# "Forces new resource", "Changing this forces replacement", "Changing it recreates the resource",
# "If changed, creates a new resource": the wordings of the provider's documentation, counted over
# the whole SDK. `recreate` alone is used loosely there ("recreate the instance from ..."), so it
# counts only beside a word for a change.
_FORCES = re.compile(
    r"\bforc(?:es|e|ing) (?:terraform to (?:create|replace)|(?:the )?(?:creation|re-?creation) of"
    r"|(?:the )?(?:resource|instance) to be re-?(?:created|placed)"
    r"|an? (?:\w+ )?(?:new|replacement)|new\b|replacement)"
    r"|\b(?:chang|modif|updat|edit|alter)[^.]{0,80}?\b(?:creates?|recreates?|re-creates?|replaces?"
    r"|destroy(?:ed|s)? and re-?create[sd]?) (?:a new|the) (?:resource|\w+)",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"(?:not|n't|without|never|avoid|instead of|prevent) [^.]{0,30}$|\bwhen [^.]*$", re.I
)


def forces_replacement(documentation: str) -> bool:
    """Whether a property's documentation says that a change of it makes a new resource."""
    return any(
        not _NOT.search(documentation[: match.start()]) for match in _FORCES.finditer(documentation)
    )


@lru_cache(maxsize=512)
def replaces(token: str) -> frozenset[str]:
    """Input paths whose change, says the SDK's documentation, makes a new resource.

    Paths are dotted and leave positions in lists out: "restoreToPointInTime.restoreTime".
    """
    nested = _nested_forces(_registry()[token][0]) if token in _registry() else False
    found: set[str] = set()

    def walk(level: Mapping[str, Input], prefix: str, above: tuple[ArgsClass, ...]) -> None:
        for name, each in level.items():
            if forces_replacement(each.documentation):
                found.add(prefix + name)
                continue
            if not nested:
                continue
            for type_ in _flat(each.type):
                if type_.cls and type_.cls not in above and len(above) < 4:
                    walk(type_.cls.inputs, f"{prefix}{name}.", (*above, type_.cls))

    walk(inputs(token), "", ())
    return frozenset(found)


@lru_cache(maxsize=64)
def _nested_forces(folder: str) -> bool:
    """Whether any nested class of the module speaks of replacement: most never do."""
    return _FORCES.search(_text(f"{folder}/_inputs.py")) is not None


# --- the check ----------------------------------------------------------------------------------


def check(token: str, values: Mapping[str, Any]) -> list[Finding]:
    """Everything that the SDK's classes refuse: unknown names, wrong types, missing inputs."""
    try:
        known = inputs(token)
    except UnknownTypeError as error:
        return [Finding("", str(error))]
    findings: list[Finding] = []
    _check_object(known, values, "", token, findings)
    return findings


def _check_object(
    known: Mapping[str, Input],
    values: Mapping[str, Any],
    prefix: str,
    owner: str,
    findings: list[Finding],
    secret: bool = False,
) -> None:
    for name, value in values.items():
        if name.startswith("__"):  # the bridge's own notes in old inputs, such as __defaults
            continue
        path = prefix + name
        if name not in known:
            meant = nearest(name, known)
            hint = f"; did you mean {meant}?" if meant else ""
            findings.append(Finding(path, f"{owner} has no input of this name{hint}"))
        else:
            _check_value(known[name].type, value, path, owner, findings, secret)
    for name, each in known.items():
        if each.required and values.get(name) is None:
            findings.append(Finding(prefix + name, f"{owner} requires it, and it is missing"))


_NAMES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "map": "a map",
    "object": "an object",
}


def _check_value(
    type_: Type, value: Any, path: str, owner: str, findings: list[Finding], secret: bool = False
) -> None:
    if isinstance(value, Secret):
        _check_value(type_, value.value, path, owner, findings, secret=True)
        return
    if value is None or value is UNKNOWN or type_.kind == "any":
        return
    if type_.kind == "union":
        _check_union(type_, value, path, owner, findings, secret)
        return
    if type_.kind == "enum":
        if value not in type_.values:
            findings.append(
                Finding(path, f"{shown(value, secret)} is none of {', '.join(type_.values)}")
            )
        return
    if not _fits(type_.kind, value):
        wanted = _NAMES[type_.kind]
        findings.append(Finding(path, f"needs {wanted}, got {described(value, secret)}"))
        return
    if type_.kind == "list" and type_.item:
        for position, each in enumerate(value):
            _check_value(type_.item, each, f"{path}[{position}]", owner, findings, secret)
    elif type_.kind == "map" and type_.item:
        for key, each in value.items():
            _check_value(type_.item, each, f"{path}.{key}", owner, findings, secret)
    elif type_.kind == "object" and type_.cls:
        name = type_.cls.name.removesuffix("Args")
        _check_object(type_.cls.inputs, value, f"{path}.", name, findings, secret)


def _check_union(
    type_: Type, value: Any, path: str, owner: str, findings: list[Finding], secret: bool
) -> None:
    """One option has to take the value; the options of the SDK differ in their kinds."""
    best: list[Finding] | None = None
    for option in type_.options:
        mine: list[Finding] = []
        _check_value(option, value, path, owner, mine, secret)
        if not mine:
            return
        if best is None or _fits(option.kind, value):
            best = mine
    findings.extend(best or [])


def _fits(kind: str, value: Any) -> bool:
    if kind in ("string", "enum"):
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return _is_number(value) and float(value).is_integer()
    if kind == "number":
        return _is_number(value)
    if kind == "list":
        return isinstance(value, list | tuple)
    if kind in ("map", "object"):
        return isinstance(value, Mapping)
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: Any, secret: bool = False) -> str:
    """A value for a message; a secret never appears, nor does anything that may contain one."""
    if secret or isinstance(value, Secret):
        return "a secret"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, str) else f"{value:g}" if _is_number(value) else "it"
    return text if len(text) <= 60 else text[:57] + "..."


def described(value: Any, secret: bool = False) -> str:
    """A value with its kind: "the string 'x'", "the number 7", "a list"."""
    if secret or isinstance(value, Secret | Mapping | list | tuple):
        return shown(value, secret)
    kind = "string" if isinstance(value, str) else "number" if _is_number(value) else "value"
    return f"the {kind} {shown(value)}"
