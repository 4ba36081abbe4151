"""Every environment as a whole: the unchanged program, recorded with each `Pulumi.*.yaml`."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from rules.data.stores import STATEFUL

from rehearsal import autonames, schemas, sdk
from rehearsal.computed import SETTINGS
from settings.recovery import promises
from tests.conftest import GIVEN_SECRETS, STACKS, Recorded
from tests.recorder import SECRET, Recorder, Registration
from tests.test_house import docstrings_of_components

PROVIDERS = {"pulumi:providers:aws", "pulumi:providers:kubernetes", "pulumi:providers:random"}
# Beyond the policy pack's list, which holds only what must never be lost: what costs hours to have
# again, or what an intruder would delete first.
PROTECTED = {
    *STATEFUL,
    "aws:cloudtrail/trail:Trail",
    "aws:ec2/vpc:Vpc",
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
    "aws:guardduty/detector:Detector",
    "aws:lb/loadBalancer:LoadBalancer",
    "kubernetes:core/v1:Namespace",
    "random:index/randomBytes:RandomBytes",  # the encryption key's value
}
# One for each account and region, whatever it is called.
ONLY_ONE = {
    "aws:cfg/deliveryChannel:DeliveryChannel",
    "aws:cfg/recorder:Recorder",
    "aws:ebs/encryptionByDefault:EncryptionByDefault",
    "aws:guardduty/detector:Detector",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
}
# Inputs beside the one that autonaming would fill, whose values are taken for a whole account.
FURTHER_NAMES = {
    "aws:accessanalyzer/analyzer:Analyzer": "analyzerName",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyName",
    "aws:eks/cluster:Cluster": "name",
    "aws:elasticache/replicationGroup:ReplicationGroup": "finalSnapshotIdentifier",
    "aws:rds/instance:Instance": "finalSnapshotIdentifier",
    "aws:wafv2/webAcl:WebAcl": "name",
}
# Their names belong to something that is the environment's own.
NAMED_INSIDE = {
    "aws:backup/restoreTestingSelection:RestoreTestingSelection",
    "aws:cfg/recorderStatus:RecorderStatus",
    "aws:eks/addon:Addon",
    "aws:guardduty/detectorFeature:DetectorFeature",
    "aws:iam/rolePolicy:RolePolicy",
}
# The foundation's rows of "What is deployed", with the fewest resources that make each of them.
FOUNDATION = [
    ("network", "aws:ec2/vpc:Vpc", 1),
    ("network", "aws:ec2/subnet:Subnet", 6),
    ("network", "aws:ec2/natGateway:NatGateway", 1),
    ("network", "aws:ec2/vpcEndpoint:VpcEndpoint", 2),
    ("network", "aws:ec2/flowLog:FlowLog", 1),
    ("network", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", 1),
    ("keys", "aws:kms/key:Key", 5),
    ("cluster", "aws:eks/cluster:Cluster", 1),
    ("cluster", "aws:eks/addon:Addon", 6),
    ("cluster", "aws:eks/nodeGroup:NodeGroup", 2),
    ("cluster", "aws:eks/accessEntry:AccessEntry", 1),
    ("cluster", "aws:eks/podIdentityAssociation:PodIdentityAssociation", 1),
    ("cluster", "aws:ec2/launchTemplate:LaunchTemplate", 1),
    ("cluster", "kubernetes:core/v1:Namespace", 1),
    ("cluster", "kubernetes:storage.k8s.io/v1:StorageClass", 1),
    ("database", "aws:rds/instance:Instance", 1),
    ("database", "aws:rds/parameterGroup:ParameterGroup", 1),
    ("database", "aws:rds/subnetGroup:SubnetGroup", 1),
    ("cache", "aws:elasticache/replicationGroup:ReplicationGroup", 1),
    ("cache", "aws:elasticache/parameterGroup:ParameterGroup", 1),
    ("storage", "aws:s3/bucket:Bucket", 5),
    ("storage", "aws:s3/bucketPolicy:BucketPolicy", 5),
    ("storage", "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", 5),
    ("edge", "aws:route53/zone:Zone", 1),
    ("edge", "aws:acm/certificateValidation:CertificateValidation", 2),
    ("edge", "aws:cloudfront/distribution:Distribution", 2),
    ("edge", "aws:cloudfront/vpcOrigin:VpcOrigin", 1),
    ("edge", "aws:wafv2/webAcl:WebAcl", 1),
    ("edge", "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", 1),
    ("edge", "aws:lb/loadBalancer:LoadBalancer", 1),
    ("edge", "aws:lb/listener:Listener", 2),
    ("edge", "aws:lb/targetGroup:TargetGroup", 1),
    ("secrets", "aws:secretsmanager/secret:Secret", 12),
    ("secrets", "aws:secretsmanager/secretVersion:SecretVersion", 12),
    ("backup", "aws:backup/vault:Vault", 2),
    ("backup", "aws:backup/plan:Plan", 1),
    ("backup", "aws:backup/selection:Selection", 1),
    ("backup", "aws:backup/vaultLockConfiguration:VaultLockConfiguration", 2),
    ("observability", "aws:cloudwatch/metricAlarm:MetricAlarm", 20),
    ("observability", "aws:sns/topic:Topic", 2),
    ("observability", "aws:sns/topicSubscription:TopicSubscription", 2),
    ("governance", "aws:ecr/repository:Repository", 5),
    ("governance", "aws:budgets/budget:Budget", 1),
    ("governance", "aws:iam/role:Role", 3),
]
# Those of the account; exactly one environment makes them (traps, two environments in one account).
FOUNDATION_OF_THE_ACCOUNT = [
    "aws:cloudtrail/trail:Trail",
    "aws:guardduty/detector:Detector",
    "aws:cfg/recorder:Recorder",
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:ebs/encryptionByDefault:EncryptionByDefault",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
]
EXPORTS = {
    "backupCopyVaultArn",
    "backupVault",
    "buckets",
    "cachePrimaryEndpoint",
    "cacheReaderEndpoint",
    "cacheSecretArn",
    "clusterEndpoint",
    "clusterName",
    "databaseEndpoint",
    "databaseMasterSecretArn",
    "databaseName",
    "deployRoleArn",
    "kubeconfig",
    "kubeconfigCommand",
    "nameServers",
    "namespace",
    "previewRoleArn",
    "reports",
    "repositoryUrls",
    "targetGroupArns",
    "urls",
}


def _shown(registration: Registration) -> str:
    return f"{registration.type} {registration.name}"


# -- shape ---------------------------------------------------------------------------------------
def test_every_resource_is_made_by_a_provider_of_ours(recorded: Recorded) -> None:
    ours = {r.urn for r in recorded.made.registrations if r.type in PROVIDERS}
    assert len(ours) == 3, "a second provider of a kind would have other tags or another region"
    strays = [_shown(r) for r in recorded.made.custom if r.provider.rsplit("::", 1)[0] not in ours]
    assert strays == [], "they would have no tags, and whatever region the shell has"


def test_default_providers_are_switched_off(recorded: Recorded) -> None:
    defaults = [
        _shown(r)
        for r in recorded.made.registrations
        if r.type.startswith("pulumi:providers:") and r.name.startswith("default")
    ]
    assert defaults == []


def test_only_components_and_providers_hang_off_the_stack(recorded: Recorded) -> None:
    root = f"::pulumi:pulumi:Stack::arches-{recorded.stack}"
    strays = [
        _shown(r)
        for r in recorded.made.registrations
        if r.parent.endswith(root)
        and not r.type.startswith("arches:index:")
        and r.type not in PROVIDERS
    ]
    assert strays == [], "nobody could tell what these belong to"


def test_everything_else_belongs_to_a_component_of_ours(recorded: Recorded) -> None:
    parents = {r.urn for r in recorded.made.components if r.type.startswith("arches:index:")}
    strays = [_shown(r) for r in recorded.made.custom if r.parent not in parents]
    assert strays == [], "`pulumi stack --show-urns` would show these in no room"


def test_a_childs_name_starts_with_its_components_name(recorded: Recorded) -> None:
    by_urn = {r.urn: r for r in recorded.made.registrations}
    strays = [
        f"{_shown(r)} in {by_urn[r.parent].name}"
        for r in recorded.made.registrations
        if r.parent in by_urn
        and not r.name.startswith(by_urn[r.parent].name + "-")
        # a component that is one thing with settings gives them all its own name
        and r.name != by_urn[r.parent].name
    ]
    assert strays == [], "two components with such a child could not stand in one stack"


def test_nothing_is_used_that_the_sdk_has_deprecated(recorded: Recorded) -> None:
    used = [
        f"{_shown(r)}: {said}"
        for r in recorded.made.custom
        if r.type.startswith("aws:")
        for name, said in sdk.deprecated(r.type).items()
        if not name or name in r.inputs
    ]
    assert used == [], "the next major version of the provider would refuse it"


def test_no_two_resources_share_a_urn(recorded: Recorded) -> None:
    twice = [u for u, n in Counter(r.urn for r in recorded.made.registrations).items() if n > 1]
    assert twice == []


def test_every_component_registers_its_outputs_once(recorded: Recorded) -> None:
    wrong = [_shown(r) for r in recorded.made.components if r.outputs_registered != 1]
    assert wrong == [], "the engine would show these as never finished"


# How a docstring says it: what only orders resources is no output.
NO_OUTPUTS = ("None", "empty", "no outputs", "`depends_on` only")


def test_a_component_without_outputs_says_so(recorded: Recorded) -> None:
    documented = docstrings_of_components()
    silent = [
        _shown(r)
        for r in recorded.made.components
        if not any(value is not None for value in (r.outputs or {}).values())
        and not any(word in documented[r.type] for word in NO_OUTPUTS)
    ]
    assert silent == [], "a reader would look for outputs that never come"


# -- what is there -------------------------------------------------------------------------------
@pytest.mark.parametrize(("row", "type_", "fewest"), FOUNDATION, ids=lambda value: str(value))
def test_every_row_of_the_foundation_stands(
    recorded: Recorded, row: str, type_: str, fewest: int
) -> None:
    assert len(recorded.made.of(type_)) >= fewest, f"{recorded.stack} has lost a part of its {row}"


@pytest.mark.parametrize("type_", FOUNDATION_OF_THE_ACCOUNT)
def test_what_an_account_has_once_is_made_by_one_environment(
    every_stack: dict[str, Recorded], type_: str
) -> None:
    makers = [name for name, each in every_stack.items() if each.made.of(type_)]
    assert len(makers) == 1, f"{type_} would be refused in the second environment, or be missing"


def test_an_environment_for_customers_spans_three_zones(recorded: Recorded) -> None:
    zones = {r.inputs["availabilityZone"] for r in recorded.made.of("aws:ec2/subnet:Subnet")}
    assert len(zones) == len(recorded.settings.network.zones)
    if recorded.settings.identity.serves_customers:
        assert len(zones) == 3
        database = recorded.made.one("aws:rds/instance:Instance").inputs
        assert database["multiAz"] is True, "a zone's failure would be an outage of an hour"


# -- two environments, one account ---------------------------------------------------------------
def _names(made: Recorder) -> Iterator[tuple[str, str, str]]:
    """Type, region and name of everything whose name is said and is taken for a whole account."""
    zones = made.of("aws:route53/zone:Zone")
    private = tuple(zone.inputs["name"] for zone in zones if zone.inputs.get("vpcs"))
    for each in made.custom:
        if not each.type.startswith("aws:") or each.type in NAMED_INSIDE:
            continue
        if each.type.startswith("aws:route53/") and each.inputs.get("name", "").endswith(private):
            continue  # a private zone is seen by its VPC only
        where = str(each.inputs.get("region", ""))
        rule = autonames.rule(each.type)
        keys = {rule.input if rule else "name", FURTHER_NAMES.get(each.type)}
        for value in (each.inputs.get(key) for key in keys if key):
            if value is not None:
                yield each.type, where, str(value)
        if each.type == "aws:cloudfront/distribution:Distribution":
            for alias in each.inputs["aliases"]:  # one distribution in the world may have it
                yield each.type, "", alias


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STACKS, 2)))
def test_two_environments_can_share_an_account(
    every_stack: dict[str, Recorded], one: str, other: str
) -> None:
    mine, theirs = (set(_names(every_stack[name].made)) for name in (one, other))
    assert len(mine) > 50, "the test no longer finds the names"
    assert sorted(mine & theirs) == [], "whoever deploys second would be refused"


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STACKS, 2)))
def test_what_an_account_allows_once_is_never_made_twice(
    every_stack: dict[str, Recorded], one: str, other: str
) -> None:
    mine, theirs = ({r.type for r in every_stack[name].made.custom} for name in (one, other))
    assert sorted(mine & theirs & ONLY_ONE) == []


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STACKS, 2)))
def test_the_networks_of_two_environments_can_be_joined(
    every_stack: dict[str, Recorded], one: str, other: str
) -> None:
    mine, theirs = (
        ip_network(every_stack[name].made.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"])
        for name in (one, other)
    )
    assert not mine.overlaps(theirs)


# -- nothing is lost by accident -----------------------------------------------------------------
def test_what_holds_state_is_protected_exactly_where_the_environment_says_so(
    recorded: Recorded,
) -> None:
    wanted = recorded.settings.identity.protect
    wrong = [_shown(r) for r in recorded.made.custom if r.type in PROTECTED if r.protect != wanted]
    assert wrong == [], "`pulumi destroy` would " + ("stop here" if not wanted else "delete these")


def test_an_environment_without_protection_can_be_taken_down(recorded: Recorded) -> None:
    if recorded.settings.identity.protect:
        return
    assert [_shown(r) for r in recorded.made.registrations if r.protect] == []
    left = [_shown(r) for r in recorded.made.custom if r.retain_on_delete]
    # Versioning is a setting of a bucket and goes with it.
    assert [name for name in left if "bucketVersioning" not in name] == [], "it would cost for ever"


def test_the_services_own_protection_agrees_with_ours(recorded: Recorded) -> None:
    wanted = recorded.settings.identity.protect
    made = recorded.made
    said = {
        "database": made.one("aws:rds/instance:Instance").inputs["deletionProtection"],
        "cluster": made.one("aws:eks/cluster:Cluster").inputs["deletionProtection"],
        "balancer": made.one("aws:lb/loadBalancer:LoadBalancer").inputs["enableDeletionProtection"],
        **{r.name: not r.inputs["forceDestroy"] for r in made.of("aws:s3/bucket:Bucket")},
        **{r.name: not r.inputs["forceDestroy"] for r in made.of("aws:backup/vault:Vault")},
    }
    assert {name for name, on in said.items() if on != wanted} == set()


def test_the_last_snapshot_is_always_taken(recorded: Recorded) -> None:
    database = recorded.made.one("aws:rds/instance:Instance").inputs
    assert database["skipFinalSnapshot"] is False
    assert database["finalSnapshotIdentifier"]
    group = recorded.made.one("aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert group["finalSnapshotIdentifier"]


# -- who is told ---------------------------------------------------------------------------------
def _told_by(made: Recorder) -> set[str]:
    """What can tell people of a fault: CloudWatch's alarms and events by their nouns, categories of
    RDS, alerts of Prometheus."""
    kinds = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/eventRule:EventRule")
    names = {r.name.removeprefix("alarms-") for kind in kinds for r in made.of(kind)}
    for each in made.of("aws:rds/eventSubscription:EventSubscription"):
        names |= set(each.inputs["eventCategories"])
    for each in made.of("kubernetes:monitoring.coreos.com/v1:PrometheusRule"):
        groups = each.inputs["spec"]["groups"]
        names |= {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    return names


def test_what_a_promise_says_of_its_alarm_is_deployed(recorded: Recorded) -> None:
    told = _told_by(recorded.made)
    assert len(told) > 50, "the test no longer finds the alarms"
    missing = [
        f"{each.mechanism}: {name}"
        for each in promises(recorded.settings)
        for name in each.alarms
        if name not in told
    ]
    assert missing == [], "DR-02: nobody would be told that this mechanism has stopped"


# -- what an edit leaves -------------------------------------------------------------------------
# The only value that AWS takes, so no edit can change it.
NEVER_EDITED = {("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "Enabled")}


def test_an_edit_never_takes_away_what_it_edits(every_choice: Recorder) -> None:
    """Lock of a vault, access to the cluster: AWS knows them by their owner. The engine makes the
    new one, which writes over the old one, and then deletes the old one: nothing is left."""
    wrong = []
    for each in every_choice.custom:
        if each.type not in SETTINGS or each.delete_before_replace:
            continue
        own = set(each.inputs) - {*SETTINGS[each.type], "region"}
        editable = {
            name
            for name in own & {path.split(".")[0] for path in schemas.replaces(each.type)}
            if (each.type, each.inputs[name]) not in NEVER_EDITED
        }
        wrong += [f"{_shown(each)}: {name}" for name in sorted(editable)]
    assert wrong == [], "delete_before_replace, or an edit of these ends with nothing"


# -- secrets -------------------------------------------------------------------------------------
def _canaries(made: Recorder) -> set[str]:
    """Every secret value of a recorded program: the ones born in it and the ones given to it."""
    kinds = ("random:index/randomPassword:RandomPassword", "random:index/randomBytes:RandomBytes")
    born = {f"{r.name}-value" for r in made.custom if r.type in kinds}
    return born | set(GIVEN_SECRETS.values())


def _readable(made: Recorder) -> dict[str, str]:
    """What anybody may read of a program, by where it stands."""
    found = {_shown(r): json.dumps([r.clear, r.clear_outputs]) for r in made.registrations}
    return {**found, "stack outputs": json.dumps(made.clear_exports)}


def test_no_secret_is_readable_anywhere(every_choice: Recorder) -> None:
    canaries = _canaries(every_choice)
    assert len(canaries) == 12 + len(GIVEN_SECRETS)
    leaks = [
        where
        for where, text in _readable(every_choice).items()
        if any(canary in text for canary in canaries)
    ]
    assert leaks == [], "state, previews and pull-request comments would show it"


def test_every_secret_arrives_where_it_is_kept(every_choice: Recorder) -> None:
    everything = json.dumps([[r.inputs] for r in every_choice.custom])
    lost = [canary for canary in _canaries(every_choice) if canary not in everything]
    assert lost == [], "the canaries prove nothing about a value that is never used"
    kept = every_choice.of("aws:secretsmanager/secretVersion:SecretVersion")
    assert {r.clear["secretString"] for r in kept} == {SECRET}
    assert len({r.inputs["secretString"] for r in kept}) == len(kept), "two secrets are the same"


def test_only_the_kubeconfig_is_a_secret_output(recorded: Recorded) -> None:
    assert set(recorded.made.exports) == EXPORTS, "a pipeline or a runbook reads these by name"
    missing = [name for name, value in recorded.made.exports.items() if _hollow(value)]
    assert missing == []
    secret = {name for name, value in recorded.made.clear_exports.items() if value == SECRET}
    assert secret == {"kubeconfig"}


def _hollow(value: Any) -> bool:
    if isinstance(value, dict):
        return not value or any(_hollow(inner) for inner in value.values())
    return value in (None, "", [])


def test_the_kubeconfig_holds_no_key_and_no_token(recorded: Recorded) -> None:
    text = json.dumps(recorded.made.exports["kubeconfig"])
    for word in ("client-key", "client-certificate-data", "password", '\\"token\\"'):
        assert word not in text, "whoever sees the kubeconfig would be an administrator"
    assert "get-token" in text


# -- the program asks nobody ---------------------------------------------------------------------
def test_recording_calls_no_provider_function(recorded: Recorded) -> None:
    # The recorder raises on any call, so a recorded program has made none.
    assert len(recorded.made.custom) > 300, "the program did not run"
