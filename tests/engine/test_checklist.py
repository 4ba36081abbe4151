"""A hostile edit of each row of the guide's checklists is refused by name, before anything is made.

The program of production is edited in every way at once, behind the settings' back where they would
refuse first, and the real engine previews it once; each edit is a test of its own over what that
preview said.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reports import trace
from reports.run import Finding, finding
from tests.engine import programs
from tests.engine.conftest import Open

# One worker makes the preview for all.
pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("checklist")]


@dataclass(frozen=True)
class Hostile:
    """One edit (file, old text, new text) and who must refuse it, on which resource."""

    row: str
    what: str
    file: str
    old: str
    new: str
    rule: str
    resource: str


_DATABASE, _BALANCER = "components/database.py", "components/balancer.py"
_PODS, _GOVERNANCE = "components/kubernetes/workloads/manifests.py", "components/audit.py"
_FIREWALL, _ALERTS = "components/firewall.py", "components/kubernetes/observability/rules"
_REDIRECT = """"type": "redirect",
                    "redirect": {
                        "protocol": "HTTPS",
                        "port": str(HTTPS_PORT),
                        "status_code": "HTTP_301",
                    },"""
_ENCRYPTED_DATABASE = """storage_encrypted=True,
            kms_key_id=keys.data.arn,"""
_ENCRYPTED_SECRETS = """encryption_config={
                "provider": {"key_arn": args.keys.cluster.arn},
                "resources": ["secrets"],
            },"""
_EVERYTHING = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
# fmt: off
HOSTILE = (
    Hostile("CHK-INFRA-01", "nodes hand their credentials to pods", "components/nodes.py",
            '"http_tokens": "required"', '"http_tokens": "optional"',
            "node-imdsv2", "cluster-nodes-template"),
    Hostile("CHK-INFRA-01", "no node is promised", "components/nodes.py",
            '"min_size": nodes.min_per_zone', '"min_size": 0',
            "node-count", "cluster-control-plane"),
    Hostile("CHK-INFRA-02", "the database has a public address", _DATABASE,
            "publicly_accessible=False", "publicly_accessible=True",
            "rds-not-public", "database-instance"),
    Hostile("CHK-INFRA-02", "the database is not encrypted", _DATABASE,
            _ENCRYPTED_DATABASE, "storage_encrypted=False,",
            "rds-encrypted", "database-instance"),
    Hostile("CHK-INFRA-03", "the cache keeps no snapshot", "components/cache.py",
            "snapshot_retention_limit=settings.snapshot_retention_days",
            "snapshot_retention_limit=0", "redis-snapshots", "cache-group"),
    Hostile("CHK-INFRA-04", "the database stands on old disks", _DATABASE,
            'storage_type="gp3"', 'storage_type="standard"', "rds-storage", "database-instance"),
    Hostile("CHK-INFRA-04", "volumes are not encrypted", "components/kubernetes/base.py",
            '"encrypted": "true"', '"encrypted": "false"',
            "storage-class-encrypted", "base-storage-class"),
    Hostile("CHK-INFRA-05", "the load balancer answers plain HTTP", _BALANCER,
            _REDIRECT, '"type": "fixed-response", "fixed_response": not_found(),',
            "listener-https-only", "edge-balancer-http"),
    Hostile("CHK-INFRA-06", "nobody is told of full memory", f"{_ALERTS}/pods.py",
            'name="HighMemoryUsage"', 'name="SomethingElse"', "guide-alerts", "arches-prod"),
    Hostile("CHK-INFRA-07", "the database has no backup", _DATABASE,
            "backup_retention_period=settings.backup_retention_days", "backup_retention_period=0",
            "rds-backup-retention", "database-instance"),
    Hostile("CHK-INFRA-07", "a deleted database leaves nothing", _DATABASE,
            "skip_final_snapshot=False", "skip_final_snapshot=True",
            "rds-final-snapshot", "database-instance"),
    Hostile("CHK-SEC-01", "the database takes connections in clear", "settings/postgres.py",
            '"rds.force_ssl": 1,', '"rds.force_ssl": 0,',
            "rds-tls-forced", "database-parameters"),
    Hostile("CHK-SEC-01", "customers are served over old TLS", "components/cdn.py",
            '"minimum_protocol_version": "TLSv1.2_2021"',
            '"minimum_protocol_version": "TLSv1_2016"', "distribution-tls-policy", "edge-cdn-api"),
    Hostile("CHK-SEC-02", "a secret stands in a file of configuration", _PODS,
            "found: dict[str, pulumi.Input[str]] = {}",
            'found: dict[str, pulumi.Input[str]] = {"app.ini": "password = hunter2-hunter2"}',
            "configuration-no-secrets", "platform-gateway"),
    Hostile("CHK-SEC-02", "a secret stands in a variable", _PODS,
            'for name, value in each.env.items()]',
            'for name, value in each.env.items()] + [{"name": "API_TOKEN", "value": "hunter2"}]',
            "container-env-no-secret", "platform-gateway"),
    Hostile("CHK-SEC-03", "a store is open to the world", "components/door.py",
            "referenced_security_group_id=cluster.nodes_security_group_id",
            'cidr_ipv4="0.0.0.0/0"', "security-group-no-open-ingress", "database-from-nodes"),
    Hostile("CHK-SEC-03", "pods reach everything",
            "components/kubernetes/guardrails/network_policies.py",
            "places, {}, ingress=[], egress=[])", "places, {}, ingress=[], egress=[{}])",
            "namespace-default-deny", "base-namespace"),
    Hostile("CHK-SEC-04", "a role may do everything", "components/pod_identity.py",
            "policy=checked", f"policy={_EVERYTHING!r}",
            "iam-no-full-access", "platform-alerting-identity-publish"),
    Hostile("CHK-SEC-04", "a role is administrator", _DATABASE,
            'policy = "service-role/AmazonRDSEnhancedMonitoringRole"',
            'policy = "AdministratorAccess"', "iam-no-administrator", "database-monitoring"),
    Hostile("CHK-SEC-04", "the API server is open to the world", "components/cluster.py",
            '"endpoint_public_access": bool(public_cidrs)',
            '"endpoint_public_access": True', "eks-endpoint-restricted", "cluster-control-plane"),
    Hostile("CHK-SEC-04", "readers administrate the cluster",
            "components/kubernetes/guardrails/guardrails.py",
            '"kind": "Role", "name": f"{APPLICATION}-reader"}',
            '"kind": "ClusterRole", "name": "cluster-admin"}',
            "binding-no-strong-role", "platform-guardrails-reader"),
    Hostile("CHK-SEC-04", "a rule of the checklists only advises", "policies/levels.yaml",
            "prod:\n  all: mandatory", "prod:\n  all: mandatory\n  iam-no-users: advisory",
            "levels-kept", "arches-prod"),
    Hostile("CHK-SEC-05", "images are not scanned", "components/registry.py",
            '"scan_on_push": True', '"scan_on_push": False',
            "ecr-scan-on-push", "registry-api"),
    Hostile("CHK-SEC-05", "a scanned image may be swapped", "components/registry.py",
            'image_tag_mutability="IMMUTABLE"', 'image_tag_mutability="MUTABLE"',
            "ecr-tags-immutable", "registry-api"),
    Hostile("CHK-SEC-06", "the firewall lets SQL through", _FIREWALL,
            '_group("sql-injection", "AWSManagedRulesSQLiRuleSet", firewall),', "",
            "web-acl-sql-injection", "edge-firewall-cdn"),
    Hostile("CHK-SEC-06", "the load balancer has no firewall", _BALANCER,
            "if self._args.firewall.balancer_acl_arn is not None:", "if False:",
            "balancer-firewall", "edge-balancer-alb"),
    Hostile("CHK-SEC-07", "one address may ask without end", _FIREWALL,
            'yield _rate("rate-all", firewall.requests_per_minute, [], lists)', "yield from ()",
            "web-acl-rate-limited", "edge-firewall-cdn"),
    Hostile("CHK-SEC-07", "the load balancer faces the internet", _BALANCER,
            "internal=True", "internal=False", "balancer-internal", "edge-balancer-alb"),
    Hostile("CHK-SEC-07", "CloudFront has no firewall", "components/cdn.py",
            "web_acl_id=self._args.firewall.cdn_acl_arn", "web_acl_id=None",
            "distribution-firewall", "edge-cdn-api"),
    Hostile("CHK-DR-01", "the database stands in one zone", _DATABASE,
            "multi_az=settings.multi_az", "multi_az=False", "rds-multi-az", "database-instance"),
    Hostile("CHK-DR-01", "objects are copied every other hour",
            "components/kubernetes/operators/velero_schedule.py",
            'f"*/{settings.every_minutes} * * * *"', '"0 */2 * * *"',
            "velero-often", "platform-copies-schedule"),
    Hostile("CHK-DR-01", "files have one copy", "components/bucket.py",
            "if wanted is None:", "if True:", "bucket-replicated", "storage-files"),
    Hostile("K8S-11", "pods are privileged", _PODS,
            '"privileged": False', '"privileged": True', "pod-not-privileged", "platform-gateway"),
    Hostile("CICD-07", "images have no digest", _PODS,
            '"image": each.image', '"image": each.image.partition("@")[0]',
            "container-image-by-digest", "platform-gateway"),
    Hostile("SEC-06", "Secrets of the cluster lie in clear", "components/cluster.py",
            _ENCRYPTED_SECRETS, "", "eks-secrets-encrypted", "cluster-control-plane"),
    Hostile("AUDIT-03", "nobody records who does what", "Pulumi.prod.yaml",
            "cloudTrail: here", "cloudTrail: elsewhere", "cloudtrail-made", "arches-prod"),
    Hostile("AUDIT-03", "nobody looks for threats", "Pulumi.prod.yaml",
            "guardDuty: here", "guardDuty: elsewhere", "guardduty-made", "arches-prod"),
)
# fmt: on


@pytest.fixture(scope="module")
def said(open_stack: Open, tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """What the engine says of production with every hostile edit in it."""
    folder = tmp_path_factory.mktemp("checklist")
    edits = ((each.file, each.old, each.new) for each in HOSTILE)
    project = programs.edited(folder / "project", *edits)
    with open_stack(folder / "prod", "prod", program=project) as opened:
        run = opened.run("preview", check=False)
        assert run.code != 0, "a production without any protection passed"
        assert opened.account.all() == [], "a preview made something"
    return [finding(event["policyEvent"]) for event in run.events if "policyEvent" in event]


@pytest.mark.parametrize("hostile", HOSTILE, ids=[f"{each.row}: {each.what}" for each in HOSTILE])
def test_a_hostile_edit_is_refused_by_rule_and_resource(
    hostile: Hostile, said: list[Finding]
) -> None:
    here = {each for each in said if each.rule == hostile.rule and each.level == "mandatory"}
    assert all(each.outcome == "violated" for each in here), f"the rule itself failed: {here}"
    names = {each.urn.split("::", 3)[3] for each in here}
    assert hostile.resource in names, (
        f"{hostile.what}, and {hostile.rule} lets it pass; it names {sorted(names) or 'nobody'}"
    )


def test_every_row_of_the_checklists_is_tried_and_its_rules_name_it() -> None:
    rows = {each for each in trace.EVERY if each.startswith("CHK-")}
    assert len(rows) == 15, "the guide's checklists have fifteen rows"
    tried = {each.row for each in HOSTILE}
    assert rows <= tried, f"nobody tries to break {sorted(rows - tried)}"
    # The workflow's scans cannot be broken here; what the registry and the pack do can.
    assert {each for each in rows if each not in trace.HERE} == {"CHK-SEC-05"}
    guarded = trace.guarded_by()
    for each in HOSTILE:
        assert each.rule in guarded[each.row], f"{each.rule} does not say that it guards {each.row}"


def test_no_hostile_edit_makes_a_rule_fail(said: list[Finding]) -> None:
    assert [each for each in said if each.outcome == "error"] == []
