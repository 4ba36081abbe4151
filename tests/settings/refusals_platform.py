"""The mistakes in the sections of what runs inside the cluster; rows of `test_refusals`."""

from __future__ import annotations

from settings.images import DIGEST
from tests.settings.mistakes import ABSENT, case

IMAGE = f"docker.io/library/redis:7.4@sha256:{DIGEST}"
REDIS = {"redisImage": IMAGE, "exporterImage": IMAGE}

# Misspelt, absent, of another type; an editor refuses these too.
SHAPE = (
    case(
        "gateway_key_misspelt",
        "prod",
        {"gateway.maxBodyMb": 25},
        "arches:gateway.maxBodyMb: got a key that does not exist; allowed: one of "
        '<GatewaySettings>; did you mean "maxBodyMib"',
    ),
    case(
        "gateway_image_absent",
        "prod",
        {"gateway.exporterImage": ABSENT},
        "arches:gateway.exporterImage: got nothing; allowed: nginx-prometheus-exporter 1.x "
        "by digest; for example "
        f'"docker.io/nginx/nginx-prometheus-exporter:1.4.2@sha256:{DIGEST}"',
    ),
    case(
        "workloads_program_that_nobody_knows",
        "prod",
        {"workloads.worker": {"image": IMAGE}},
        "arches:workloads.worker: got a key that does not exist; allowed: one of "
        '<WorkloadsSettings>; for example "api"',
    ),
    case(
        "workloads_key_twice_nested_misspelt",
        "prod",
        {"workloads.api.size": {"memoryLimits": "1Gi"}},
        "arches:workloads.api.size.memoryLimits: got a key that does not exist; allowed: one "
        'of <ApiSize>; did you mean "memoryLimit"',
    ),
    case(
        "workloads_command_is_a_text",
        "prod",
        {"workloads.api.command": "node server.mjs"},
        'arches:workloads.api.command: got "node server.mjs"; allowed: words that replace '
        'the image\'s entry point; none keeps it; for example ["node", "server.mjs"]',
    ),
    case(
        "bootstrap_migrations_without_an_image",
        "prod",
        {"bootstrap.migrations.image": ABSENT},
        "arches:bootstrap.migrations.image: got nothing; allowed: the application's "
        "migrations by digest, with what the command needs; for example "
        f'"ghcr.io/archesai/migrations:1.0.0@sha256:{DIGEST}"',
    ),
    case(
        "operators_key_misspelt",
        "prod",
        {"operators": {"chartVersion": {"velero": "12.1.0"}}},
        "arches:operators.chartVersion: got a key that does not exist; allowed: one of "
        '<OperatorsSettings>; did you mean "chartVersions"',
    ),
    case(
        "operators_chart_version_is_a_number",
        "prod",
        {"operators": {"chartVersions": {"velero": 12}}},
        "arches:operators.chartVersions.velero: got 12; allowed: chart to exact version, for "
        'charts that differ from this program\'s table; for example {"velero": "12.1.0"}',
    ),
    case(
        "velero_key_misspelt",
        "prod",
        {"velero": {"everyMinute": 30}},
        "arches:velero.everyMinute: got a key that does not exist; allowed: one of "
        '<VeleroSettings>; did you mean "everyMinutes"',
    ),
    case(
        "cache_in_the_cluster_without_an_image",
        "prod",
        {"cache.sentinel": {"redisImage": IMAGE}},
        "arches:cache.sentinel.exporterImage: got nothing; allowed: an image by digest, "
        "<registry>/<name>[:<tag>]@sha256:<64 hex digits>, of redis_exporter; for example "
        f'"ghcr.io/oliver006/redis_exporter:v1.89.0@sha256:{DIGEST}"',
    ),
)

# Outside what a key allows; an editor refuses these too.
RANGE = (
    case(
        "gateway_image_without_digest",
        "prod",
        {"gateway.image": "docker.io/nginxinc/nginx-unprivileged:1.29.3-alpine"},
        'arches:gateway.image: got "docker.io/nginxinc/nginx-unprivileged:1.29.3-alpine"; '
        "allowed: nginx 1.25 or later by digest, with its modules ssl and stub_status and a "
        "shell; for example "
        f'"docker.io/nginxinc/nginx-unprivileged:1.28-alpine@sha256:{DIGEST}"',
    ),
    case(
        "workloads_image_is_the_latest",
        "prod",
        {"workloads.api.image": "ghcr.io/archesai/archesai:latest"},
        'arches:workloads.api.image: got "ghcr.io/archesai/archesai:latest"; allowed: an '
        "image by digest, <registry>/<name>[:<tag>]@sha256:<64 hex digits>; for example "
        f'"ghcr.io/archesai/archesai:v1.0.0@sha256:{DIGEST}"',
    ),
    case(
        "workloads_memory_in_megabytes",
        "prod",
        {"workloads.api.size": {"memory": "512MB"}},
        'arches:workloads.api.size.memory: got "512MB"; allowed: memory that is set aside, '
        'in Mi or Gi; for example "512Mi"',
    ),
    case(
        "workloads_every_origin",
        "prod",
        {"workloads.api.origins": ["https://*.archesai.com"]},
        'arches:workloads.api.origins[0]: got "https://*.archesai.com"; allowed: at most 10 '
        "origins beside the web application's own that may call the API with a user's "
        "cookies, each https://<host>; no wildcard; for example "
        '["https://admin.archesai.com"]',
    ),
    case(
        "bootstrap_table_in_capitals",
        "prod",
        {"bootstrap.tables": {"users": "Users"}},
        'arches:bootstrap.tables.users: got "Users"; allowed: a table\'s name, unquoted; for '
        'example "users"',
    ),
    case(
        "pooler_image_without_registry",
        "prod",
        {"pooler.image": "pgbouncer:1.25.2"},
        'arches:pooler.image: got "pgbouncer:1.25.2"; allowed: PgBouncer 1.25.2 or later '
        "(CVE-2026-6664) by digest, with psql and a shell; for example "
        f'"ghcr.io/cloudnative-pg/pgbouncer:1.25.2@sha256:{DIGEST}"',
    ),
    case(
        "cache_kind_unknown",
        "prod",
        {"cache.kind": "redis"},
        'arches:cache.kind: got "redis"; allowed: elasticache, the managed replication '
        "group; or sentinel, Redis with Sentinel inside the cluster; for example "
        '"elasticache"',
    ),
    case(
        "cache_in_the_cluster_impatient",
        "prod",
        {"cache.sentinel": {**REDIS, "downAfterMs": 500}},
        "arches:cache.sentinel.downAfterMs: got 500; allowed: whole milliseconds of silence "
        "from 1,000 to 30,000 after which a primary is down; for example 5000",
    ),
    case(
        "guardrails_registry_ends_in_a_slash",
        "prod",
        {"guardrails.allowedRegistries": ["docker.io/"]},
        'arches:guardrails.allowedRegistries[0]: got "docker.io/"; allowed: at most 30 '
        "registries or paths in them, without a slash at the end, that images may come from, "
        'beside the account\'s own in this region; for example ["ghcr.io/archesai", '
        '"docker.io/nginxinc"]',
    ),
    case(
        "operators_logs_outlive_the_promise",
        "prod",
        {"operators": {"logging": {"retentionDays": 31}}},
        "arches:operators.logging.retentionDays: got 31; allowed: whole days from 7 to 30 "
        "that logs are kept (the guide says 30; longer would outlive the promise to erase); "
        "for example 30",
    ),
    case(
        "operators_two_alertmanagers",
        "prod",
        {"operators": {"monitoring": {"alertmanagerReplicas": 2}}},
        "arches:operators.monitoring.alertmanagerReplicas: got 2; allowed: 1, or 3 of which "
        "one may be lost; for example 3",
    ),
    case(
        "observability_promises_everything",
        "prod",
        {"observability": {"objectivePercent": 100}},
        "arches:observability.objectivePercent: got 100; allowed: percent of requests "
        "without an error from 90 to 99.99; for example 99.9",
    ),
    case(
        "observability_matcher_without_quotes",
        "prod",
        {"observability": {"latencyMatcher": "route!=/x"}},
        'arches:observability.latencyMatcher: got "route!=/x"; allowed: one matcher that '
        'leaves out requests which are long by nature, as route!="/x"; for example '
        '"route!=\\"/v1/stream\\""',
    ),
    case(
        "observability_owner_unknown",
        "prod",
        {
            "observability": {
                "ownerTopics": {"security": "arn:aws:sns:eu-central-1:111122223333:security"}
            }
        },
        'arches:observability.ownerTopics.security: got "security"; allowed: for an owner '
        "(application, data, platform) the ARN of an SNS topic that hears its alerts beside "
        'the receivers of alarms; for example {"application": '
        '"arn:aws:sns:eu-central-1:123456789012:application-team"}',
    ),
    case(
        "dumps_every_five_minutes",
        "prod",
        {"dumps.schedule": "*/5 * * * *"},
        'arches:dumps.schedule: got "*/5 * * * *"; allowed: a time of every day in UTC: '
        'minute and hour, then three stars; for example "0 2 * * *"',
    ),
    case(
        "velero_uneven_period",
        "prod",
        {"velero": {"everyMinutes": 25}},
        "arches:velero.everyMinutes: got 25; allowed: 5, 10, 15, 20 or 30 minutes from one "
        "copy to the next; for example 30",
    ),
    case(
        "velero_copies_outlive_the_promise",
        "prod",
        {"velero": {"keepHours": 721}},
        "arches:velero.keepHours: got 721; allowed: whole hours from 48 to 720 that a copy "
        "is kept; for example 720",
    ),
    case(
        "retention_sessions_for_a_year",
        "prod",
        {"retention": {"sessionDays": 365}},
        "arches:retention.sessionDays: got 365; allowed: whole days from 7 to 90 after which "
        "a session is deleted, expired or not; an expired one goes on the next day; for "
        "example 90",
    ),
)

# Rules over several keys of one section.
RULES = (
    case(
        "workloads_limit_below_the_request",
        "prod",
        {"workloads.api.size": {"memory": "2Gi", "memoryLimit": "1Gi"}},
        'arches:workloads.api.size.memoryLimit: got "1Gi"; allowed: at least what is set '
        'aside, 2Gi; for example "2Gi"',
    ),
    case(
        "workloads_ceiling_below_the_floor",
        "prod",
        {"workloads.api.minimum": 12},
        "arches:workloads.api.maximum: got 10; allowed: at least minimum, 12; for example 12",
    ),
    case(
        "workloads_api_on_the_port_of_metrics",
        "prod",
        {"workloads.api.port": 9090},
        "arches:workloads.api.port: got 9090; allowed: not 9090, the metrics'; for example 8080",
    ),
    case(
        "workloads_scraper_without_the_api",
        "staging",
        {"workloads": {"scraper": {"image": IMAGE}}},
        "arches:workloads.api: got nothing while scraper is given; allowed: a mapping with "
        "the API's image wherever another program runs: only it calls them, or is what they "
        f'show; for example {{"image": "ghcr.io/archesai/archesai:v1.0.0@sha256:{DIGEST}"}}',
    ),
    case(
        "gateway_ceiling_below_the_floor",
        "prod",
        {"gateway.minimum": 8},
        "arches:gateway.maximum: got 6; allowed: not less than minimum (8); for example 8",
    ),
    case(
        "bootstrap_certificates_missing",
        "prod",
        {"bootstrap.certificates": "certificates/rds-eu-north-9.pem"},
        "arches:bootstrap.certificates: got certificates/rds-eu-north-9.pem, which does not "
        "exist; allowed: a PEM file of the repository with the region's authorities; get it "
        "with curl -o certificates/rds-<region>.pem "
        "https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem; for example "
        '"certificates/rds-eu-central-1.pem"',
    ),
    case(
        "bootstrap_certificates_are_prose",
        "prod",
        {"bootstrap.certificates": "README.md"},
        "arches:bootstrap.certificates: got README.md, which holds no certificate; allowed: "
        "a PEM file of the repository with the region's authorities; get it with curl -o "
        "certificates/rds-<region>.pem "
        "https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem; for example "
        '"certificates/rds-eu-central-1.pem"',
    ),
    case(
        "cache_in_the_cluster_not_described",
        "prod",
        {"cache.kind": "sentinel"},
        "arches:cache.sentinel: got nothing while kind is sentinel; allowed: its mapping, "
        'with redisImage and exporterImage; for example {"redisImage": '
        f'"docker.io/library/redis:7.4@sha256:{DIGEST}", "exporterImage": '
        f'"ghcr.io/oliver006/redis_exporter:v1.89.0@sha256:{DIGEST}"}}',
    ),
    case(
        "cache_in_the_cluster_without_its_front",
        "prod",
        {"cache.kind": "sentinel", "cache.sentinel": REDIS, "cache.proxyImage": ABSENT},
        "arches:cache.proxyImage: got nothing while kind is sentinel; allowed: an image by "
        "digest, <registry>/<name>[:<tag>]@sha256:<64 hex digits>; for example "
        f'"docker.io/library/haproxy:3.2@sha256:{DIGEST}"',
    ),
    case(
        "cache_in_the_cluster_of_five",
        "prod",
        {"cache.kind": "sentinel", "cache.sentinel": REDIS, "cache.nodes": 5},
        "arches:cache.nodes: got 5 while kind is sentinel; allowed: 3: a majority must be "
        "left, and only one primary may ever have a replica; for example 3",
    ),
    case(
        "cache_in_the_cluster_without_room",
        "prod",
        {"cache.kind": "sentinel", "cache.sentinel": {**REDIS, "storageGib": 4}},
        "arches:cache.sentinel.storageGib: got 4 with dataMib 2048; allowed: at least four "
        "times dataMib, for the append-only file and its rewriting; for example 8",
    ),
    case(
        "operators_chart_unknown",
        "prod",
        {"operators": {"chartVersions": {"redis": "1.0.0"}}},
        "arches:operators.chartVersions: got redis; allowed: versions of alloy, "
        "aws-load-balancer-controller, cluster-autoscaler, external-secrets, jaeger, "
        "kube-prometheus-stack, loki, opentelemetry-collector, prometheus-blackbox-exporter, "
        "prometheus-operator-crds, prometheus-postgres-exporter, prometheus-redis-exporter, "
        'reloader, sealed-secrets, velero; for example {"velero": "12.1.0"}',
    ),
    case(
        "operators_chart_of_another_major",
        "prod",
        {"operators": {"chartVersions": {"velero": "13.0.0"}}},
        'arches:operators.chartVersions.velero: got "13.0.0"; allowed: an exact version of '
        "major 12, whose values this program writes; for example 12.1.0",
    ),
    case(
        "operators_chart_by_a_range",
        "prod",
        {"operators": {"chartVersions": {"velero": "^12.1.0"}}},
        'arches:operators.chartVersions.velero: got "^12.1.0"; allowed: an exact version of '
        "major 12, whose values this program writes; for example 12.1.0",
    ),
    case(
        "observability_full_before_nearly_full",
        "prod",
        {"observability": {"volumeFreePercent": 6, "volumeFullPercent": 10}},
        "arches:observability.volumeFullPercent: got 10; allowed: less than "
        "volumeFreePercent (6); for example 2",
    ),
    case(
        "velero_an_hour_is_lost",
        "prod",
        {"velero": {"copyMinutes": 30}},
        "arches:velero.everyMinutes: got 30 with copyMinutes 30: 60 minutes lost at worst; "
        "allowed: together less than 60 minutes (DR-02); for example 15",
    ),
)

# Rules between sections (settings/environment.py).
BETWEEN = (
    case(
        "target_on_another_port_than_the_api",
        "staging",
        {
            "edge.targets": {
                "api": {"port": 8081, "hosts": ["api"]},
                "gateway": {"port": 8080, "hosts": ["app"]},
            }
        },
        "arches:edge.targets.api.port: got 8081 while workloads.api.port is 8080; allowed: "
        "the port that the program listens on (ENV-02); for example 8080",
    ),
    case(
        "targets_without_the_gateway",
        "prod",
        {"edge.targets": {"nginx": {"port": 8080, "hosts": ["api", "app"]}}},
        "arches:edge.targets: got targets nginx; allowed: targets with gateway among them, "
        'whose pods nginx is; for example {"gateway": {"port": 8080, "hosts": ["api", '
        '"app"]}}',
    ),
    case(
        "gateway_certificate_for_plain_http",
        "prod",
        {"gateway.tlsSecret": "gateway-tls"},
        "arches:gateway.tlsSecret: got gateway-tls while edge.targets.gateway.protocol is "
        "HTTP; allowed: a Secret with protocol HTTPS, nothing with HTTP; for example leave "
        "it out",
    ),
    case(
        "gateway_without_its_certificate",
        "prod",
        {"edge.targets": {"gateway": {"port": 8443, "protocol": "HTTPS", "hosts": ["api", "app"]}}},
        "arches:gateway.tlsSecret: got nothing while edge.targets.gateway.protocol is HTTPS; "
        'allowed: a Secret with protocol HTTPS, nothing with HTTP; for example "gateway-tls"',
    ),
    case(
        "database_newer_than_its_clients",
        "prod",
        {
            "database.engineVersion": "18",
            "database.allowMajorVersionUpgrade": True,
            "database.applyImmediately": True,
        },
        "arches:bootstrap.image: got docker.io/library/postgres:17.6 while the database is 18; "
        "allowed: psql, pg_dump and pg_restore 18 by digest; for example "
        f'"docker.io/library/postgres:18@sha256:{DIGEST}"',
    ),
    case(
        "gateway_before_an_absent_program",
        "staging",
        {"workloads.platform": ABSENT},
        "arches:edge.targets.gateway.hosts: got app while workloads.platform is absent; "
        "allowed: hosts whose program runs: nginx does not start without it; for example "
        "workloads.platform with its image",
    ),
    case(
        "customers_without_the_web_application",
        "prod",
        {"workloads.platform": ABSENT},
        "arches:workloads.platform: got nothing while servesCustomers is true; allowed: a "
        "mapping with the program's image wherever servesCustomers is true; for example "
        f'{{"image": "ghcr.io/archesai/platform@sha256:{DIGEST}"}}',
        "arches:edge.targets.gateway.hosts: got app while workloads.platform is absent; "
        "allowed: hosts whose program runs: nginx does not start without it; for example "
        "workloads.platform with its image",
    ),
    case(
        "customers_on_two_api_pods",
        "prod",
        {"workloads.api.minimum": 2},
        "arches:workloads.api.minimum: got 2 while servesCustomers is true; allowed: 3 or "
        "more wherever servesCustomers is true (UPD-03); for example 3",
    ),
    case(
        "customers_behind_two_gateways",
        "prod",
        {"gateway.minimum": 2},
        "arches:gateway.minimum: got 2 while servesCustomers is true; allowed: 3 or more "
        "wherever servesCustomers is true: one for each zone; for example 3",
    ),
    case(
        "customers_on_one_of_each_operator",
        "prod",
        {
            "operators": {
                "replicas": 1,
                "monitoring": {"prometheusReplicas": 1, "alertmanagerReplicas": 1},
                "logging": {"replicas": 1},
            }
        },
        "arches:operators.replicas: got 1 while servesCustomers is true; allowed: 2 or 3; "
        "for example 2",
        "arches:operators.monitoring.prometheusReplicas: got 1 while servesCustomers is "
        "true; allowed: 2 (MON-01); for example 2",
        "arches:operators.monitoring.alertmanagerReplicas: got 1 while servesCustomers is "
        "true; allowed: 3 (MON-08); for example 3",
        "arches:operators.logging.replicas: got 1 while servesCustomers is true; allowed: 3 "
        "(LOG-01); for example 3",
    ),
    case(
        "cache_tls_without_a_tunnel",
        "prod",
        {"cache.proxyImage": ABSENT},
        "arches:cache.proxyImage: got nothing while clientTls is false: ElastiCache speaks "
        "TLS only (A13); allowed: an image by digest, <registry>/<name>[:<tag>]@sha256:<64 "
        f'hex digits>; for example "docker.io/library/haproxy:3.2@sha256:{DIGEST}"',
    ),
    case(
        "pager_called_directly_and_absent",
        "prod",
        {"observability": {"pagerDirect": True}},
        "arches:observability.pagerDirect: got true while alarms.pager is false; allowed: "
        "true only with alarms.pager, which asks for the secret pagerUrl; for example false",
    ),
    case(
        "dump_larger_than_the_disk",
        "prod",
        {"dumps.scratchGib": 100},
        "arches:dumps.scratchGib: got 100 of a node's 80 GiB; allowed: at most 60, or a "
        "larger cluster.nodes.diskGib; for example 60",
    ),
    case(
        "erasure_after_the_dump",
        "prod",
        {"retention": {"schedule": "0 3 * * *"}},
        "arches:retention.schedule: got 0 3 * * *, not before the dump of 0 2 * * *; "
        "allowed: a time before dumps.schedule: else every dump holds what is erased after "
        'it; for example "0 1 * * *"',
    ),
)
