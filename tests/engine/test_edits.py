"""What an edit does to what runs: twelve that change it in place, six that must replace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal import summary
from rehearsal.session import Session
from tests.engine import programs
from tests.engine.conftest import Open

pytestmark = pytest.mark.engine

Events = list[dict[str, Any]]

# setting -> (its new value, what it must change: type and name -> paths)
IN_PLACE: dict[str, tuple[Any, dict[str, set[str]]]] = {
    "cluster.publicAccessCidrs": (
        ["52.94.76.10/32"],
        {
            "eks:Cluster cluster-control-plane": {
                "vpcConfig.publicAccessCidrs",
                "vpcConfig.endpointPublicAccess",
            }
        },
    ),
    "cluster.addonVersions": (
        {"coredns": "v1.14.3-eksbuild.17"},
        {"eks:Addon cluster-after-nodes-coredns": {"addonVersion"}},
    ),
    "cluster.nodes.maxPerZone": (
        3,
        {
            "eks:NodeGroup cluster-nodes-eu-central-1a": {"scalingConfig.maxSize"},
            "eks:NodeGroup cluster-nodes-eu-central-1b": {"scalingConfig.maxSize"},
        },
    ),
    "database.allocatedStorageGib": (120, {"rds:Instance database-instance": {"allocatedStorage"}}),
    "database.maintenanceWindow": (
        "sat:04:30-sat:05:30",
        {"rds:Instance database-instance": {"maintenanceWindow"}},
    ),
    "database.backupRetentionDays": (
        8,
        {"rds:Instance database-instance": {"backupRetentionPeriod"}},
    ),
    "database.parameters.logSlowerThanMs": (
        2000,
        {"rds:ParameterGroup database-parameters": {"parameters[].value"}},
    ),
    "edge.firewall.requestsPerMinute": (
        300,
        {
            "wafv2:WebAcl edge-firewall-cdn": {"rules[].statement.rateBasedStatement.limit"},
        },
    ),
    "alarms.databaseCpuPercent": (
        70,
        {"cloudwatch:MetricAlarm alarms-database-cpu": {"threshold", "alarmDescription"}},
    ),
}
# The same for what no setting can change, as edits of the program: file, old text, new text.
PROGRAM_EDITS: list[tuple[tuple[str, str, str], dict[str, set[str]]]] = [
    (
        ("components/cluster.py", '"controllerManager", "scheduler")', '"controllerManager")'),
        {"eks:Cluster cluster-control-plane": {"enabledClusterLogTypes"}},
    ),
    (
        (
            "components/database.py",
            'visitors="PgBouncer and Jobs"',
            'visitors="PgBouncer"',
        ),
        {"vpc:SecurityGroupIngressRule database-from-nodes": {"description"}},
    ),
]
# The twelfth edit: a tag, which is on the provider and so on everything that has tags.
TAG = ("identity.costCenter", "arches-other", "cost-center")

# One more of the same `up`, whose whole effect is in the account: the lock of both vaults is
# replaced, which AWS knows by the vault's name.
LOCK_DAYS = ("backup.lockMinDays", 6)
VAULT_LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"

# setting -> (its new value, what it must replace, the path that forces it)
REPLACING: dict[str, tuple[Any, str, str]] = {
    "network.cidr": ("10.31.0.0/16", "ec2:Vpc network", "cidrBlock"),
    "network.flowLogs.aggregationSeconds": (
        60,
        "ec2:FlowLog network-flow-logs",
        "maxAggregationInterval",
    ),
    "cluster.serviceCidr": (
        "172.21.0.0/16",
        "eks:Cluster cluster-control-plane",
        "kubernetesNetworkConfig.serviceIpv4Cidr",
    ),
    "database.name": ("other", "rds:Instance database-instance", "dbName"),
    "edge.internalDomain": ("other.internal", "route53:Zone edge-internal-zone", "name"),
    "secrets.generation": (
        {"jwt": 2},
        "random:RandomPassword secrets-jwt",
        "keepers.generation",
    ),
}


def short(urn: str) -> str:
    type_ = urn.split("::")[2].split("$")[-1]
    package, module, kind = type_.split(":")
    module = module.split("/")[0]
    return f"{module if package == 'aws' else package}:{kind} {urn.split('::', 3)[3]}"


def operations(events: Events) -> dict[str, str]:
    found = {short(u): op for u, op in summary.operations(events).items() if op != "same"}
    found.pop("pulumi:aws aws", None)
    return found


def paths_changed(events: Events) -> dict[str, set[str]]:
    """Short name -> changed paths without list positions; tags are left out."""
    found: dict[str, set[str]] = {}
    for urn, paths in summary.changed_properties(events).items():
        rest = {_without_positions(p) for p in paths if not p.startswith("tagsAll")}
        if rest and "pulumi:providers" not in urn:
            found[short(urn)] = rest
    return found


def retagged(events: Events, key: str) -> set[str]:
    """Short names of what changes its tag `key`."""
    changed = summary.changed_properties(events)
    return {short(urn) for urn, paths in changed.items() if f"tagsAll.{key}" in paths}


def _without_positions(path: str) -> str:
    return "".join(part.split("]")[-1] if i else part for i, part in enumerate(path.split("[")))


def test_twelve_edits_change_in_place_and_replace_nothing(
    open_stack: Open, staging: Path, tmp_path: Path
) -> None:
    wanted: dict[str, set[str]] = {}
    for changes in [c for _, c in IN_PLACE.values()] + [c for _, c in PROGRAM_EDITS]:
        for name, paths in changes.items():
            wanted.setdefault(name, set()).update(p.replace("[]", "") for p in paths)
    settings = {key: value for key, (value, _) in IN_PLACE.items()} | {TAG[0]: TAG[1]}
    assert len(settings) + len(PROGRAM_EDITS) == 12

    program = programs.edited(tmp_path / "project", *(edit for edit, _ in PROGRAM_EDITS))
    with open_stack(staging, program=program) as opened:
        opened.change(settings)
        # Without the policies: one edit takes a log type away, which they forbid.
        preview = opened.run("preview", policies=False)
        assert set(operations(preview.events).values()) == {"update"}, "an edit in place replaces"
        assert paths_changed(preview.events) == wanted
        tagged = retagged(preview.events, TAG[2])
        assert len(tagged) > 100, "the tag must reach everything that has tags"
        assert set(operations(preview.events)) == tagged | set(wanted), "more changes than asked"

        before = _kept(opened)
        opened.change({LOCK_DAYS[0]: LOCK_DAYS[1]})
        opened.run("up", "--yes", "--skip-preview", policies=False)
        assert _kept(opened) == before, "something was made anew"
        locks = [r.get("minRetentionDays") for r in opened.account.all(VAULT_LOCK)]
        assert locks == [LOCK_DAYS[1]] * 2, "a vault's lock is replaced, and must be there after it"
        again = opened.run("preview", policies=False)
        assert operations(again.events) == {}, "the edits are not settled by one up"


def _kept(opened: Session) -> dict[int, tuple[str, str]]:
    """What is in the account, without the locks."""
    return {r.handle: (r.urn, r.id) for r in opened.account.all() if r.type != VAULT_LOCK}


def test_six_edits_that_must_replace_are_shown_as_replacements(
    open_stack: Open, staging: Path
) -> None:
    with open_stack(staging) as opened:
        opened.change({key: value for key, (value, _, _) in REPLACING.items()})
        preview = opened.run("preview", policies=False)
        done = operations(preview.events)
        forced = _forced(preview.events)
        for setting, (_, name, path) in REPLACING.items():
            assert done.get(name) == "replace", f"{setting} must replace {name}: {done.get(name)}"
            assert path in forced[name], f"{setting} must replace {name} because of {path}"


def _forced(events: Events) -> dict[str, set[str]]:
    """Short name -> the paths that force its replacement."""
    found: dict[str, set[str]] = {}
    for event in events:
        step = (event.get("resourcePreEvent") or {}).get("metadata") or {}
        for path, difference in (step.get("detailedDiff") or {}).items():
            if difference["diffKind"].endswith("-replace"):
                found.setdefault(short(step["urn"]), set()).add(path)
    return found
