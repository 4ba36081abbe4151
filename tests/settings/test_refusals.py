"""Every way to be refused at the door, with the exact line that a person reads.

One row is one mistake in a stack's real file. A line has four parts: the key, what it got, what is
allowed, and an example (or the key that was meant, or the command to run). Keys of the groups SHAPE
and RANGE are refused by an editor as well (`test_schema`).
"""

from __future__ import annotations

import ast
import copy
import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, cast

import pytest
import yaml

import settings
from settings import cluster, core
from settings.core import section_in
from settings.environment import DECIDED_BY, Environment
from settings.images import DIGEST
from settings.lifetimes import lifetimes
from settings.secret_values import SECRET_VALUES
from tests.settings import refusals_platform as platform
from tests.settings.mistakes import ABSENT, case

ROOT = Path(__file__).resolve().parents[2]
FOUR_PARTS = re.compile(
    r"^Pulumi\.(prod|staging)\.yaml: \S+: got .+; allowed: .+; (for example|did you mean|run) .+$"
)

BROUGHT: dict[str, Any] = {
    "vpcId": "vpc-0a1b2c3d4e5f60718",
    "public": {
        "ids": ["subnet-00000001", "subnet-00000002", "subnet-00000003"],
        "cidrs": ["10.20.0.0/24", "10.20.1.0/24", "10.20.2.0/24"],
    },
    "private": {
        "ids": ["subnet-00000011", "subnet-00000012", "subnet-00000013"],
        "cidrs": ["10.20.32.0/20", "10.20.48.0/20", "10.20.64.0/20"],
    },
    "data": {
        "ids": ["subnet-00000021", "subnet-00000022", "subnet-00000023"],
        "cidrs": ["10.20.4.0/24", "10.20.5.0/24", "10.20.6.0/24"],
    },
}


@cache
def _document(stack: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))


def changed(stack: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The stack's file with these changes.

    A path starts with a section; with ":" in it, it starts with a whole key (":" alone in front
    stands for no namespace). ABSENT takes a key away.
    """
    document = copy.deepcopy(_document(stack))
    for path, value in changes.items():
        first, *rest = path.split(".")
        keys = [first.removeprefix(":") if ":" in first else f"arches:{first}", *rest]
        here = document["config"]
        for key in keys[:-1]:
            here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
        last: Any = int(keys[-1]) if isinstance(here, list) else keys[-1]
        if value is ABSENT:
            del here[last]
        else:
            here[last] = copy.deepcopy(value)
    return document


def refused(folder: Path, stack: str, changes: dict[str, Any]) -> list[str]:
    """The lines for the stack's file with these changes."""
    path = folder / f"Pulumi.{stack}.yaml"
    # JSON is YAML, and is written in a hundredth of the time.
    path.write_text(json.dumps(changed(stack, changes)), encoding="utf-8")
    with pytest.raises(settings.SettingsError) as error:
        settings.read(path)
    assert str(error.value) == "\n".join(error.value.lines)
    return error.value.lines


@cache
def keys_of() -> dict[str, str]:
    """The keys of every section by its class's name, as a refusal lists them."""

    def walk(section: Any, also: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        fields = section.model_fields.values()
        yield section.__name__, ", ".join(sorted([*(str(f.alias) for f in fields), *also]))
        for field in fields:
            inner = section_in(field.annotation)
            if inner is not None:
                yield from walk(inner)

    return dict(walk(Environment, tuple(SECRET_VALUES)))


def spelt_out(line: str) -> str:
    """A row's line with the list of a section's keys in the place of its class's name."""
    keys = keys_of()
    return re.sub(r"one of <(\w+)>", lambda found: f"one of {keys[found[1]]}", line)


# What no section can be: misspelt, absent, of another type. An editor refuses these too.
SHAPE = (
    case(
        "section_misspelt",
        "prod",
        {"netwrok": {}},
        "arches:netwrok: got a key that does not exist; allowed: one of <Environment>; did "
        'you mean "network"',
    ),
    case(
        "required_section_misspelt_gives_one_line",
        "prod",
        {"network": ABSENT, "Network": {"cidr": "10.20.0.0/16"}},
        "arches:Network: got a key that does not exist; allowed: one of <Environment>; did "
        'you mean "network"',
    ),
    case(
        "section_that_resembles_nothing",
        "prod",
        {"xyzzy": {}},
        "arches:xyzzy: got a key that does not exist; allowed: one of <Environment>; for "
        'example "alarms"',
    ),
    case(
        "secret_misspelt",
        "prod",
        {"openAiKey": {"secure": "v1:abc"}},
        "arches:openAiKey: got a key that does not exist; allowed: one of <Environment>; did "
        'you mean "openAiApiKey"',
    ),
    case(
        "section_absent",
        "prod",
        {"identity": ABSENT},
        "arches:identity: got nothing; allowed: a mapping that says who this deployment is; "
        'for example {"accountId": "111122223333", "region": "eu-central-1", "backupRegion": '
        '"eu-west-1", "servesCustomers": true, "owner": "platform-team", "costCenter": '
        '"arches-production"}',
    ),
    case(
        "section_that_is_a_number",
        "prod",
        {"network": 5},
        "arches:network: got 5; allowed: a mapping for the VPC and its subnets; for example "
        '{"cidr": "10.20.0.0/16", "zones": ["eu-central-1a", "eu-central-1b", '
        '"eu-central-1c"]}',
    ),
    case(
        "section_that_is_null",
        "staging",
        {"cache": None},
        "arches:cache: got null; allowed: a mapping for the Redis cache; for example "
        '{"proxyImage": "docker.io/library/haproxy@sha256:' + DIGEST + '"}',
    ),
    case(
        "section_that_is_a_list",
        "prod",
        {"storage": ["dumpDays"]},
        'arches:storage: got ["dumpDays"]; allowed: a mapping for the buckets and how long '
        'they keep things; for example {"dumpDays": 30}',
    ),
    case(
        "key_misspelt",
        "prod",
        {"database": {"multiAZ": True, "engineVersion": "17"}},
        "arches:database.multiAZ: got a key that does not exist; allowed: one of "
        '<DatabaseSettings>; did you mean "multiAz"',
    ),
    case(
        "required_key_misspelt_gives_one_line",
        "prod",
        {"identity.accountId": ABSENT, "identity.account_id": "111122223333"},
        "arches:identity.account_id: got a key that does not exist; allowed: one of "
        '<Identity>; did you mean "accountId"',
    ),
    case(
        "key_that_resembles_nothing",
        "prod",
        {"keys": {"xyzzy": 1}},
        "arches:keys.xyzzy: got a key that does not exist; allowed: one of <KeysSettings>; "
        'for example "deletionWindowDays"',
    ),
    case(
        "nested_key_misspelt",
        "prod",
        {"edge.firewall": {"requestPerMinute": 600}},
        "arches:edge.firewall.requestPerMinute: got a key that does not exist; allowed: one "
        'of <FirewallSettings>; did you mean "requestsPerMinute"',
    ),
    case(
        "key_misspelt_in_a_list",
        "staging",
        {"cluster.access.0.polcy": "view"},
        "arches:cluster.access[0].polcy: got a key that does not exist; allowed: one of "
        '<AccessSettings>; did you mean "policy"',
    ),
    case(
        "key_misspelt_in_a_mapping",
        "prod",
        {"edge.targets": {"gateway": {"port": 8080, "hosts": ["api", "app"], "health": "/"}}},
        "arches:edge.targets.gateway.health: got a key that does not exist; allowed: one of "
        '<TargetSettings>; did you mean "healthPath"',
    ),
    case(
        "key_twice_nested_misspelt",
        "prod",
        {"database.parameters": {"maxConections": 200}},
        "arches:database.parameters.maxConections: got a key that does not exist; allowed: "
        'one of <PostgresParameters>; did you mean "maxConnections"',
    ),
    case(
        "name_in_a_mapping_refused",
        "prod",
        {"edge.targets": {"Gate.Way": {"port": 8080, "hosts": ["api", "app"]}}},
        'arches:edge.targets["Gate.Way"]: got "Gate.Way"; allowed: services by name (2 to 12 '
        'small letters or digits), each host in exactly one; for example {"gateway": '
        '{"port": 8080, "hosts": ["api", "app"]}}',
    ),
    case(
        "key_absent",
        "prod",
        {"edge.originPrefixList": ABSENT},
        "arches:edge.originPrefixList: got nothing; allowed: the id, in this region, of "
        "AWS's prefix list com.amazonaws.global.cloudfront.origin-facing (`aws ec2 "
        'describe-managed-prefix-lists`); for example "pl-a3a144ca"',
    ),
    case(
        "key_absent_in_a_list",
        "prod",
        {"cluster.access.1.principalArn": ABSENT},
        "arches:cluster.access[1].principalArn: got nothing; allowed: the ARN of an IAM role "
        "(no user, no assumed-role session); for example "
        '"arn:aws:iam::111122223333:role/arches-deployer"',
    ),
    case(
        "key_absent_in_a_mapping",
        "prod",
        {"edge.targets": {"gateway": {"hosts": ["api", "app"]}}},
        "arches:edge.targets.gateway.port: got nothing; allowed: the port that the service's "
        "pods listen on, 1024 to 65,535; for example 8080",
    ),
    case(
        "text_for_a_number",
        "prod",
        {"database.allocatedStorageGib": "100"},
        'arches:database.allocatedStorageGib: got "100"; allowed: whole GiB from 100 to '
        "65,536; for example 100",
    ),
    case(
        "number_for_a_text",
        "prod",
        {"identity.accountId": 111122223333},
        "arches:identity.accountId: got 111122223333; allowed: the 12 digits of the AWS "
        'account that this environment may touch, quoted; for example "111122223333"',
    ),
    case(
        "fraction_for_a_whole_number",
        "prod",
        {"pooler.instances": 2.5},
        "arches:pooler.instances: got 2.5; allowed: whole pods from 1 to 10; one for each "
        "zone; for example 3",
    ),
    case(
        "true_for_a_number",
        "prod",
        {"cache.nodes": True},
        "arches:cache.nodes: got true; allowed: whole nodes from 1 to 6: a primary and its "
        "replicas; from 2 on a replica takes over by itself, and 3 is one for each zone; for "
        "example 3",
    ),
    case(
        "text_for_true",
        "prod",
        {"identity.servesCustomers": "true"},
        'arches:identity.servesCustomers: got "true"; allowed: true where people depend on '
        "this environment (three zones, redundancy and long retention are then demanded), "
        "else false; for example true",
    ),
    case(
        "yes_is_no_boolean",
        "staging",
        {"storage.replicate": "yes"},
        'arches:storage.replicate: got "yes"; allowed: true for a second copy of dumps and '
        "files in backupRegion; false only where servesCustomers is false; for example true",
    ),
    case(
        "number_for_true",
        "prod",
        {"backup.restoreTest": 1},
        "arches:backup.restoreTest: got 1; allowed: true to restore the newest snapshot "
        "every month, and to delete what was restored; false only where servesCustomers is "
        "false; for example true",
    ),
    case(
        "text_for_a_list",
        "prod",
        {"network.zones": "eu-central-1a"},
        'arches:network.zones: got "eu-central-1a"; allowed: 2 to 6 availability zones of '
        "one region, each once; add new ones at the end, since a zone's place decides its "
        'addresses; for example ["eu-central-1a", "eu-central-1b", "eu-central-1c"]',
    ),
    case(
        "list_for_a_text",
        "prod",
        {"edge.domain": ["archesai.com"]},
        'arches:edge.domain: got ["archesai.com"]; allowed: the domain of the hosted zone, '
        'in small letters; for example "archesai.com"',
    ),
    case(
        "mapping_for_a_number",
        "prod",
        {"governance.budgetUsd": {"limit": 3000}},
        'arches:governance.budgetUsd: got {"limit": 3000}; allowed: whole US dollars a month '
        "from 10 to 1,000,000; for example 3000",
    ),
    case(
        "number_in_a_list_of_texts",
        "prod",
        {"network.zones.1": 5},
        "arches:network.zones[1]: got 5; allowed: 2 to 6 availability zones of one region, "
        "each once; add new ones at the end, since a zone's place decides its addresses; for "
        'example ["eu-central-1a", "eu-central-1b", "eu-central-1c"]',
    ),
    case(
        "null_for_a_text",
        "prod",
        {"identity.region": None},
        'arches:identity.region: got null; allowed: an AWS region; for example "eu-central-1"',
    ),
    case(
        "text_in_a_mapping_of_numbers",
        "prod",
        {"secrets.generation": {"jwt": "2"}},
        'arches:secrets.generation.jwt: got "2"; allowed: for each secret to be replaced a '
        "number from 1 to 9,999 that is raised by one: cache, database-app, database-dump, "
        "database-exporter, database-owner, database-readonly, database-retention, "
        'grafana-admin, jwt, jwt-refresh, session; for example {"jwt": 2}',
    ),
    case(
        "long_value_is_cut",
        "prod",
        {"identity.owner": "team, " * 20},
        'arches:identity.owner: got "team, team, team, team, team, team, team, team, team, '
        "team, team, team, team...; allowed: the team that answers for this environment, 2 to "
        '63 characters; for example "platform-team"',
    ),
    *platform.SHAPE,
)

# Single values outside what their key allows. An editor refuses these too.
RANGE = (
    case(
        "identity_project_pattern",
        "prod",
        {"identity.project": "Arches-AI"},
        'arches:identity.project: got "Arches-AI"; allowed: 3 to 12 small letters or digits, '
        'a letter first (it starts bucket and role names); for example "arches"',
    ),
    case(
        "identity_account_pattern",
        "prod",
        {"identity.accountId": "11112222333"},
        'arches:identity.accountId: got "11112222333"; allowed: the 12 digits of the AWS '
        'account that this environment may touch, quoted; for example "111122223333"',
    ),
    case(
        "identity_region_pattern",
        "prod",
        {"identity.region": "frankfurt"},
        'arches:identity.region: got "frankfurt"; allowed: an AWS region; for example '
        '"eu-central-1"',
    ),
    case(
        "identity_owner_too_short",
        "prod",
        {"identity.owner": "x"},
        'arches:identity.owner: got "x"; allowed: the team that answers for this '
        'environment, 2 to 63 characters; for example "platform-team"',
    ),
    case(
        "keys_below_range",
        "prod",
        {"keys": {"deletionWindowDays": 6}},
        "arches:keys.deletionWindowDays: got 6; allowed: whole days from 7 to 30 in which "
        "the deletion of a key can be cancelled; for example 30",
    ),
    case(
        "keys_above_range",
        "prod",
        {"keys": {"rotationPeriodDays": 366}},
        "arches:keys.rotationPeriodDays: got 366; allowed: whole days from 90 to 365 between "
        "two rotations of a key's material; for example 365",
    ),
    case(
        "network_nat_unknown",
        "prod",
        {"network.nat": "double"},
        'arches:network.nat: got "double"; allowed: "per-zone" (a zone that fails takes no '
        'other with it), "single" (cheaper) or "none" (no internet; AWS through endpoints '
        'only); for example "per-zone"',
    ),
    case(
        "network_one_zone",
        "staging",
        {"network.zones": ["eu-central-1a"]},
        'arches:network.zones: got ["eu-central-1a"]; allowed: 2 to 6 availability zones of '
        "one region, each once; add new ones at the end, since a zone's place decides its "
        'addresses; for example ["eu-central-1a", "eu-central-1b", "eu-central-1c"]',
    ),
    case(
        "network_flow_log_days_unknown",
        "staging",
        {"network.flowLogs.retentionDays": 31},
        "arches:network.flowLogs.retentionDays: got 31; allowed: days that CloudWatch Logs "
        "knows, from 30: 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, "
        "2557, 2922, 3288 or 3653; for example 365",
    ),
    case(
        "storage_above_range",
        "prod",
        {"storage.dumpDays": 31},
        "arches:storage.dumpDays: got 31; allowed: whole days from 7 to 30 that a database "
        "dump is kept and locked (the guide says 30; longer would outlive the promise to "
        "erase); for example 30",
    ),
    case(
        "storage_lock_in_small_letters",
        "prod",
        {"storage.lockMode": "governance"},
        'arches:storage.lockMode: got "governance"; allowed: GOVERNANCE, or COMPLIANCE, '
        "which nobody can lift, not even AWS: neither a dump nor the audit trail can then be "
        'deleted before its time; for example "GOVERNANCE"',
    ),
    case(
        "storage_below_range_where_null_is_allowed",
        "prod",
        {"storage.filesInfrequentAfterDays": 29},
        "arches:storage.filesInfrequentAfterDays: got 29; allowed: null, or whole days from "
        "30 to 3,650 after which a file moves to the cheaper class for files that are rarely "
        "read; for example 90",
    ),
    case(
        "secrets_window",
        "prod",
        {"secrets": {"recoveryWindowDays": 0}},
        "arches:secrets.recoveryWindowDays: got 0; allowed: whole days from 7 to 30 in which "
        "a deleted secret can be restored; for example 30",
    ),
    case(
        "registry_empty",
        "prod",
        {"registry": {"repositories": []}},
        "arches:registry.repositories: got []; allowed: names of small letters and digits, "
        'joined by . _ or -, each once; for example ["api", "platform"]',
    ),
    case(
        "registry_below_range",
        "staging",
        {"registry.keepImages": 10},
        "arches:registry.keepImages: got 10; allowed: newest images kept in each repository, "
        "from 50 to 5,000; a running image older than these could not be pulled by a new "
        "node; for example 200",
    ),
    case(
        "cluster_version_as_number",
        "prod",
        {"cluster.version": 1.36},
        "arches:cluster.version: got 1.36; allowed: a Kubernetes minor in EKS standard "
        "support, quoted; one minor up per deployment, never down (refusals E4, E5); for "
        'example "1.36"',
    ),
    case(
        "cluster_policy_unknown",
        "prod",
        {"cluster.access.1.policy": "root"},
        'arches:cluster.access[1].policy: got "root"; allowed: "cluster-admin", "admin", '
        '"edit", "view" or "admin-view" (EKS access policies); "responder", who sees everything '
        'and may do what the runbooks ask of whoever is on call; or "reader", who sees the '
        'application\'s namespace, its Secrets excepted; for example "view"',
    ),
    case(
        "cluster_role_is_a_user",
        "prod",
        {"cluster.access.1.principalArn": "arn:aws:iam::111122223333:user/eve"},
        'arches:cluster.access[1].principalArn: got "arn:aws:iam::111122223333:user/eve"; '
        "allowed: the ARN of an IAM role (no user, no assumed-role session); for example "
        '"arn:aws:iam::111122223333:role/arches-deployer"',
    ),
    case(
        "cluster_disk_below_range",
        "prod",
        {"cluster.nodes.diskGib": 20},
        "arches:cluster.nodes.diskGib: got 20; allowed: whole GiB of a node's disk (images, "
        "container logs, emptyDirs) from 30 to 1,000; for example 80",
    ),
    case(
        "database_class_unknown",
        "prod",
        {"database.instanceClass": "db.t3.micro"},
        'arches:database.instanceClass: got "db.t3.micro"; allowed: an RDS class of a 6th to '
        '8th m or r generation, or t3/t4g from medium up; for example "db.m7g.large"',
    ),
    case(
        "database_window_pattern",
        "prod",
        {"database.backupWindow": "3:00-4:00"},
        'arches:database.backupWindow: got "3:00-4:00"; allowed: a daily window in UTC of 30 '
        'minutes or more; for example "03:00-04:00"',
    ),
    case(
        "database_version_unquoted",
        "prod",
        {"database.engineVersion": 17},
        "arches:database.engineVersion: got 17; allowed: a major version of PostgreSQL from "
        "15 to 18, quoted; AWS then keeps the minor current. Major and minor only where a "
        "new database must start with that minor: the key is then no longer compared; for "
        'example "17"',
    ),
    case(
        "database_version_too_old",
        "prod",
        {"database.engineVersion": "14"},
        'arches:database.engineVersion: got "14"; allowed: a major version of PostgreSQL '
        "from 15 to 18, quoted; AWS then keeps the minor current. Major and minor only where "
        "a new database must start with that minor: the key is then no longer compared; for "
        'example "17"',
    ),
    case(
        "database_interval_unknown",
        "prod",
        {"database.monitoringIntervalSeconds": 20},
        "arches:database.monitoringIntervalSeconds: got 20; allowed: 1, 5, 10, 15, 30 or 60 "
        "seconds; for example 60",
    ),
    case(
        "database_parameter_above_range",
        "prod",
        {"database.parameters": {"randomPageCost": 4.5}},
        "arches:database.parameters.randomPageCost: got 4.5; allowed: a number from 1.0 to "
        "4.0; 1.1 is right for gp3; for example 1.1",
    ),
    case(
        "database_extension_pattern",
        "prod",
        {
            "database.parameters": {
                "extensions": ["pg_stat_statements", "pgaudit", "plpgsql", "vector", "Bad!"]
            }
        },
        'arches:database.parameters.extensions[4]: got "Bad!"; allowed: the extensions that '
        "may be created; pg_stat_statements, pgaudit, plpgsql and vector always among them; "
        'for example ["pg_stat_statements", "pgaudit", "plpgsql", "vector"]',
    ),
    case(
        "pooler_above_range",
        "prod",
        {"pooler.queryWaitTimeoutSeconds": 26},
        "arches:pooler.queryWaitTimeoutSeconds: got 26; allowed: whole seconds from 1 to 25, "
        "below the request timeout; for example 10",
    ),
    case(
        "pooler_direct_users_below_range",
        "prod",
        {"pooler.directUsers": {"migrations": 0}},
        "arches:pooler.directUsers.migrations: got 0; allowed: whole connections from 1 to "
        "10; for example 2",
    ),
    case(
        "cache_engine_unknown",
        "prod",
        {"cache.engineVersion": "7.2"},
        'arches:cache.engineVersion: got "7.2"; allowed: 7.0 or 7.1, quoted; never lower '
        'than what runs; for example "7.1"',
    ),
    case(
        "cache_node_type_unknown",
        "prod",
        {"cache.nodeType": "cache.t3.micro"},
        'arches:cache.nodeType: got "cache.t3.micro"; allowed: one of cache.t4g.medium, '
        "cache.m6g.large, cache.m6g.xlarge, cache.m6g.2xlarge, cache.m7g.large, "
        "cache.m7g.xlarge, cache.m7g.2xlarge, cache.m7g.4xlarge, cache.r6g.large, "
        "cache.r6g.xlarge, cache.r7g.large, cache.r7g.xlarge, cache.r7g.2xlarge, "
        'cache.r7g.4xlarge; for example "cache.m7g.large"',
    ),
    case(
        "cache_policy_unknown",
        "prod",
        {"cache.maxmemoryPolicy": "allkeys-lru"},
        'arches:cache.maxmemoryPolicy: got "allkeys-lru"; allowed: volatile-lru, '
        "volatile-lfu, volatile-ttl or noeviction; none that evicts keys without expiry; for "
        'example "volatile-lru"',
    ),
    case(
        "edge_domain_pattern",
        "prod",
        {"edge.domain": "Archesai.com"},
        'arches:edge.domain: got "Archesai.com"; allowed: the domain of the hosted zone, in '
        'small letters; for example "archesai.com"',
    ),
    case(
        "edge_rate_above_the_guides",
        "prod",
        {"edge.firewall": {"requestsPerMinute": 601}},
        "arches:edge.firewall.requestsPerMinute: got 601; allowed: requests per minute and "
        "client address, 10 to 600 (the guide's 10 per second); for example 600",
    ),
    case(
        "edge_whole_internet_denied",
        "prod",
        {"edge.firewall": {"deniedCidrs": ["0.0.0.0/0"]}},
        'arches:edge.firewall.deniedCidrs[0]: got "0.0.0.0/0"; allowed: at most 100 IPv4 or '
        'IPv6 networks whose requests are blocked; for example ["203.0.113.0/24"]',
    ),
    case(
        "edge_port_below_range",
        "prod",
        {"edge.targets": {"gateway": {"port": 443, "hosts": ["api", "app"]}}},
        "arches:edge.targets.gateway.port: got 443; allowed: the port that the service's "
        "pods listen on, 1024 to 65,535; for example 8080",
    ),
    case(
        "edge_host_unknown",
        "prod",
        {"edge.targets": {"gateway": {"port": 8080, "hosts": ["api", "www"]}}},
        'arches:edge.targets.gateway.hosts[1]: got "www"; allowed: which of the hosts api '
        'and app this service answers for; for example ["api", "app"]',
    ),
    case(
        "backup_hour",
        "prod",
        {"backup": {"dailyHour": 24}},
        "arches:backup.dailyHour: got 24; allowed: the hour in UTC, 0 to 23, of the daily "
        "snapshot; outside the database's backup and maintenance windows and the hour before "
        "them, in which AWS Backup does not start; for example 6",
    ),
    case(
        "alarms_address",
        "prod",
        {"alarms.critical": ["oncall"]},
        'arches:alarms.critical[0]: got "oncall"; allowed: a list of at most 10 e-mail '
        'addresses, at least one unless pager is true; for example ["oncall@archesai.com"]',
    ),
    case(
        "alarms_threshold",
        "prod",
        {"alarms.databaseCpuPercent": 100},
        "arches:alarms.databaseCpuPercent: got 100; allowed: a whole percentage from 50 to "
        "95; for example 80",
    ),
    case(
        "alarms_fraction_below_range",
        "prod",
        {"alarms.latencySeconds": 0.05},
        "arches:alarms.latencySeconds: got 0.05; allowed: seconds from 0.1 to 30 (95th "
        "percentile); for example 1.0",
    ),
    case(
        "governance_owner_unknown",
        "prod",
        {"governance.cloudTrail": "off"},
        'arches:governance.cloudTrail: got "off"; allowed: here (this environment makes it) '
        'or elsewhere (the account has it already); for example "here"',
    ),
    case(
        "governance_no_address",
        "prod",
        {"governance.budgetEmails": []},
        "arches:governance.budgetEmails: got []; allowed: a list of 1 to 5 e-mail addresses; "
        'for example ["finance@archesai.com"]',
    ),
    case(
        "governance_repository_pattern",
        "prod",
        {"governance.githubRepository": "infrastructure"},
        'arches:governance.githubRepository: got "infrastructure"; allowed: owner/name of '
        "the repository whose workflows preview and deploy; for example "
        '"archesai/infrastructure"',
    ),
    *platform.RANGE,
)

# Rules over several keys of one section, and over single values that only a program can judge.
RULES = (
    case(
        "identity_one_region_only",
        "prod",
        {"identity.backupRegion": "eu-central-1"},
        'arches:identity.backupRegion: got "eu-central-1", the same as region; allowed: a '
        'second region, so that losing one region loses no backup; for example "eu-west-1"',
    ),
    case(
        "identity_customers_unprotected",
        "prod",
        {"identity.protect": False},
        "arches:identity.protect: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true; for example true",
    ),
    case(
        "network_no_block",
        "prod",
        {"network.cidr": "10.20.0.0"},
        'arches:network.cidr: got "10.20.0.0"; allowed: a private IPv4 block without host '
        'bits, /16 to /20; for example "10.20.0.0/16"',
    ),
    case(
        "network_block_public",
        "prod",
        {"network.cidr": "8.8.0.0/16"},
        'arches:network.cidr: got "8.8.0.0/16"; allowed: a private IPv4 block without host '
        'bits, /16 to /20; for example "10.20.0.0/16"',
    ),
    case(
        "network_block_is_dockers",
        "prod",
        {"network.cidr": "172.17.0.0/16"},
        'arches:network.cidr: got "172.17.0.0/16"; allowed: a private IPv4 block without '
        "host bits, /16 to /20, outside 172.17.0.0/16 (Docker's own); for example "
        '"10.20.0.0/16"',
    ),
    case(
        "network_zone_twice",
        "prod",
        {"network.zones": ["eu-central-1a", "eu-central-1a", "eu-central-1b"]},
        "arches:network.zones: got eu-central-1a, eu-central-1a, eu-central-1b; allowed: "
        "availability zones of one region, each once; for example eu-central-1a, "
        "eu-central-1b, eu-central-1c",
    ),
    case(
        "network_endpoint_unknown",
        "prod",
        {"network.endpoints": ["s4"]},
        "arches:network.endpoints: got s4; allowed: each once, of: autoscaling, ec2, "
        "ec2messages, ecr.api, ecr.dkr, eks, eks-auth, elasticache, elasticloadbalancing, "
        "events, guardduty-data, kms, logs, monitoring, rds, secretsmanager, sns, sqs, ssm, "
        "ssmmessages, sts, xray; for example ecr.api, ecr.dkr, sts",
    ),
    case(
        "network_endpoints_missing_without_nat",
        "prod",
        {"network.nat": "none", "network.endpoints": ["ec2", "eks"]},
        "arches:network.endpoints: got no ecr.api, ecr.dkr, eks-auth, logs, sts while nat is "
        '"none"; allowed: at least ec2, ecr.api, ecr.dkr, eks, eks-auth, logs, sts, or a '
        "nat; for example ec2, ecr.api, ecr.dkr, eks, eks-auth, logs, sts",
    ),
    case(
        "network_brought_for_two_zones",
        "prod",
        {"network.brought": BROUGHT, "network.brought.public.ids": BROUGHT["public"]["ids"][:2]},
        "arches:network.brought.public.ids: got 2 for 3 zones; allowed: one for each zone, "
        "in the order of zones; for example eu-central-1a, eu-central-1b, eu-central-1c",
    ),
    case(
        "network_brought_id",
        "prod",
        {"network.brought": BROUGHT, "network.brought.data.ids.0": "subnet-1"},
        'arches:network.brought: got "subnet-1"; allowed: ids of subnets (subnet- and 8 or '
        "17 hex digits), each used once; for example subnet-0a1b2c3d4e5f60718",
    ),
    case(
        "network_brought_block_outside",
        "prod",
        {"network.brought": BROUGHT, "network.brought.private.cidrs.0": "10.99.0.0/20"},
        'arches:network.brought.private.cidrs: got "10.99.0.0/20"; allowed: blocks inside '
        "10.20.0.0/16, /26 or larger, that do not overlap; for example 10.20.32.0/19",
    ),
    case(
        "storage_promise_without_copy",
        "staging",
        {"storage.replicationTimeControl": True},
        "arches:storage.replicationTimeControl: got true while replicate is false; allowed: "
        "false where nothing is replicated; for example false",
    ),
    case(
        "secrets_encryption_replaced",
        "prod",
        {"secrets": {"generation": {"encryption": 2}}},
        "arches:secrets.generation.encryption: got a key that cannot be replaced by the "
        "program; allowed: one of cache, database-app, database-dump, database-exporter, "
        "database-owner, database-readonly, database-retention, grafana-admin, jwt, "
        "jwt-refresh, session; encryption is never replaced in place, since what it "
        "encrypted would be lost (ENV-15); for example jwt: 2",
    ),
    case(
        "secrets_generation_out_of_range",
        "prod",
        {"secrets": {"generation": {"jwt": 0}}},
        "arches:secrets.generation.jwt: got 0; allowed: a number from 1 to 9,999; for example 2",
    ),
    case(
        "registry_name_twice",
        "prod",
        {"registry": {"repositories": ["api", "api"]}},
        'arches:registry.repositories: got "api" twice; allowed: names of small letters and '
        'digits, joined by . _ or -, each once; for example ["api", "platform"]',
    ),
    case(
        "cluster_out_of_support",
        "prod",
        {"cluster.version": "1.33"},
        'arches:cluster.version: got "1.33", out of standard support since 2026-07-29; '
        'allowed: one of 1.34, 1.35, 1.36; for example "1.36"',
    ),
    case(
        "cluster_open_to_everybody",
        "prod",
        {"cluster.publicAccessCidrs": ["0.0.0.0/0"]},
        "arches:cluster.publicAccessCidrs: got 0.0.0.0/0, wider than a /16; allowed: public "
        'IPv4 blocks from /16 to /32; for example ["52.94.76.10/32"]',
    ),
    case(
        "cluster_block_twice",
        "prod",
        {"cluster.publicAccessCidrs": ["52.94.76.10/32", "52.94.76.10/32"]},
        "arches:cluster.publicAccessCidrs: got a block twice; allowed: each block once; for "
        'example ["52.94.76.10/32"]',
    ),
    case(
        "cluster_service_block_public",
        "prod",
        {"cluster.serviceCidr": "8.8.0.0/16"},
        'arches:cluster.serviceCidr: got "8.8.0.0/16"; allowed: a private IPv4 block from '
        '/12 to /24; for example "172.20.0.0/16"',
    ),
    case(
        "cluster_namespace_of_kubernetes",
        "prod",
        {"cluster.namespace": "kube-system"},
        'arches:cluster.namespace: got "kube-system"; allowed: a namespace of the '
        'application\'s own, not one of Kubernetes; for example "production"',
    ),
    case(
        "cluster_log_days_unknown",
        "prod",
        {"cluster.logRetentionDays": 366},
        "arches:cluster.logRetentionDays: got 366; allowed: one of 365, 400, 545, 731, 1096, "
        "1827, 2192, 2557, 2922, 3288, 3653; for example 365",
    ),
    case(
        "cluster_role_twice",
        "prod",
        {"cluster.access.1.principalArn": "arn:aws:iam::111122223333:role/arches-deployer"},
        "arches:cluster.access: got arn:aws:iam::111122223333:role/arches-deployer twice; "
        "allowed: each name and each role once (refusal E13); for example one entry per role",
    ),
    case(
        "cluster_nobody_can_enter",
        "prod",
        {"cluster.access": []},
        "arches:cluster.access: got no cluster-admin; allowed: at least one cluster-admin: "
        "the role that deploys; without it the program makes a cluster that it cannot enter; "
        "for example policy: cluster-admin",
    ),
    case(
        "cluster_limited_administrator",
        "prod",
        {"cluster.access.0.namespaces": ["production"]},
        "arches:cluster.access[0].namespaces: got ['production'] with policy cluster-admin; "
        'allowed: no namespaces with "cluster-admin", "admin-view", "responder" and "reader"; for '
        "example []",
    ),
    case(
        "cluster_add_on_unknown",
        "prod",
        {"cluster.addonVersions": {"coredms": "v1"}},
        "arches:cluster.addonVersions: got coredms; allowed: versions of vpc-cni, "
        "kube-proxy, eks-pod-identity-agent, coredns, aws-ebs-csi-driver, metrics-server; "
        'for example {"coredns": "v1.14.3-eksbuild.16"}',
    ),
    case(
        "nodes_type_unknown",
        "prod",
        {"cluster.nodes.instanceTypes": ["c9z.huge"]},
        "arches:cluster.nodes.instanceTypes: got c9z.huge; allowed: one of t3.large, "
        "t3.xlarge, c6i.xlarge, c7i.xlarge, c7i.2xlarge, m6i.xlarge, m7i.large, m7i.xlarge, "
        "m7i.2xlarge, t4g.large, c7g.xlarge, c7g.2xlarge, m7g.large, m7g.xlarge, "
        'm7g.2xlarge; for example ["c7i.xlarge"]',
    ),
    case(
        "nodes_of_two_kinds",
        "prod",
        {"cluster.nodes.instanceTypes": ["c7i.xlarge", "m7i.xlarge"]},
        "arches:cluster.nodes.instanceTypes: got c7i.xlarge, m7i.xlarge; allowed: types of "
        'one architecture, vCPU count and memory; for example ["c7i.xlarge", "c6i.xlarge"]',
    ),
    case(
        "nodes_out_of_order",
        "prod",
        {"cluster.nodes.desiredPerZone": 9},
        "arches:cluster.nodes.desiredPerZone: got 9 between minPerZone 1 and maxPerZone 4; "
        "allowed: minPerZone <= desiredPerZone <= maxPerZone; for example 1",
    ),
    case(
        "nodes_image_of_another_minor",
        "prod",
        {"cluster.nodes.releaseVersion": "1.35.9-20261112"},
        'arches:cluster.nodes.releaseVersion: got "1.35.9-20261112" with version "1.36"; allowed: '
        'a release of 1.36, or none; for example "1.36.2-20261112"',
    ),
    case(
        "database_minor_gone",
        "prod",
        {"database.engineVersion": "17.2"},
        'arches:database.engineVersion: got "17.2"; allowed: the major alone, or 17.5 and '
        'newer: older minors can no longer be made or lack pgvector; for example "17"',
    ),
    case(
        "database_upgrade_to_a_minor",
        "prod",
        {
            "database.engineVersion": "17.6",
            "database.allowMajorVersionUpgrade": True,
            "database.applyImmediately": True,
        },
        'arches:database.engineVersion: got "17.6" with allowMajorVersionUpgrade true; '
        "allowed: the new major alone: a minor is no longer compared once the database is "
        'made, so the upgrade would not happen; for example "17"',
    ),
    case(
        "database_upgrade_later",
        "prod",
        {"database.allowMajorVersionUpgrade": True},
        "arches:database.applyImmediately: got false with allowMajorVersionUpgrade true; "
        "allowed: true for the deployment that changes the major version; for example true",
    ),
    case(
        "database_cannot_grow",
        "prod",
        {"database.maxAllocatedStorageGib": 105},
        "arches:database.maxAllocatedStorageGib: got 105; allowed: 110 or more: 10 % above "
        "allocatedStorageGib (100), so that the storage can grow by itself; for example 500",
    ),
    case(
        "database_speed_of_a_small_disk",
        "prod",
        {"database.iops": 12000},
        "arches:database.iops: got 12000 with allocatedStorageGib 100; allowed: nothing "
        "under 400 GiB: gp3 then has a fixed speed; for example (left out)",
    ),
    case(
        "database_speed_out_of_range",
        "prod",
        {"database.allocatedStorageGib": 400, "database.throughputMibps": 100},
        "arches:database.throughputMibps: got 100; allowed: left out, or 500 to 4000; for "
        "example 500",
    ),
    case(
        "database_wal_upside_down",
        "prod",
        {"database.parameters": {"minWalSizeMib": 4096}},
        "arches:database.parameters.minWalSizeMib: got 4096 with maxWalSizeMib 4096; "
        "allowed: less than maxWalSizeMib; for example 1024",
    ),
    case(
        "database_autovacuum_above_maintenance",
        "prod",
        {"database.parameters": {"autovacuumWorkMemMib": 1024}},
        "arches:database.parameters.autovacuumWorkMemMib: got 1024; allowed: not more than "
        "maintenanceWorkMemMib (512): three workers take it at once; for example 128",
    ),
    case(
        "database_without_vector",
        "prod",
        {"database.parameters": {"extensions": ["pg_stat_statements", "pgaudit", "plpgsql"]}},
        "arches:database.parameters.extensions: got a list without vector; allowed: a list "
        "with pg_stat_statements, pgaudit, plpgsql, vector; for example "
        '["pg_stat_statements", "pgaudit", "plpgsql", "vector"]',
    ),
    case(
        "database_parameters_of_another_class",
        "prod",
        {"database.instanceClass": "db.m7g.xlarge"},
        "arches:database.parameters.sharedBuffersMib: got 2048 with instanceClass "
        "db.m7g.xlarge (16384 MiB); allowed: 20 to 30 % of the class's memory: 3276 to 4915 "
        "MiB; for example 4096",
    ),
    case(
        "database_memory_overdrawn",
        "prod",
        {"database.parameters": {"workMemKib": 20000}},
        "arches:database.parameters.workMemKib: got 20000, which makes 2048 (shared buffers) "
        "+ 7813 (connections x work_mem x 2) + 384 (autovacuum) + 512 (maintenance) = 10757 "
        "of 8192 MiB; allowed: a worst case below the class's memory, or the server is "
        "killed under load; for example 10485",
    ),
    case(
        "database_reserved_user",
        "prod",
        {"database.masterUsername": "postgres"},
        'arches:database.masterUsername: got "postgres"; allowed: a name of its own: no '
        'reserved word and nothing that is guessed first; for example "archesai_master"',
    ),
    case(
        "database_backup_window_short",
        "prod",
        {"database.backupWindow": "03:00-03:15"},
        'arches:database.backupWindow: got "03:00-03:15"; allowed: a daily window of 30 '
        'minutes or more; for example "03:00-04:00"',
    ),
    case(
        "database_maintenance_window_short",
        "prod",
        {"database.maintenanceWindow": "sun:05:00-sun:05:10"},
        'arches:database.maintenanceWindow: got "sun:05:00-sun:05:10"; allowed: a weekly '
        'window of 30 minutes to 24 hours; for example "sun:04:30-sun:05:30"',
    ),
    case(
        "database_windows_meet",
        "prod",
        {"database.maintenanceWindow": "sun:03:30-sun:04:30"},
        'arches:database.maintenanceWindow: got "sun:03:30-sun:04:30" with backupWindow '
        '"03:00-04:00"; allowed: a window that does not meet backupWindow on any day; for '
        'example "sun:04:30-sun:05:30"',
    ),
    case(
        "database_insights_short",
        "prod",
        {"database.insightsMode": "advanced"},
        "arches:database.insightsRetentionDays: got 7 with insightsMode advanced; allowed: "
        "7, 731, or a multiple of 31 from 31 to 713; with advanced at least 465; for example "
        "465",
    ),
    case(
        "pooler_floor_above_ceiling",
        "prod",
        {"pooler.minPoolSize": 26},
        "arches:pooler.minPoolSize: got 26; allowed: not more than defaultPoolSize (25); for "
        "example 25",
    ),
    case(
        "cache_data_too_large",
        "prod",
        {"cache.dataMib": 6000},
        "arches:cache.nodeType: got cache.m7g.large, which holds 4902 MiB beside its reserve "
        "of 25 %; allowed: a node type that holds dataMib (6000); for example "
        '"cache.m6g.xlarge"',
    ),
    case(
        "cache_snapshot_window_short",
        "prod",
        {"cache.snapshotWindow": "01:00-01:30"},
        'arches:cache.snapshotWindow: got "01:00-01:30"; allowed: a daily window of 60 '
        'minutes or more; for example "01:00-02:00"',
    ),
    case(
        "cache_maintenance_window_short",
        "prod",
        {"cache.maintenanceWindow": "sun:06:00-sun:06:30"},
        'arches:cache.maintenanceWindow: got "sun:06:00-sun:06:30"; allowed: a weekly window '
        'of 1 to 24 hours; for example "sun:06:00-sun:07:00"',
    ),
    case(
        "cache_windows_meet",
        "prod",
        {"cache.maintenanceWindow": "mon:01:30-mon:02:30"},
        'arches:cache.maintenanceWindow: got "mon:01:30-mon:02:30" with snapshotWindow '
        '"01:00-02:00"; allowed: a window that does not meet snapshotWindow on any day; for '
        'example "sun:06:00-sun:07:00"',
    ),
    case(
        "edge_host_outside_domain",
        "prod",
        {"edge.apiHost": "api.example.com"},
        'arches:edge.apiHost: got "api.example.com"; allowed: a name below domain, '
        'archesai.com; for example "api.archesai.com"',
    ),
    case(
        "edge_hosts_alike",
        "prod",
        {"edge.appHost": "api.archesai.com"},
        'arches:edge.appHost: got "api.archesai.com", the same as apiHost; allowed: a name '
        "of its own: each host has its own cache rules and headers; for example "
        '"app.archesai.com"',
    ),
    case(
        "edge_brought_zone_signed",
        "prod",
        {"edge.zoneId": "Z0123456789ABCDEFGHIJ", "edge.dnssec": True},
        "arches:edge.dnssec: got True while zoneId is given; allowed: only with a zone that "
        "is made here: a brought zone has an owner who signs and delegates it; for example "
        "leave one of the two out",
    ),
    case(
        "edge_no_paths",
        "prod",
        {"edge.assetPaths": []},
        "arches:edge.assetPaths: got an empty list; allowed: 1 to 5 paths; for example "
        '["/assets/*"]',
    ),
    case(
        "edge_metrics_open",
        "prod",
        {"edge.internalPaths": ["/debug"]},
        "arches:edge.internalPaths: got a list without /metrics; allowed: a list that holds "
        '/metrics and /debug; for example ["/metrics", "/debug", "/internal"]',
    ),
    case(
        "edge_prefix_without_slash",
        "prod",
        {"edge.authPaths": ["/auth"]},
        'arches:edge.authPaths: got "/auth"; allowed: prefixes that end in /, or /authors '
        'would count as /auth; for example ["/auth/"]',
    ),
    case(
        "edge_nobody_answers_app",
        "prod",
        {"edge.targets": {"gateway": {"port": 8080, "hosts": ["api"]}}},
        "arches:edge.targets: got targets for api; allowed: targets that name api and app "
        'exactly once together; for example {"gateway": {"port": 8080, "hosts": ["api", '
        '"app"]}}',
    ),
    case(
        "edge_shield_for_nothing",
        "prod",
        {"edge.shieldAdvanced": {"subscribe": True}},
        "arches:edge.shieldAdvanced.protect: got false while subscribe is true; allowed: "
        "true with subscribe: a paid subscription that protects nothing helps nobody; for "
        "example true",
    ),
    case(
        "backup_job_cannot_end",
        "prod",
        {"backup": {"startWindowMinutes": 300}},
        "arches:backup.completionWindowMinutes: got 300 with startWindowMinutes 300; "
        "allowed: at least 60 more than startWindowMinutes; for example 540",
    ),
    case(
        "backup_lock_upside_down",
        "prod",
        {"backup": {"lockMinDays": 20, "lockMaxDays": 10}},
        "arches:backup.lockMinDays: got 20 with lockMaxDays 10; allowed: at most "
        "lockMaxDays; for example 7",
    ),
    case(
        "backup_outside_the_lock",
        "prod",
        {"backup": {"keepDays": 7, "lockMinDays": 14}},
        "arches:backup.keepDays: got 7 with lockMinDays 14 and lockMaxDays 30; allowed: a "
        "number of days within the vault's lock, or every job fails; for example 30",
    ),
    case(
        "backup_final_lock_without_grace",
        "prod",
        {"backup": {"lockMode": "compliance"}},
        "arches:backup.lockGraceDays: got nothing with lockMode compliance; allowed: days in "
        "compliance mode (a number makes the lock final), none in governance mode; for "
        "example 14",
    ),
    case(
        "backup_everybody_deletes",
        "prod",
        {"backup": {"deleters": ["arn:aws:iam::111122223333:role/*"]}},
        'arches:backup.deleters: got "arn:aws:iam::111122223333:role/*"; allowed: ARNs of '
        'IAM roles, without *; for example ["arn:aws:iam::111122223333:role/break-glass"]',
    ),
    case(
        "alarms_nobody_hears",
        "prod",
        {"alarms.critical": []},
        "arches:alarms.critical: got an empty list and no pager; allowed: at least one "
        'address, or pager: true; for example ["oncall@archesai.com"]',
    ),
    case(
        "alarms_address_twice",
        "prod",
        {"alarms.warning": ["a@archesai.com", "A@archesai.com"]},
        "arches:alarms.warning: got the same address twice; allowed: each address once; for "
        'example ["oncall@archesai.com"]',
    ),
    case(
        "alarms_warning_after_the_alarm",
        "prod",
        {"alarms.databaseFreeStorageGib": 20},
        "arches:alarms.databaseFreeStorageWarningGib: got 15; allowed: more than "
        "databaseFreeStorageGib (20), so that the warning comes first; for example 40",
    ),
    case(
        "governance_log_days_unknown",
        "prod",
        {"governance.auditRetentionDays": 366},
        "arches:governance.auditRetentionDays: got 366; allowed: one of 365, 400, 545, 731, "
        "1096, 1827, 2192, 2557, 2922, 3288, 3653; for example 365",
    ),
    case(
        "governance_detector_blind",
        "prod",
        {"governance.guardDutyFeatures": ["s3", "rds"]},
        "arches:governance.guardDutyFeatures: got s3, rds; allowed: each once, with "
        'eksAuditLogs, rds and s3 among them; for example ["eksAuditLogs", "malware", "rds", '
        '"s3"]',
    ),
    case(
        "governance_half_an_id",
        "prod",
        {"governance.githubOwnerId": "123456"},
        "arches:governance.githubRepositoryId: got nothing, while the other id is given; "
        'allowed: both ids or none; for example "456789"',
    ),
    *platform.RULES,
)

# Rules between sections (settings/environment.py).
BETWEEN = (
    case(
        "zones_of_another_region",
        "prod",
        {"network.zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
        "arches:network.zones: got eu-west-1a, which is not in eu-central-1; allowed: zones "
        'of the region eu-central-1; for example ["eu-central-1a", "eu-central-1b", '
        '"eu-central-1c"]',
    ),
    case(
        "service_block_meets_the_network",
        "prod",
        {"cluster.serviceCidr": "10.20.0.0/16"},
        "arches:cluster.serviceCidr: got 10.20.0.0/16, which overlaps the network's "
        "10.20.0.0/16; allowed: a block outside the network's (refusal E30); for example "
        '"172.20.0.0/16"',
    ),
    case(
        "pool_larger_than_the_database",
        "prod",
        {"pooler.defaultPoolSize": 60},
        "arches:pooler.defaultPoolSize: got 60, which makes (3 instances + 1 surge) x (60 "
        "pool + 5 reserve) = 260, + 2 migrations + 2 dump + 3 exporter + 1 retention + 5 "
        "people = 273 of 195 usable connections (200 - 5 reserved); allowed: a sum of at "
        "most the usable connections of the database; for example 40",
    ),
    case(
        "clients_larger_than_the_pooler",
        "prod",
        {"workloads.api.maximum": 30},
        "arches:pooler.maxClientConn: got 1000, which makes (30 API pods + 1 surge) x 50 "
        "connections = 1550 of 1000 clients (1000 x 1 surviving instances); allowed: room "
        "for every API pod's pool on the instances that survive; for example 1550",
    ),
    case(
        "customers_in_two_zones",
        "prod",
        {
            "network.zones": ["eu-central-1a", "eu-central-1b"],
            "cluster.nodes.minPerZone": 2,
            "cluster.nodes.desiredPerZone": 2,
        },
        "arches:network.zones: got 2 zones while servesCustomers is true; allowed: at least "
        '3 zones, so that losing one is survived; for example ["eu-central-1a", '
        '"eu-central-1b", "eu-central-1c"]',
    ),
    case(
        "customers_on_two_nodes",
        "prod",
        {"network.zones": ["eu-central-1a", "eu-central-1b"]},
        "arches:cluster.nodes.minPerZone: got 1 in 2 zones; allowed: at least 3 nodes in all "
        "zones together where servesCustomers is true (CHK-INFRA-01); for example 2",
        "arches:network.zones: got 2 zones while servesCustomers is true; allowed: at least "
        '3 zones, so that losing one is survived; for example ["eu-central-1a", '
        '"eu-central-1b", "eu-central-1c"]',
    ),
    case(
        "customers_behind_one_nat",
        "prod",
        {"network.nat": "single"},
        'arches:network.nat: got "single" while servesCustomers is true; allowed: '
        '"per-zone", so that losing a zone cuts off that zone only, or "none"; for example '
        '"per-zone"',
    ),
    case(
        "customers_on_small_nodes",
        "prod",
        {"cluster.nodes.instanceTypes": ["m7i.large"]},
        "arches:cluster.nodes.instanceTypes: got m7i.large; allowed: types of at least 4 "
        "vCPU and 8 GiB where servesCustomers is true (CHK-INFRA-01); for example "
        '["c7i.xlarge"]',
    ),
    case(
        "customers_on_spot_nodes",
        "prod",
        {"cluster.nodes.capacity": "spot"},
        "arches:cluster.nodes.capacity: got spot; allowed: on-demand where servesCustomers "
        'is true; for example "on-demand"',
    ),
    case(
        "customers_on_one_database",
        "prod",
        {"database.multiAz": False},
        "arches:database.multiAz: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true (DR-01); for example true",
    ),
    case(
        "customers_on_two_cache_nodes",
        "prod",
        {"cache.nodes": 2},
        "arches:cache.nodes: got 2 while servesCustomers is true; allowed: 3 to 6: a primary "
        "and two replicas in three zones (SENT-02, SENT-05); for example 3",
    ),
    case(
        "customers_with_a_week_of_backups",
        "prod",
        {"database.backupRetentionDays": 7},
        "arches:database.backupRetentionDays: got 7 while servesCustomers is true; allowed: "
        "30 wherever servesCustomers is true (BAK-01); longer would outlive the promise to "
        "erase (GDPR-04); for example 30",
    ),
    case(
        "customers_without_a_second_copy",
        "prod",
        {"storage.replicate": False, "storage.replicationTimeControl": False},
        "arches:storage.replicate: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true (DR-01, DR-02); for example true",
        "arches:storage.replicationTimeControl: got false while servesCustomers is true; "
        "allowed: true wherever servesCustomers is true (DR-01, DR-02); for example true",
    ),
    case(
        "customers_with_a_copy_some_day",
        "prod",
        {"storage.replicationTimeControl": False},
        "arches:storage.replicationTimeControl: got false while servesCustomers is true; "
        "allowed: true wherever servesCustomers is true (DR-01, DR-02); for example true",
    ),
    case(
        "customers_without_a_second_region",
        "prod",
        {"backup": {"replicateLogs": False}},
        "arches:backup.replicateLogs: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true (DR-01, DR-02); for example true",
    ),
    case(
        "customers_without_a_restore_test",
        "prod",
        {"backup": {"restoreTest": False}},
        "arches:backup.restoreTest: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true (DR-01, DR-02); for example true",
    ),
    case(
        "customers_without_lasting_tls",
        "prod",
        {"edge.hstsMaxAge": 300},
        "arches:edge.hstsMaxAge: got 300 while servesCustomers is true; allowed: 31536000 "
        "wherever servesCustomers is true; for example 31536000",
    ),
    case(
        "customers_behind_a_counting_firewall",
        "prod",
        {"edge.firewall": {"mode": "count"}},
        'arches:edge.firewall.mode: got "count" while servesCustomers is true; allowed: '
        'block wherever servesCustomers is true; for example "block"',
    ),
    case(
        "customers_with_an_open_balancer",
        "prod",
        {"edge.firewall": {"onBalancer": False}},
        "arches:edge.firewall.onBalancer: got false while servesCustomers is true; allowed: "
        "true wherever servesCustomers is true; for example true",
    ),
    case(
        "backups_outlive_the_promise",
        "staging",
        {"database.backupRetentionDays": 31},
        "arches:database.backupRetentionDays: got 31; allowed: whole days from 7 to 30 of "
        "point-in-time recovery; for example 30",
    ),
    case(
        "cache_snapshots_outlive_the_promise",
        "staging",
        {"cache.snapshotRetentionDays": 31},
        "arches:cache.snapshotRetentionDays: got 31; allowed: whole days from 7 to 30; for "
        "example 7",
    ),
    case(
        "file_snapshots_outlive_the_promise",
        "prod",
        {"backup": {"files": True}},
        "arches:backup.files: got snapshots of files with their old versions, and their copy "
        "kept 59 days; allowed: copies that are gone 30 days after an erasure (GDPR-04); for "
        "example false, or storage.noncurrentDays 23 with backup.keepDays 7",
    ),
    case(
        "snapshot_in_the_databases_window",
        "prod",
        {"backup": {"dailyHour": 3}},
        "arches:backup.dailyHour: got 3, whose start window meets the database's "
        "03:00-04:00; allowed: an hour whose start window is clear of the database's windows "
        "and of the hour before them; for example 6",
    ),
    case(
        "locked_dumps_in_a_passing_environment",
        "staging",
        {"storage.lockMode": "COMPLIANCE"},
        'arches:storage.lockMode: got "COMPLIANCE" while identity.protect is false; allowed: '
        "GOVERNANCE: nothing that is locked for compliance can be taken down; for example "
        '"GOVERNANCE"',
    ),
    case(
        "locked_vaults_in_a_passing_environment",
        "staging",
        {"backup.lockMode": "compliance", "backup.lockGraceDays": 3},
        'arches:backup.lockMode: got "compliance" while identity.protect is false; allowed: '
        "governance: nothing that is locked for compliance can be taken down; for example "
        '"governance"',
    ),
    case(
        "several_mistakes_several_lines",
        "prod",
        {"network.nat": "single", "database.multiAz": False, "cache.nodes": 1},
        'arches:network.nat: got "single" while servesCustomers is true; allowed: '
        '"per-zone", so that losing a zone cuts off that zone only, or "none"; for example '
        '"per-zone"',
        "arches:database.multiAz: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true (DR-01); for example true",
        "arches:cache.nodes: got 1 while servesCustomers is true; allowed: 3 to 6: a primary "
        "and two replicas in three zones (SENT-02, SENT-05); for example 3",
    ),
    case(
        "several_bad_values_several_lines",
        "prod",
        {"identity.owner": "x", "network.nat": "double", "keys": {"deletionWindowDays": 1}},
        'arches:identity.owner: got "x"; allowed: the team that answers for this '
        'environment, 2 to 63 characters; for example "platform-team"',
        'arches:network.nat: got "double"; allowed: "per-zone" (a zone that fails takes no '
        'other with it), "single" (cheaper) or "none" (no internet; AWS through endpoints '
        'only); for example "per-zone"',
        "arches:keys.deletionWindowDays: got 1; allowed: whole days from 7 to 30 in which "
        "the deletion of a key can be cancelled; for example 30",
    ),
    *platform.BETWEEN,
)

# Secrets: asked for and absent, in clear, in the wrong place; and keys that nobody reads.
SECRETS = (
    case(
        "chat_without_its_key",
        "prod",
        {"secrets": {"openAi": True}},
        "arches:openAiApiKey: got nothing; allowed: a secret, since a setting asks for it; "
        "run `pulumi config set --secret arches:openAiApiKey`",
    ),
    case(
        "sentry_without_its_address",
        "prod",
        {"secrets": {"sentry": True}},
        "arches:sentryDsn: got nothing; allowed: a secret, since a setting asks for it; run "
        "`pulumi config set --secret arches:sentryDsn`",
    ),
    case(
        "pager_without_its_address",
        "prod",
        {"alarms.pager": True},
        "arches:pagerUrl: got nothing; allowed: a secret, since a setting asks for it; run "
        "`pulumi config set --secret arches:pagerUrl`",
    ),
    case(
        "secret_in_clear",
        "prod",
        {"openAiApiKey": "sk-live-0000"},
        "arches:openAiApiKey: got a value in clear; allowed: a secret; run `pulumi config "
        "set --secret arches:openAiApiKey` and change the value at its issuer, since it has "
        "been seen",
    ),
    case(
        "secret_inside_a_section",
        "prod",
        {"identity.owner": {"secure": "v1:abc"}},
        "arches:identity: got a secret inside; allowed: plain values, so that a review can "
        "read them; secrets stand only in arches:openAiApiKey, arches:sentryDsn, "
        "arches:pagerUrl; for example `pulumi config set --secret arches:openAiApiKey`",
    ),
    case(
        "key_pasted_into_the_switch",
        "prod",
        {"secrets": {"openAi": "sk-live-0000"}},
        "arches:secrets.openAi: got a value that looks like a secret; allowed: true where "
        "the chat is used; the secret openAiApiKey must then be given; for example true",
    ),
    case(
        "key_pasted_into_a_rule",
        "prod",
        {"network.cidr": "sk-live-0000"},
        "arches:network.cidr: got a value that looks like a secret; allowed: a private IPv4 "
        'block without host bits, /16 to /20; for example "10.20.0.0/16"',
    ),
    case(
        "pager_pasted_into_addresses",
        "prod",
        {
            "alarms.critical": [
                "https://events.pagerduty.com/integration/0123456789abcdef0123456789abcdef/enqueue"
            ]
        },
        "arches:alarms.critical[0]: got a value that looks like a secret; allowed: a list of "
        "at most 10 e-mail addresses, at least one unless pager is true; for example "
        '["oncall@archesai.com"]',
    ),
    case(
        "key_without_namespace",
        "prod",
        {":network": {}},
        "network: got a key that nobody reads; allowed: keys that start with arches: or "
        'pulumi:; did you mean "arches:network"',
    ),
    case(
        "namespace_misspelt",
        "prod",
        {"arche:keys": {}},
        "arche:keys: got a key that nobody reads; allowed: keys that start with arches: or "
        'pulumi:; did you mean "arches:keys"',
    ),
    case(
        "namespace_of_a_provider",
        "prod",
        {"aws:region": "eu-central-1"},
        "aws:region: got a key that nobody reads; allowed: keys that start with arches: or "
        'pulumi:; for example "arches:network"',
    ),
)


ALL = (*SHAPE, *RANGE, *RULES, *BETWEEN, *SECRETS)


@pytest.fixture(autouse=True, scope="module")
def _today() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "today", lambda: date(2026, 11, 21))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each row's file is written over the one before."""
    return tmp_path_factory.mktemp("refused")


@pytest.mark.parametrize(("stack", "changes", "lines"), ALL)
def test_a_mistake_is_refused_with_exactly_this_line(
    folder: Path, stack: str, changes: dict[str, Any], lines: tuple[str, ...]
) -> None:
    wanted = [f"Pulumi.{stack}.yaml: {spelt_out(line)}" for line in lines]
    assert refused(folder, stack, changes) == wanted
    for line in wanted:
        assert FOUR_PARTS.match(line), "a line without its four parts leaves somebody guessing"
        assert "\n" not in line


def test_there_are_at_least_sixty_mistakes_each_with_its_own_name() -> None:
    names = [each.id for each in ALL]
    assert len(names) == len(set(names))
    assert len(names) >= 60


def test_every_rule_over_several_keys_has_its_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of `clash` in settings/ is reached by some row, or a rule is written for nobody."""
    calls = {
        (path.name, node.lineno, node.end_lineno or node.lineno)
        for path in (ROOT / "settings").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "clash"
    }
    reached: set[tuple[str, int]] = set()
    made = core.PydanticCustomError

    def noted(*arguments: Any) -> Any:
        clash: FrameType | None = sys._getframe(1)
        caller = clash.f_back if clash is not None else None
        assert caller is not None
        reached.add((Path(caller.f_code.co_filename).name, caller.f_lineno))
        return made(*arguments)

    monkeypatch.setattr(core, "PydanticCustomError", noted)
    for each in (*RULES, *BETWEEN):
        stack, changes, _ = cast(tuple[str, dict[str, Any], str], each.values)
        refused(tmp_path, stack, dict(changes))
    missed = sorted(
        f"{name}:{first}"
        for name, first, last in calls
        if not any(name == at and first <= line <= last for at, line in reached)
    )
    assert missed == [], "no row breaks these rules"


def test_no_line_shows_a_secret(tmp_path: Path) -> None:
    secret = "sk-live-4eC39HqLyjWDarjtT1zdp7dc"
    for changes in (
        {"openAiApiKey": secret},
        {"openAiApiKy": secret},
        {"sentryDsn": f"https://{secret}@o1.ingest.sentry.io/1"},
        {"identity.owner": secret + "!"},
        {"identity": secret},
        {"secrets": {"openAi": secret, "sentry": [secret], "generation": {"jwt": secret}}},
        {"network.cidr": secret, "network.zones": [secret, secret]},
        {"edge.apiHost": f"https://{secret}@api.archesai.com"},
        {"alarms.critical": [f"https://hooks.slack.com/services/T0/B0/{secret[8:]}"]},
        {"governance.budgetUsd": {"secure": "v1:" + secret}},
        {"pagerUrl": {"secure": ["v1:" + secret]}, "identity.owner": "x"},
    ):
        said = "\n".join(refused(tmp_path, "prod", changes))
        assert secret not in said, f"{list(changes)} would put a secret into a log"
        assert secret[8:] not in said


def test_every_copy_that_might_outlive_the_promise_names_the_key_that_decides() -> None:
    env = settings.read(ROOT / "Pulumi.prod.yaml")
    every = {"files": True, "hourly": True, "replicate_logs": True}
    rows = lifetimes(env.model_copy(update={"backup": env.backup.model_copy(update=every)}))
    bound = {row.copy for row in rows if not row.reason}
    assert bound == set(DECIDED_BY), "a copy without a key to refuse, or a key nobody asks for"
    for path in DECIDED_BY.values():
        section: Any = Environment
        for key in path.split("."):
            assert section is not None, f"no key {path}"
            named = {each.alias: each for each in section.model_fields.values()}
            assert key in named, f"no key {path}"
            section = section_in(named[key].annotation)
