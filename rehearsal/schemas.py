"""What AWS's own resource schemas say about values, and about which change replaces a resource.

The schemas are those that `cfn-lint` ships: one JSON document for each CloudFormation type and
region, with enumerations, patterns, lengths, ranges, engine versions and instance classes. A
resource's inputs are translated into the document that CloudFormation would be given, as far as
names map (by rule, else by `aliases.yaml`), and that document is checked. What is unknown in a
preview is never a finding.

Never here: names and types of inputs (`sdk`), and refusals that no schema states (`refusals`).
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from rehearsal import sdk
from rehearsal.evaluator import (
    Error,
    Evaluator,
    Place,
    UndecidedError,
    properties,
    resolve,
    type_names,
)
from rehearsal.sdk import Finding
from rehearsal.wire import UNKNOWN, Secret

_ALIASES = Path(__file__).with_name("aliases.yaml")
# The region whose catalogue is complete; used where another has no schema of a type.
_HOME = "us-east-1"

# CloudFormation type -> cfn-lint's extension schemas, each with the place that it is about ("" for
# the whole resource). Left out are those that need the other resources of a template, and warnings.
_INSTANCE_TYPES = "aws_ec2_instance/instancetype_enum"
_EXTENSIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "AWS::RDS::DBInstance": (
        ("aws_rds_dbinstance/engine_version", ""),
        ("aws_rds_dbinstance/dbinstanceclass_enum", ""),
        ("aws_rds_dbinstance/db_instance_class", ""),
        ("aws_rds_dbinstance/backupretentionperiod_maximum", ""),
        ("aws_rds_dbinstance/kmskey_storageencrypted", ""),
    ),
    "AWS::ElastiCache::ReplicationGroup": (
        ("aws_elasticache_cachecluster/engine_version", ""),
        ("aws_elasticache_cachecluster/cachenodetype_enum", "CacheNodeType"),
        ("aws_elasticache_replicationgroup/transitencryptionenabled_valkey", ""),
    ),
    "AWS::EC2::LaunchTemplate": ((_INSTANCE_TYPES, "LaunchTemplateData.InstanceType"),),
    "AWS::EKS::Nodegroup": ((_INSTANCE_TYPES, "InstanceTypes[]"),),
    "AWS::EC2::Instance": ((_INSTANCE_TYPES, "InstanceType"),),
    "AWS::ElasticLoadBalancingV2::Listener": (
        ("aws_elasticloadbalancingv2_listener/certificate", ""),
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        ("aws_elasticloadbalancingv2_loadbalancer/application_subnets", ""),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        ("aws_elasticloadbalancingv2_targetgroup/protocol_restrictions", ""),
        ("aws_elasticloadbalancingv2_targetgroup/targettype_restrictions", ""),
    ),
    "AWS::CloudWatch::Alarm": (("aws_cloudwatch_alarm/period", ""),),
    "AWS::Route53::RecordSet": (
        ("aws_route53_recordset/recordset_alias", ""),
        ("aws_route53_recordset/recordset_pattern", ""),
    ),
    "AWS::EC2::SecurityGroupIngress": (
        ("aws_ec2_securitygroup/protocols_and_port_ranges_include", ""),
    ),
    "AWS::EC2::SecurityGroupEgress": (
        ("aws_ec2_securitygroup/protocols_and_port_ranges_include", ""),
    ),
}


def _quoted_by_the_provider(document: dict[str, Any]) -> None:
    """The provider puts the quotes of TXT records; the schema wants to see them."""
    if document.get("Type") in ("TXT", "SPF"):
        document.pop("ResourceRecords", None)


_ADJUSTMENTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "AWS::Route53::RecordSet": _quoted_by_the_provider,
}


# --- cfn-lint's data ----------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _data() -> Path:
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("cfn-lint is not installed: pip install -r requirements-dev.txt")
    return Path(spec.submodule_search_locations[0]) / "data" / "schemas"


@lru_cache(maxsize=64)
def _catalogue(region: str) -> Mapping[str, str]:
    path = _data() / "providers" / f"{region}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@lru_cache(maxsize=512)
def _schema(cfn_type: str, region: str) -> Mapping[str, Any] | None:
    digest = _catalogue(region).get(cfn_type) or _catalogue(_HOME).get(cfn_type)
    return _document(digest) if digest else None


@lru_cache(maxsize=512)
def _document(digest: str) -> Mapping[str, Any]:
    path = _data() / "resources" / f"{digest}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=128)
def _extension(name: str, region: str) -> Mapping[str, Any]:
    """One extension schema; of those that are tables by region, only that region is parsed."""
    text = (_data() / "extensions" / f"{name}.json").read_text(encoding="utf-8")
    if not re.match(r'\{\s*"[a-z]{2}(?:-[a-z]+)+-\d"', text):
        return json.loads(text)
    start = re.search(rf'^ ?"{re.escape(region)}": ', text, re.MULTILINE)
    return json.JSONDecoder().raw_decode(text, start.end())[0] if start else {}


# --- aliases ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Aliases:
    """How one Pulumi type corresponds to a CloudFormation type; see the head of aliases.yaml."""

    cfn: str | None
    under: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    no_schema: Mapping[str, str] = field(default_factory=dict)
    create_only: Mapping[str, str] = field(default_factory=dict)
    updatable: Mapping[str, str] = field(default_factory=dict)
    unset: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(_ALIASES.read_text(encoding="utf-8"), Loader=loader)


@lru_cache(maxsize=512)
def aliases(token: str) -> Aliases:
    """The row of a type, with what holds for all types; a rule gives the rest."""
    table = _table()
    row = table["types"].get(token) or {}
    common = table["everywhere"]
    return Aliases(
        cfn=row["cfn"] if "cfn" in row else _by_rule(token),
        under=row.get("under", ""),
        inputs=row.get("inputs") or {},
        no_schema={**_reasons(common["no_schema"]), **_reasons(row.get("no_schema"))},
        create_only={**_reasons(common["create_only"]), **_reasons(row.get("create_only"))},
        updatable=_reasons(row.get("updatable")),
        unset=row.get("unset") or {},
        why=row.get("why", ""),
    )


def _reasons(groups: Mapping[str, Iterable[str]] | None) -> dict[str, str]:
    """Reason -> names, as the file has it, turned round; the file's short reasons written out."""
    spelled = _table()["reasons"]
    return {
        name: spelled.get(reason, reason)
        for reason, names in (groups or {}).items()
        for name in names
    }


def listed() -> frozenset[str]:
    """The types that aliases.yaml has a row for."""
    return frozenset(_table()["types"])


@lru_cache(maxsize=1)
def _cfn_types() -> Mapping[str, str]:
    return {_bare(name): name for name in _catalogue(_HOME)}


def _by_rule(token: str) -> str | None:
    """aws:eks/podIdentityAssociation:PodIdentityAssociation -> AWS::EKS::PodIdentityAssociation."""
    _, module, name = token.split(":")
    service = module.partition("/")[0]
    return _cfn_types().get("aws" + _bare(service) + _bare(name))


@lru_cache(maxsize=16384)
def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def cfn_type(token: str) -> str | None:
    """The CloudFormation type of a Pulumi type, or None when it has none."""
    return aliases(token).cfn


# --- names --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Step:
    """One step of a way into a CloudFormation document.

    `Name[]`: a list, and each element of the input goes into one of its own. `Name[0]`: a list, and
    the input goes into its first element.
    """

    name: str
    each: bool = False
    first: bool = False


@lru_cache(maxsize=4096)
def _steps(way: str) -> tuple[_Step, ...]:
    if way == ".":
        return ()
    return tuple(
        _Step(part.partition("[")[0], part.endswith("[]"), part.endswith("[0]"))
        for part in way.split(".")
    )


def _descend(node: Mapping[str, Any], steps: Iterable[_Step], root: Mapping[str, Any]) -> Any:
    """The schema node at the end of a way, or None if the way does not exist."""
    node = resolve(node, root)
    for step in steps:
        known = properties(node, root)
        if step.name not in known:
            return None
        node = resolve(known[step.name], root)
        if step.each or step.first:
            node = resolve(node.get("items") or {}, root)
    return node


def _by_name(name: str, known: Mapping[str, Any], nouns: tuple[str, ...]) -> str | None:
    """The property that an input's name means: case, number, and the type's name in front."""
    bare = _bare(name)
    same = {bare, bare + "s", bare.removesuffix("s")}
    if bare.endswith("ies"):
        same.add(bare[:-3] + "y")
    if bare.endswith("y"):
        same.add(bare[:-1] + "ies")
    for wanted in ({bare}, same, {noun + each for noun in nouns for each in same}):
        for each in known:
            if _bare(each) in wanted:
                return each
    return None


def _nouns(token: str, cfn: str) -> tuple[str, ...]:
    return tuple({_bare(token.rpartition(":")[2]), _bare(cfn.rpartition("::")[2])})


def _way(
    path: str,
    name: str,
    node: Mapping[str, Any],
    root: Mapping[str, Any],
    row: Aliases,
    nouns: tuple[str, ...],
) -> tuple[_Step, ...] | None:
    """Where an input goes, from the CloudFormation object around it; None if nowhere."""
    if path in row.no_schema:
        return None
    given = row.inputs.get(path)
    if given is not None:
        return _steps(given)
    found = _by_name(name, properties(node, root), nouns)
    if found:
        return (_Step(found),)
    if row.under and "." not in path:
        around = _steps(row.under)
        found = _by_name(name, properties(_descend(node, around, root) or {}, root), nouns)
        return (*around, _Step(found)) if found else None
    return None


@lru_cache(maxsize=1024)
def mapped(token: str, name: str, region: str = _HOME) -> str | None:
    """The CloudFormation way of a top-level input: "ResourcesVpcConfig"; None if it has none."""
    row = aliases(token)
    schema = _schema(row.cfn, region) if row.cfn else None
    if schema is None or row.cfn is None:
        return None
    way = _way(name, name, schema, schema, row, _nouns(token, row.cfn))
    if way is None or _descend(schema, way, schema) is None:
        return None
    return ".".join(step.name for step in way) or "."


def unmapped(token: str, input_names: Iterable[str]) -> list[str]:
    """The inputs that nothing here checks and nobody has said so: each is a hole in the check."""
    row = aliases(token)
    if row.cfn is None:
        return [] if row.why else sorted(set(input_names) - set(row.no_schema))
    return sorted(
        name
        for name in set(input_names)
        if not name.startswith("__") and name not in row.no_schema and mapped(token, name) is None
    )


# --- translation --------------------------------------------------------------------------------


@dataclass
class _Translation:
    """A CloudFormation document, and for each place in it the input that it came from."""

    root: Mapping[str, Any]
    row: Aliases
    nouns: tuple[str, ...]
    document: dict[str, Any] = field(default_factory=dict)
    origins: dict[Place, tuple[str, bool]] = field(default_factory=dict)

    def take(
        self,
        values: Mapping[str, Any],
        node: Mapping[str, Any],
        target: dict[str, Any],
        place: Place,
        prefix: str,
        plain: str,
        secret: bool,
    ) -> None:
        """Put every input of one object where it belongs in one CloudFormation object."""
        for name, value in values.items():
            hidden = secret or isinstance(value, Secret)
            inner = value.value if isinstance(value, Secret) else value
            if inner is None or name.startswith("__"):
                continue
            path = plain + name
            if path in self.row.unset and inner == self.row.unset[path]:
                continue
            way = _way(path, name, node, self.root, self.row, () if plain else self.nouns)
            if way is None:
                continue
            if not way:  # the object has no counterpart; its inputs belong to the one around it
                for each in inner if isinstance(inner, list) else [inner]:
                    if isinstance(each, Mapping):
                        self.take(each, node, target, place, f"{prefix}{name}.", f"{path}.", hidden)
                continue
            self._put(inner, way, node, target, place, f"{prefix}{name}", path, hidden)

    def _put(
        self,
        value: Any,
        way: tuple[_Step, ...],
        node: Mapping[str, Any],
        target: dict[str, Any],
        place: Place,
        path: str,
        plain: str,
        secret: bool,
    ) -> None:
        step, rest = way[0], way[1:]
        known = properties(node, self.root)
        if step.name not in known:
            return
        child = resolve(known[step.name], self.root)
        here = (*place, step.name)
        self.origins.setdefault(here, (path, secret))
        if step.first:
            item = resolve(child.get("items") or {}, self.root)
            kept = target.setdefault(step.name, [{}])
            if rest and isinstance(kept[0], dict):
                self._put(value, rest, item, kept[0], (*here, 0), path, plain, secret)
            return
        if step.each:
            item = resolve(child.get("items") or {}, self.root)
            values = value if isinstance(value, list) else [value]
            kept = target.setdefault(step.name, [])
            for position, each in enumerate(values):
                at = f"{path}[{position}]" if isinstance(value, list) else path
                slot = (*here, position)
                self.origins[slot] = (at, secret)
                if not rest:
                    kept.append(self._value(each, item, slot, at, plain, secret))
                    continue
                while len(kept) <= position:
                    kept.append({})
                if isinstance(kept[position], dict):
                    self._put(each, rest, item, kept[position], slot, at, plain, secret)
            return
        if rest:
            inner = target.setdefault(step.name, {})
            if isinstance(inner, dict):
                self._put(value, rest, child, inner, here, path, plain, secret)
            return
        target[step.name] = self._value(value, child, here, path, plain, secret)

    def _value(
        self,
        value: Any,
        node: Mapping[str, Any],
        place: Place,
        path: str,
        plain: str,
        secret: bool,
    ) -> Any:
        """A value in the shape that the schema has at its place; UNKNOWN if it has another."""
        if isinstance(value, Secret):
            value, secret = value.value, True
        self.origins[place] = (path, secret)
        if value is UNKNOWN or value is None:
            return UNKNOWN
        types = type_names(node)
        named = plain.rpartition(".")[2]
        if named == "tags" and isinstance(value, Mapping) and "array" in types:
            return self._tags(value, place, path, secret)
        if "array" in types:
            item = resolve(node.get("items") or {}, self.root)
            if not isinstance(value, list):  # the SDK writes a list of at most one as the one
                return [self._value(value, item, (*place, 0), path, plain, secret)]
            return [
                self._value(each, item, (*place, n), f"{path}[{n}]", plain, secret)
                for n, each in enumerate(value)
            ]
        if isinstance(value, list):
            if len(value) != 1 or "object" not in types:
                return UNKNOWN
            value, path = value[0], f"{path}[0]"
            return self._value(value, node, place, path, plain, secret)
        if isinstance(value, Mapping):
            if not properties(node, self.root):
                return UNKNOWN
            made: dict[str, Any] = {}
            self.take(value, node, made, place, f"{path}.", f"{plain}.", secret)
            return made
        return _scalar(value, types)

    def _tags(self, value: Mapping[str, Any], place: Place, path: str, secret: bool) -> list[Any]:
        made = []
        for position, (key, each) in enumerate(value.items()):
            hidden = secret or isinstance(each, Secret)
            for part in ("Key", "Value"):
                self.origins[(*place, position, part)] = (f"{path}.{key}", hidden)
            inner = each.value if isinstance(each, Secret) else each
            made.append({"Key": key, "Value": inner})
        return made

    def origin(self, place: Place) -> tuple[str, bool]:
        """The input that a place came from; for what is missing, the nearest around it."""
        while place and place not in self.origins:
            place = place[:-1]
        return self.origins.get(place, ("", False))


def _scalar(value: Any, types: frozenset[str]) -> Any:
    """Providers write some numbers and booleans as strings; the schema's kind is compared."""
    if not types:
        return value
    if isinstance(value, bool):
        if "boolean" in types:
            return value
        return ("true" if value else "false") if "string" in types else UNKNOWN
    if isinstance(value, int | float):
        if types & {"number", "integer"}:
            return int(value) if float(value).is_integer() else value
        return f"{value:g}" if "string" in types else UNKNOWN
    if "string" in types:
        return value
    if types & {"number", "integer"}:
        try:
            number = float(value)
        except ValueError:
            return UNKNOWN
        return int(number) if number.is_integer() else number
    if "boolean" in types and value in ("true", "false"):
        return value == "true"
    return UNKNOWN


# --- what callers ask ---------------------------------------------------------------------------


def check(token: str, values: Mapping[str, Any], region: str) -> list[Finding]:
    """What the AWS schemas refuse in the inputs of one resource.

    region: the provider's; a resource that names its own is checked against that one.
    """
    own = values.get("region")
    region = own if isinstance(own, str) else region
    row = aliases(token)
    schema = _schema(row.cfn, region) if row.cfn else None
    if schema is None or row.cfn is None:
        return []
    translation = _translate(token, row, schema, values)
    errors = Evaluator(schema, strict=False).errors(schema, translation.document)
    for name, way in _EXTENSIONS.get(row.cfn, ()):
        extension = _extension(name, region)
        for place, value in _found_at(translation.document, _steps(way or ".")):
            try:
                errors += Evaluator(extension, strict=True).errors(extension, value, place)
            except UndecidedError:
                continue
    return _findings(errors, translation)


def _found_at(value: Any, steps: tuple[_Step, ...], place: Place = ()) -> Iterator[Any]:
    """Every place of a document at the end of a way, with what stands there."""
    if not steps:
        yield place, value
        return
    step, rest = steps[0], steps[1:]
    if not isinstance(value, dict) or step.name not in value:
        return
    here = (*place, step.name)
    inner = value[step.name]
    if step.each and isinstance(inner, list):
        for position, each in enumerate(inner):
            yield from _found_at(each, rest, (*here, position))
    else:
        yield from _found_at(inner, rest, here)


def _translate(
    token: str, row: Aliases, schema: Mapping[str, Any], values: Mapping[str, Any]
) -> _Translation:
    assert row.cfn is not None
    translation = _Translation(schema, row, _nouns(token, row.cfn))
    translation.take(values, schema, translation.document, (), "", "", False)
    adjust = _ADJUSTMENTS.get(row.cfn)
    if adjust:
        adjust(translation.document)
    return translation


def _findings(errors: Iterable[Error], translation: _Translation) -> list[Finding]:
    findings: dict[Finding, None] = {}
    listed_once: set[str] = set()  # two tables may refuse one value: region's, and version's
    for error in errors:
        path, secret = translation.origin(error.place)
        if error.choices and path in listed_once:
            continue
        if error.choices:
            listed_once.add(path)
        value: Any = translation.document
        for part in error.place:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                value = None
                break
        findings[Finding(path, error.message(sdk.shown(value, secret)))] = None
    return list(findings)


@lru_cache(maxsize=512)
def create_only(token: str) -> frozenset[str]:
    """The inputs that, says the AWS schema, can be given at creation only."""
    row = aliases(token)
    schema = _schema(row.cfn, _HOME) if row.cfn else None
    if schema is None or row.cfn is None or token not in sdk.tokens():
        return frozenset()
    pointers = {
        tuple(part for part in pointer.removeprefix("/properties/").split("/") if part != "*")
        for pointer in schema.get("createOnlyProperties") or ()
    }
    found: set[str] = set()

    def walk(
        level: Mapping[str, sdk.Input],
        node: Mapping[str, Any],
        place: tuple[str, ...],
        plain: str,
        nouns: tuple[str, ...],
    ) -> None:
        for name, each in level.items():
            path = plain + name
            way = _way(path, name, node, schema, row, nouns)
            if way is None:
                continue
            child = _descend(node, way, schema)
            if child is None:
                continue
            here = (*place, *(step.name for step in way))
            if any(here[: len(pointer)] == pointer for pointer in pointers):
                found.add(path)
            elif any(pointer[: len(here)] == here for pointer in pointers) and each.nested:
                if "array" in type_names(child):
                    child = resolve(child.get("items") or {}, schema)
                walk(each.nested, child, here, f"{path}.", ())

    walk(sdk.inputs(token), schema, (), "", _nouns(token, row.cfn))
    return frozenset(found)


@lru_cache(maxsize=512)
def replaces(token: str) -> frozenset[str]:
    """The input paths whose change makes a new resource: what AWS and the provider together say."""
    row = aliases(token)
    stated = create_only(token) | sdk.replaces(token) | frozenset(row.create_only)
    known = sdk.inputs(token)
    return frozenset(
        path for path in stated if path not in row.updatable and path.partition(".")[0] in known
    )


_POSITION = re.compile(r"\[[^\]]*\]")


def forces_new(token: str, changed: Iterable[str]) -> list[str]:
    """Of changed input paths ("vpcConfig.subnetIds[0]"), those that replace the resource."""
    stated = replaces(token)
    replacing = []
    for path in changed:
        parts = _POSITION.sub("", path).split(".")
        above = {".".join(parts[: n + 1]) for n in range(len(parts))}
        if above & stated:
            replacing.append(path)
    return replacing
