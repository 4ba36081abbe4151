"""Stack outputs: what people and the next step need, nothing secret in clear."""

from __future__ import annotations

import pulumi

from components.backup import Backup
from components.cache import CacheEndpoint
from components.cluster import Cluster
from components.context import Context
from components.database import Database
from components.delivery import Delivery
from components.edge import Edge
from components.kubernetes.base import ClusterBase
from components.registry import Registry
from components.storage import Storage


def publish(
    context: Context,
    *,
    backup: Backup,
    base: ClusterBase,
    cache: CacheEndpoint,
    cluster: Cluster,
    database: Database,
    delivery: Delivery,
    edge: Edge,
    registry: Registry,
    storage: Storage,
) -> None:
    """Export endpoints, the way to a kubeconfig, names of buckets, roles and where reports are."""
    region = context.region
    outputs: dict[str, object] = {
        "urls": edge.cdn.urls,
        "nameServers": edge.dns.name_servers,
        "clusterName": cluster.cluster_name,
        "clusterEndpoint": cluster.endpoint,
        "kubeconfig": pulumi.Output.secret(cluster.kubeconfig),
        "kubeconfigCommand": pulumi.Output.concat(
            "aws eks update-kubeconfig --region ", region, " --name ", cluster.cluster_name
        ),
        "namespace": base.namespace,
        "databaseEndpoint": pulumi.Output.concat(database.address, ":", str(database.port)),
        "databaseName": database.name,
        "databaseMasterSecretArn": database.master_secret_arn,
        "cachePrimaryEndpoint": pulumi.Output.concat(cache.primary_host, ":", str(cache.port)),
        "cacheReaderEndpoint": pulumi.Output.concat(cache.reader_host, ":", str(cache.port)),
        "cacheSecretArn": cache.secret_arn,
        "targetGroupArns": {
            label: group.arn for label, group in edge.balancer.target_groups.items()
        },
        "repositoryUrls": registry.repository_urls,
        "buckets": {
            "dumps": storage.dumps.name,
            "velero": storage.velero.name,
            "accessLogs": storage.access_logs.name,
            "files": storage.files.name,
            "audit": storage.audit.name,
        },
        "backupVault": backup.vault_name,
        "backupCopyVaultArn": backup.copy_vault_arn,
        "previewRoleArn": delivery.preview_role_arn,
        "deployRoleArn": delivery.deploy_role_arn,
        "reports": {
            "alarms": _console(region, "cloudwatch", "alarmsV2:"),
            "backupJobs": _console(region, "backup", "/jobs/backup"),
            "database": _console(region, "rds", "databases:"),
        },
    }
    for name, value in outputs.items():
        pulumi.export(name, value)


def _console(region: str, service: str, page: str) -> str:
    return f"https://{region}.console.aws.amazon.com/{service}/home?region={region}#{page}"
