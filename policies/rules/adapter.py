"""From our rules to pulumi-policy's: messages become plain values, verdicts become reports.

`Judge` takes the place of the SDK's analyzer for judging. It decodes each resource once for all
rules (ADR 6), gives every finding a level of its own, so that a waived or an undecided one stays
visible and blocks nothing, and names the rule and the resource where a rule itself fails; an
exception would abort the engine's run and name nobody. Everything else of the protocol stays the
SDK's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi_policy import (
    EnforcementLevel,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
    deserialize,
    proxy,
)
from pulumi_policy import policy as sdk

from rules import outcomes, pack
from rules.levels import in_force
from rules.model import (
    SECRET,
    UNKNOWN,
    Item,
    Level,
    NotApplicable,
    Props,
    Rule,
    Stack,
    StackRule,
    Undecided,
)
from rules.outcomes import Said
from rules.waivers import Ledger

_SEVERITY = {
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_UNKNOWNS = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)
_DISABLED = "disabled in this environment"
_CONFIGURED = (
    "a configuration of the pack changes {}: allowed: none; levels are set in "
    "policies/levels.yaml, single findings accepted in policies/waivers.yaml"
)
# Told of hundreds of rules for each resource; no event of the engine carries it.
_OTHER_TYPE = "another type"
_NAMESPACES = ("kubernetes:core/v1:Namespace", "kubernetes:v1:Namespace")

# Stack -> rule or "all" -> level, as `rules.levels.read` gives it.
Levels = Mapping[str, Mapping[str, Level]]


class OneResource(ResourceValidationPolicy):
    """A rule over one resource as the engine lists it."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        super().__init__(**_stated(rule), remediate=_remedy(rule) if rule.remedy else None)


class WholeStack(StackValidationPolicy):
    """A rule that joins resources as the engine lists it."""

    def __init__(self, rule: StackRule) -> None:
        self.rule = rule
        super().__init__(**_stated(rule))


def as_policy(rule: Rule | StackRule) -> OneResource | WholeStack:
    """The rule as the SDK's policy."""
    return WholeStack(rule) if isinstance(rule, StackRule) else OneResource(rule)


def _stated(rule: Rule | StackRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "description": rule.sentence,
        "validate": _judged_elsewhere,
        "severity": _SEVERITY[rule.severity],
        "remediation_steps": rule.fix,
        "url": rule.url or None,
        "tags": [*rule.requirements, *rule.controls],
    }


def _judged_elsewhere(*_: Any) -> None:
    raise RuntimeError("rules are judged by rules.adapter.Judge; start the pack by its __main__")


def _remedy(rule: Rule) -> Any:
    def remediate(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
        if args.resource_type not in rule.types:
            args.not_applicable(f"judges {', '.join(rule.types)}")
        # Written in place: the SDK wraps what was secret again only then.
        for path, value in rule.remedy.items():
            *inner, last = path.split(".")
            here: Any = args.props
            for part in inner:
                if part not in here:
                    here[part] = {}
                here = here[part]
            here[last] = value
        return args.props

    return remediate


def findings(rule: Rule, props: Props) -> Iterator[Said]:
    """What one rule says of one resource. Raises NotApplicable."""
    try:
        for wrong in rule.judge(props):
            yield outcomes.violated(wrong, rule.fix)
    except Undecided as undecided:
        yield outcomes.unknown(str(undecided))
    except NotApplicable:
        raise
    except Exception as problem:
        yield outcomes.error(problem)


def joined(rule: StackRule, stack: Stack) -> Iterator[tuple[Item, Said]]:
    """What one rule says of each of its subjects."""
    for subject in stack.of(*rule.types):
        try:
            for wrong in rule.judge(subject, stack):
                yield subject, outcomes.violated(wrong, rule.fix)
        except Undecided as undecided:
            yield subject, outcomes.unknown(str(undecided))
        except Exception as problem:
            yield subject, outcomes.error(problem)


class Judge(sdk._PolicyAnalyzerServicer):
    """The SDK's analyzer with our way of judging. Made by `judging`."""

    ledger: Ledger
    today: date
    levels: Levels
    version: str

    def __init__(self, name: str, _version: str, policies: list[Any], *rest: Any) -> None:
        super().__init__(name, self.version, policies, *rest)
        self._pack = (name, self.version)
        self._policies: list[OneResource | WholeStack] = policies
        self._for_type: dict[str, tuple[list[OneResource], proto.AnalyzeResponse]] = {}
        self._inputs: dict[str, dict[str, Any]] = {}
        self._here: Mapping[str, Level] = {}

    def _about(self, urn: str) -> None:
        """What a request is about tells its stack; the engine does so neither when the pack starts
        (NewPolicyAnalyzer of v3.259.0, where a language host runs it) nor for `policy analyze`."""
        self._here = self.levels.get(urn.partition("::")[0].rpartition(":")[2], {})

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 (gRPC's)
        """Refuses `--policy-pack-config`: no event carries it, so that a report could not tell that
        a rule was disabled. Where nobody gives one the engine sends the pack's own levels."""
        own = self._map_enforcement_level(EnforcementLevel.MANDATORY)
        for name, given in sorted(request.policyConfig.items()):
            if given.enforcementLevel != own or given.properties.fields:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, _CONFIGURED.format(name))
        return super().Configure(request, context)

    def _get_enforcement_level(self, policy: Any) -> EnforcementLevel:
        """What `levels.yaml` says of the stack."""
        return EnforcementLevel(in_force(policy.name, self._here))

    # -- one resource ----------------------------------------------------------------------------
    def Analyze(self, request: Any, _context: Any) -> proto.AnalyzeResponse:  # noqa: N802 (gRPC's)
        self._about(request.urn)
        policies, nothing = self._of(request.type)
        response = proto.AnalyzeResponse()
        response.CopyFrom(nothing)
        inputs = self._inputs[request.urn] = decoded(request.properties)
        if not policies:
            return response
        props = Props(inputs)
        for policy in policies:
            if self._get_enforcement_level(policy) == EnforcementLevel.DISABLED:
                response.not_applicable.append(_not_applicable(policy, _DISABLED))
                continue
            self.ledger.judged(policy.rule.name, request.urn)
            try:
                for said in findings(policy.rule, props):
                    self._tell(response, policy, request.urn, said)
            except NotApplicable as reason:
                self.ledger.not_applicable(policy.rule.name, request.urn)
                response.not_applicable.append(_not_applicable(policy, str(reason)))
        return response

    def _of(self, type_: str) -> tuple[list[OneResource], proto.AnalyzeResponse]:
        """The policies that judge a type, and an answer that excuses all the others."""
        if type_ not in self._for_type:
            single = [p for p in self._policies if isinstance(p, OneResource)]
            ours = [p for p in single if type_ in p.rule.types]
            excused = [_not_applicable(p, _OTHER_TYPE) for p in single if type_ not in p.rule.types]
            self._for_type[type_] = ours, proto.AnalyzeResponse(not_applicable=excused)
        return self._for_type[type_]

    def Remediate(self, request: Any, context: Any) -> proto.RemediateResponse:  # noqa: N802
        """The SDK's, which decodes every resource; not asked where nothing is to be remedied."""
        self._about(request.urn)
        policies, _ = self._of(request.type)
        if not any(self._get_enforcement_level(p) == EnforcementLevel.REMEDIATE for p in policies):
            return proto.RemediateResponse()
        return super().Remediate(request, context)

    # -- the whole stack -------------------------------------------------------------------------
    def AnalyzeStack(self, request: Any, _context: Any) -> proto.AnalyzeResponse:  # noqa: N802
        self._about(next((resource.urn for resource in request.resources), ""))
        response = proto.AnalyzeResponse()
        stack = Stack(
            items=tuple(items(request.resources, self._inputs)),
            today=self.today,
            levels={p.name: in_force(p.name, self._here) for p in self._policies},
            audit=self.ledger.audit,
        )
        for policy in self._policies:
            if not isinstance(policy, WholeStack):
                continue
            if self._get_enforcement_level(policy) == EnforcementLevel.DISABLED:
                response.not_applicable.append(_not_applicable(policy, _DISABLED))
                continue
            subjects = stack.of(*policy.rule.types)
            if not subjects:
                reason = f"the stack has no {', '.join(policy.rule.types)}"
                response.not_applicable.append(_not_applicable(policy, reason))
            for subject in subjects:
                self.ledger.judged(policy.rule.name, subject.urn)
            for subject, said in joined(policy.rule, stack):
                self._tell(response, policy, subject.urn, said)
        return response

    def _tell(self, response: Any, policy: Any, urn: str, said: Said) -> None:
        said = self.ledger.weigh(policy.rule.name, urn, said)
        level = self._get_enforcement_level(policy)
        if level == EnforcementLevel.REMEDIATE or said.outcome == "error":
            level = EnforcementLevel.MANDATORY
        if said.outcome in ("waived", "unknown"):
            level = EnforcementLevel.ADVISORY
        name, version = self._pack
        response.diagnostics.append(
            proto.AnalyzeDiagnostic(
                policyName=policy.name,
                policyPackName=name,
                policyPackVersion=version,
                message=said.message(policy.description),
                urn=urn,
                description=policy.description,
                enforcementLevel=self._map_enforcement_level(level),
                severity=self._map_severity(policy.severity),
            )
        )


def _not_applicable(policy: Any, reason: str) -> Any:
    return proto.PolicyNotApplicable(policy_name=policy.name, reason=reason)


def judging(
    ledger: Ledger, day: date, levels: Levels | None = None, version: str = pack.VERSION
) -> type[Judge]:
    """The analyzer for one run: its waivers, its date, what binds in which stack, and the version
    that its events carry."""
    members = {"ledger": ledger, "today": day, "levels": levels or {}, "version": version}
    return type("Judge", (Judge,), members)


def install(judge: type[Judge]) -> None:
    """Let the SDK's `PolicyPack` serve `judge`. Called by the pack's entry point only."""
    module: Any = sdk  # the SDK does not name the class among what it exports
    if not hasattr(module, "_PolicyAnalyzerServicer"):
        raise RuntimeError(
            "this pulumi-policy has another analyzer; allowed: 1.21 (requirements.txt)"
        )
    module._PolicyAnalyzerServicer = judge


def items(
    resources: Iterable[Any], inputs: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Item]:
    """The protocol's resources as plain items.

    inputs: URN -> what the program gave. They stand in for outputs that are not there: while a
    provider's own settings are unknown, as in the first preview of a cluster, the engine asks it
    nothing and has no property of any of its resources (pkg/resource/plugin/provider_plugin.go).
    An output that is not known and that the program did not give is absent, as it is for a rule
    over one resource: nearly all of these are settings that nobody made.
    """
    found = [(r, _settled(decoded(r.properties), (inputs or {}).get(r.urn))) for r in resources]
    namespaces = {
        r.urn: props["metadata"].get("name")
        for r, props in found
        if r.type in _NAMESPACES and isinstance(props.get("metadata"), dict)
    }
    for r, props in found:
        links = {key: frozenset(v.urns) for key, v in r.propertyDependencies.items()}
        yield Item(
            type=r.type,
            name=r.name,
            urn=r.urn,
            props=Props(_placed(props, links.get("metadata", frozenset()), namespaces)),
            links=links,
            protect=r.options.protect,
            parent=r.parent,
        )


def _settled(outputs: dict[str, Any], given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not outputs or given is None:
        return outputs or given or {}
    return {key: v for key, v in outputs.items() if v is not UNKNOWN or key in given}


def _placed(
    props: Mapping[str, Any], links: frozenset[str], namespaces: Mapping[str, Any]
) -> Mapping[str, Any]:
    """An object whose namespace is not known yet, in the one that its metadata comes from."""
    metadata = props.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace") is not UNKNOWN:
        return props
    homes = {namespaces[urn] for urn in links if urn in namespaces}
    if len(homes) != 1:
        return props
    return {**props, "metadata": {**metadata, "namespace": homes.pop()}}


def decoded(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A message's properties as plain values; UNKNOWN and SECRET stand for what they hide.

    Every number arrives as a float; whole ones become int, as people wrote them.
    """
    return {key: _decoded(value) for key, value in struct.fields.items()}


def _decoded(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWNS else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        if deserialize.SPECIAL_SIG_KEY in fields:
            marked = fields[deserialize.SPECIAL_SIG_KEY].string_value
            if marked == deserialize.SPECIAL_SECRET_SIG:
                return SECRET
        return {key: _decoded(inner) for key, inner in fields.items()}
    if kind == "list_value":
        return [_decoded(inner) for inner in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None
