"""What Prometheus, Alertmanager and Grafana read: rules, configuration, dashboards.

The programs themselves are a Helm release in the namespace `monitoring`, whose operator takes rules
with any label; Grafana's sidecar takes ConfigMaps with DASHBOARD_LABEL. Meets MON-04 (rules that
the operator finds), MON-08, MON-10 (dashboards as code), CHK-INFRA-06.

Refused: rules and dashboards as values of the release (an edit of one rule would upgrade the whole
stack, and no policy could see it); an ExternalSecret for the configuration (it holds no secret; the
pager's address is the one value beside it, and Pulumi keeps it encrypted).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml
from pulumi_kubernetes.apiextensions import CustomResource

from components.kubernetes.observability.alert_rules import render, rule_groups
from components.kubernetes.observability.alerting import (
    CONFIG_KEY,
    NAMESPACE,
    PAGER_KEY,
    Alerting,
)
from components.kubernetes.observability.dashboards import dashboards
from components.kubernetes.observability.rules.model import Group, watched
from components.kubernetes.workloads.shape import APPLICATION, NAME_LABEL, Task, Workload
from settings.alarms import AlarmsSettings
from settings.database import DatabaseSettings
from settings.observability import ObservabilitySettings
from settings.pooler import PoolerSettings
from settings.postgres import RESERVED_CONNECTIONS
from settings.secret_values import secret_value
from settings.velero import VeleroSettings

CONFIG_SECRET = "alertmanager-config"  # alertmanager.alertmanagerSpec.configSecret
DASHBOARD_LABEL = {"grafana_dashboard": "1"}  # grafana.sidecar.dashboards.label
FOLDER = {"grafana_folder": "Arches"}  # grafana.sidecar.dashboards.folderAnnotation


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """
    application: the namespace that is watched, as the cluster's settings say it. workloads, tasks:
    everything of ours that runs there. velero: how often its objects are copied. after: the
    operator's definitions and the namespace.
    """

    settings: ObservabilitySettings
    alarms: AlarmsSettings
    pooler: PoolerSettings
    database: DatabaseSettings
    alerting: Alerting
    application: str
    workloads: Sequence[Workload]
    tasks: Sequence[Task] = ()
    velero: VeleroSettings = field(default_factory=VeleroSettings)
    after: Sequence[pulumi.Resource] = ()


class Observability(pulumi.ComponentResource):
    """Rules, Alertmanager's configuration and dashboards; nothing waits for them.

    groups: the rules, for whoever writes them down elsewhere.
    """

    groups: list[Group]

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Observability", name, None, opts)
        self._name = name
        self._here = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        seen = watched(args.application, args.workloads, args.tasks, args.velero)
        self.groups = rule_groups(args.settings, args.alarms, args.pooler, args.database, seen)
        for group in self.groups:
            self._rules(group)
        self._alertmanager(args.alerting)
        usable = args.database.max_connections - RESERVED_CONNECTIONS
        for uid, board in dashboards(args.settings, args.pooler, seen, usable).items():
            self._dashboard(uid, board)
        self.register_outputs({"rules": sum(len(group.rules) for group in self.groups)})

    def _metadata(self, noun: str, **more: Any) -> Any:
        return {"name": noun, "namespace": NAMESPACE, "labels": {NAME_LABEL: APPLICATION}, **more}

    def _rules(self, group: Group) -> None:
        CustomResource(
            f"{self._name}-{group.name}",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=self._metadata(group.name),
            spec=render([group]),
            opts=self._here,
        )

    def _alertmanager(self, alerting: Alerting) -> None:
        text = alerting.config.apply(lambda config: yaml.safe_dump(config, sort_keys=False))
        pager = {PAGER_KEY: secret_value("pagerUrl")} if alerting.pager else {}
        kubernetes.core.v1.Secret(
            f"{self._name}-{CONFIG_SECRET}",
            metadata=self._metadata(CONFIG_SECRET),
            string_data={CONFIG_KEY: text, **pager},
            opts=self._here,
        )

    def _dashboard(self, uid: str, board: dict[str, Any]) -> None:
        kubernetes.core.v1.ConfigMap(
            f"{self._name}-dashboard-{uid}",
            metadata=self._metadata(
                f"dashboard-{uid}",
                labels={NAME_LABEL: APPLICATION, **DASHBOARD_LABEL},
                annotations=FOLDER,
            ),
            data={f"{uid}.json": json.dumps(board, indent=1, sort_keys=True)},
            opts=self._here,
        )
