"""AWS without AWS: every `pulumi_aws` type, checked, refused, remembered as the real one would.

Generic for all types: names and types of inputs from the installed SDK, values and create-only
properties from AWS's resource schemas, references that must exist, deletion that waits for what
still refers. On top comes the table of refusals. What is not known here is said, never guessed:
an unknown type or property is a failure of the call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from rehearsal import autonames, schemas, sdk
from rehearsal.account import Account, Resource
from rehearsal.computed import SETTINGS, WITHIN, computed
from rehearsal.faults import Faults
from rehearsal.providers.judge import Table
from rehearsal.providers.standin import (
    Call,
    Difference,
    Failure,
    Refused,
    StandIn,
    Unready,
    Values,
    changed_paths,
)
from rehearsal.refusals import databases
from rehearsal.wire import UNKNOWN, Secret, has_unknown, revealed

# Deleting these is not guarded by AWS while something still names them (their API references state
# no such refusal); rows of the table cover what is guarded in another way.
_UNGUARDED = {
    "aws:kms/key:Key",
    "aws:kms/alias:Alias",
    "aws:iam/role:Role",
    "aws:sns/topic:Topic",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "aws:ecr/repository:Repository",
    "aws:rds/instance:Instance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:backup/plan:Plan",
    "aws:backup/vault:Vault",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:eks/cluster:Cluster",
    "aws:cloudfront/distribution:Distribution",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:guardduty/detector:Detector",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
}
_OF_THE_TEMPLATE = {"tags", "defaultVersion", "updateDefaultVersion"}
_DATABASE = "aws:rds/instance:Instance"
_BUCKET = "aws:s3/bucket:Bucket"
_SECRET = "aws:secretsmanager/secret:Secret"
_SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
# What a reference looks like. Values with a wildcard are patterns, not references.
_ID = re.compile(
    r"^(vpc|subnet|sg|rtb|igw|nat|eipalloc|vpce|lt|acl|rtbassoc|fl|sgr)-[0-9a-f]{8,17}$"
)
_ARN = re.compile(r"^arn:aws[\w-]*:(?P<service>[\w-]+):[\w-]*:(?P<account>\d{12}):[^*?]+$")
# The caller itself and things that this program does not make are not looked for.
_ARN_OF_NOBODY = re.compile(
    r":root$|:log-group:.*:|:(user|federated-user|assumed-role)/|"
    r"^arn:aws[\w-]*:iam::\d{12}:role/aws-service-role/|^arn:aws[\w-]*:(sts|execute-api):"
)


class Aws(StandIn):
    """The stand-in for the AWS provider over one Account."""

    package = "aws"
    version = metadata.version("pulumi_aws")

    def __init__(self, account: Account, *, faults: Faults | None = None) -> None:
        self._account = account
        self._faults = faults or Faults()
        self._region = "us-east-1"
        self._tags: dict[str, Any] = {}
        self._table = Table(account)

    @property
    def warnings(self) -> list[str]:
        """What was accepted in this run and will break later, a line each."""
        return self._table.warnings

    # -- provider -------------------------------------------------------------------------------
    def configure(self, values: Values) -> None:
        opened = revealed(values)
        self._region = str(opened.get("region") or self._region)
        allowed = _object(opened.get("allowedAccountIds")) or []
        if allowed and self._account.account_id not in allowed:
            raise Refused(
                f"AWS account ID not allowed: {self._account.account_id}; allowed: "
                f"{', '.join(map(str, allowed))}"
            )
        default = _object(opened.get("defaultTags")) or {}
        self._tags = dict(default.get("tags") or {})

    # -- check ----------------------------------------------------------------------------------
    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        inputs = {k: v for k, v in news.items() if v is not None}
        if call.type not in sdk.tokens():
            return inputs, [Failure(path="", reason=f.message) for f in sdk.check(call.type, {})]
        try:
            name = autonames.autoname(call.type, call.name, inputs, seed)
        except autonames.NameTooLongError as error:
            return inputs, [Failure(path="", reason=str(error))]
        for key, value in name.items():
            # A name that AWS knows stays, or every `up` would replace what it names.
            inputs[key] = olds.get(key) or value
        findings = [*sdk.check(call.type, inputs)]
        if not findings:
            findings += schemas.check(call.type, inputs, self._at(inputs))
        return inputs, [Failure(path=f.path, reason=f.message) for f in findings]

    # -- diff -----------------------------------------------------------------------------------
    def diff(
        self, call: Call, id_: str, state: Values, old_inputs: Values, news: Values
    ) -> Difference:
        changed = changed_paths(old_inputs, news)
        replaces = schemas.forces_new(call.type, changed)
        changed += self._retagged(call.type, state, news)
        return Difference(
            changed=changed,
            replaces=replaces,
            delete_before_replace=bool(replaces) and self._keeps_name(call, old_inputs, news),
        )

    def _retagged(self, type_: str, state: Values, news: Values) -> list[str]:
        """The tags that a change of the provider's default tags moves on this resource."""
        if "tagsAll" not in sdk.outputs(type_) or has_unknown(news.get("tags")):
            return []
        return changed_paths(state.get("tagsAll"), self._all_tags(news), "tagsAll")

    def _all_tags(self, inputs: Values) -> dict[str, Any]:
        return {**self._tags, **(revealed(inputs.get("tags")) or {})}

    def _keeps_name(self, call: Call, olds: Values, news: Values) -> bool:
        """Whether the new one would meet the old one's name, as the bridge decides it."""
        rule = autonames.rule(call.type)
        if rule is None or rule.input not in news:
            return False
        name = revealed(news[rule.input])
        return revealed(olds.get(rule.input)) == name and not _made_up(call, rule, str(name))

    # -- create ---------------------------------------------------------------------------------
    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, dict[str, Any]]:
        self._table.ask("create", call, new=inputs, region=self._at(inputs), preview=preview)
        self._missing(call, inputs)
        if preview:
            return "", self._unknown_outputs(call.type, inputs)
        number = self._faults.next_create()
        if self._faults.throttle(call.type):
            self._table.warnings.append(
                f"creating {call.type.split(':')[-1]} ({call.name}): throttled and tried again "
                "(a fault on demand: throttle)"
            )
        if number in self._faults.failing:
            raise Refused(
                f"creating {call.type.split(':')[-1]} ({call.name}): InternalFailure: an internal "
                "error occurred (a fault on demand: fail)"
            )
        made = self._make(call, inputs)
        if number in self._faults.killing and self._faults.on_kill:
            self._faults.on_kill()
        if number in self._faults.lost:
            raise Refused(
                f"creating {call.type.split(':')[-1]} ({call.name}): the connection was lost "
                "before the reply came; the resource may exist (a fault on demand: lose-reply)"
            )
        if call.type in self._faults.stuck:
            raise Unready(
                f"waiting for {call.type.split(':')[-1]} ({call.name}) to become available: "
                "timeout while waiting for state (a fault on demand: timeout)",
                made.id,
                inputs,
                self._outputs(made, inputs),
            )
        return made.id, self._outputs(made, inputs)

    def _make(self, call: Call, inputs: Values) -> Resource:
        opened = revealed(dict(inputs))
        graves = len(self._account.graves(call.type))
        made = computed(
            call.type,
            call.name,
            opened,
            account_id=self._account.account_id,
            region=self._region,
            seed=f"{call.urn}|{graves}",
        )
        outputs = {**made.outputs, "tagsAll": self._all_tags(opened)}
        there = self._written_over(call.type, inputs)
        if there is not None:
            return self._account.change(there, inputs=inputs, outputs=outputs)
        return self._account.make(
            call.type,
            made.id,
            urn=call.urn,
            region=self._at(inputs),
            inputs=inputs,
            outputs=outputs,
        )

    def _written_over(self, type_: str, inputs: Values) -> Resource | None:
        """The setting that is there already, of the same owner: it is one thing in AWS."""
        if type_ not in SETTINGS:
            return None
        owner = {name: revealed(inputs.get(name)) for name in SETTINGS[type_]}
        found = self._account.find(type_, self._at(inputs), **owner)
        return found[0] if found else None

    # -- read, update, delete -------------------------------------------------------------------
    def read(
        self, call: Call, id_: str, state: Values, inputs: Values
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        found = self._find(call, id_)
        if found is None:
            return "", {}, {}
        kept = self._account.unsealed(dict(found.inputs), {**state, **inputs})
        return found.id, self._outputs(found, kept), kept

    def update(
        self,
        call: Call,
        id_: str,
        state: Values,
        old_inputs: Values,
        news: Values,
        *,
        preview: bool,
    ) -> dict[str, Any]:
        found = self._find(call, id_)
        if found is None and not preview:
            raise Refused(
                f"updating {call.type.split(':')[-1]} ({id_}): it does not exist any more; run "
                "`pulumi refresh` first"
            )
        self._table.ask(
            "update",
            call,
            id_,
            old=old_inputs,
            new=news,
            region=self._at(news),
            preview=preview,
        )
        self._missing(call, news)
        moving = _moving_outputs(call.type, state, changed_paths(old_inputs, news))
        if preview:
            return {**_merged(news, state), **dict.fromkeys(moving, UNKNOWN)}
        assert found is not None
        outputs = {
            **found.outputs,
            **moving,
            "tagsAll": self._all_tags(news),
        }
        if call.type == _DATABASE and databases.storage_changed(old_inputs, news):
            outputs[databases.STORAGE_CHANGED_AT] = self._account.now.isoformat()
        changed = self._account.change(found, inputs=news, outputs=outputs)
        return self._outputs(changed, news)

    def delete(self, call: Call, id_: str, state: Values) -> None:
        found = self._find(call, id_)
        if found is None:
            return
        self._table.ask("delete", call, id_, old=found.inputs, region=found.region)
        if found.type not in _UNGUARDED and self._account.by_id(found.id) == found:
            users = [
                user
                for user in self._account.referring(found)
                if user.urn != found.urn and _names(user.inputs, {found.id, found.arn})
            ]
            if users:
                raise Refused(
                    f"deleting {call.type.split(':')[-1]} ({id_}): DependencyViolation: {id_} has "
                    f"a dependent object: {users[0].type} {users[0].id}"
                )
        if found.type == _BUCKET:
            # S3 forgets a bucket's settings with it, also those that the program left alone.
            for setting in self._account.referring(found):
                if setting.id == found.id:
                    self._account.remove(setting)
        if found.type == _SECRET:
            for version in self._account.referring(found):
                if version.type == _SECRET_VERSION:
                    self._account.remove(version)
        self._account.remove(found)

    # -- parts ----------------------------------------------------------------------------------
    def _find(self, call: Call, id_: str) -> Resource | None:
        """Settings of a bucket share its id: the type tells them apart."""
        found = self._account.by_id(id_, call.type)
        if found is not None and found.urn != call.urn:
            same = [r for r in self._account.all(call.type) if r.id == id_ and r.urn == call.urn]
            return same[0] if same else found
        return found

    def _at(self, inputs: Values) -> str:
        region = inputs.get("region")
        return str(region) if isinstance(region, str) else self._region

    def _missing(self, call: Call, inputs: Values) -> None:
        for path, value in _references(inputs):
            if value in self._account.given or self._account.exists(value):
                continue
            match = _ARN.match(value)
            if match and match["account"] != self._account.account_id:
                continue
            raise Refused(
                f"{call.type.split(':')[-1]} ({call.name}): {path} names {value}, which does not "
                "exist in this account; make it first, or take it from the resource that makes it"
            )

    def _unknown_outputs(self, type_: str, inputs: Values) -> dict[str, Any]:
        planned = {**dict.fromkeys(sdk.outputs(type_) - set(inputs), UNKNOWN), **inputs}
        for name, added in WITHIN.get(type_, {}).items():
            if isinstance(planned[name], Mapping):
                planned[name] = {**dict.fromkeys(added, UNKNOWN), **planned[name]}
        return planned

    def _outputs(self, made: Resource, inputs: Values) -> dict[str, Any]:
        nothing = dict.fromkeys(sdk.outputs(made.type))
        return {**nothing, **_merged(inputs, made.outputs)}


def _merged(inputs: Values, outputs: Values) -> dict[str, Any]:
    """Inputs over outputs; in nested objects AWS's own additions stay."""
    merged = dict(outputs)
    for key, value in inputs.items():
        other = merged.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping) and key != "tagsAll":
            merged[key] = _merged(value, other)
        else:
            merged[key] = value
    return merged


def _moving_outputs(type_: str, state: Values, changed: list[str]) -> dict[str, Any]:
    """Outputs that an update gives a new value. Tags of a template make no new version of it."""
    contents = [path for path in changed if path.partition(".")[0] not in _OF_THE_TEMPLATE]
    if type_ == "aws:ec2/launchTemplate:LaunchTemplate" and contents:
        return {"latestVersion": int(state.get("latestVersion") or 0) + 1}
    return {}


def _made_up(call: Call, rule: autonames.Rule, name: str) -> bool:
    """Whether a name is the logical one with random digits behind it."""
    digits = rf"[0-9a-f]{{{rule.digits}}}"
    stem = re.escape(call.name + rule.separator)
    return re.search(f"^(alias/)?{stem}{digits}([.]fifo)?$", name, re.IGNORECASE) is not None


def _references(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Secret) or value is UNKNOWN:
        return
    if isinstance(value, str):
        arn = _ARN.match(value)
        if _ID.match(value) or (arn and not _ARN_OF_NOBODY.search(value)):
            yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _references(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references(inner, f"{path}[{index}]")


def _names(value: Any, names: set[str]) -> bool:
    """Whether one of these stands as a value of its own; a mention in a document holds nothing."""
    if isinstance(value, str):
        return value in names
    if isinstance(value, Mapping):
        return any(_names(inner, names) for inner in value.values())
    return isinstance(value, list) and any(_names(inner, names) for inner in value)


def _object(value: Any) -> Any:
    """Provider settings arrive as JSON text where they are no scalars."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return None if has_unknown(value) else value
