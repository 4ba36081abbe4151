"""Nodes, volumes, quotas, admission: what every workload stands on.

Meets MON-09 (node pressure, PVC full), CHK-INFRA-01. CPU and number of nodes, and pods without a
node, have CloudWatch alarms: they must ring when nothing in the cluster runs any more.

Refused: alerts on nodes' CPU (CloudWatch has it) and on processor throttling (workloads have no CPU
limit unless they ask for one).
"""

from __future__ import annotations

from components.kubernetes.observability.rules.model import Alert, Group, grown
from settings.observability import ObservabilitySettings

PRESSURES = ("DiskPressure", "MemoryPressure", "PIDPressure")


def cluster(settings: ObservabilitySettings) -> Group:
    return Group(
        name="archesai-cluster",
        rules=(*_nodes(settings), *_volumes(settings), _quota(settings), *_admission()),
    )


def _nodes(settings: ObservabilitySettings) -> tuple[Alert, ...]:
    return (
        Alert(
            name="NodeNotReady",
            expr='max by (node) (kube_node_status_condition{condition="Ready",status="true"}) == 0',
            severity="critical",
            owner="platform",
            runbook="node-pressure",
            summary="A node does not answer",
            description="{{ $labels.node }} has not been ready for 5 minutes; its pods move away.",
        ),
        Alert(
            name="NodeUnderPressure",
            expr="max by (node, condition) (kube_node_status_condition{"
            f'condition=~"{"|".join(PRESSURES)}",status="true"}}) == 1',
            lasts="2m",
            severity="warning",
            owner="platform",
            runbook="node-pressure",
            summary="A node runs out of something",
            description="{{ $labels.node }} reports {{ $labels.condition }} and evicts pods.",
        ),
        Alert(
            name="NodeMemoryHigh",
            expr="1 - max by (instance) (node_memory_MemAvailable_bytes)"
            " / max by (instance) (node_memory_MemTotal_bytes)"
            f" > {settings.node_memory_percent / 100:g}",
            lasts="15m",
            severity="warning",
            owner="platform",
            runbook="node-pressure",
            summary="A node has little memory left",
            description="{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its "
            "memory; the kubelet will soon evict pods.",
        ),
        Alert(
            name="NodeDiskHigh",
            expr='1 - max by (instance) (node_filesystem_avail_bytes{mountpoint="/"})'
            ' / max by (instance) (node_filesystem_size_bytes{mountpoint="/"})'
            f" > {1 - settings.volume_free_percent / 100:g}",
            lasts="15m",
            severity="warning",
            owner="platform",
            runbook="node-pressure",
            summary="A node's disk is nearly full",
            description="{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its "
            "disk, images and logs included.",
        ),
    )


def _volumes(settings: ObservabilitySettings) -> tuple[Alert, ...]:
    free = (
        "max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_available_bytes)"
        " / max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes)"
    )
    growing = "predict_linear(kubelet_volume_stats_available_bytes[6h], 4 * 24 * 3600) < 0"
    told = "{{ $labels.persistentvolumeclaim }} of {{ $labels.namespace }} has "
    return (
        Alert(
            name="VolumeFull",
            expr=f"{free} < {settings.volume_full_percent / 100:g}",
            severity="critical",
            owner="platform",
            runbook="volumes",
            summary="A volume is full",
            description=told + "{{ $value | humanizePercentage }} of its space left.",
        ),
        Alert(
            name="VolumeFillsUp",
            expr=f"{free} < {settings.volume_free_percent / 100:g}"
            f" and on (namespace, persistentvolumeclaim) {growing}",
            lasts="1h",
            severity="warning",
            owner="platform",
            runbook="volumes",
            summary="A volume will be full within four days",
            description=told + "{{ $value | humanizePercentage }} of its space left and shrinking.",
        ),
        Alert(
            name="VolumeOutOfInodes",
            # A file system without fixed inodes reports none at all.
            expr="max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_inodes_free)"
            " / max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_inodes > 0)"
            f" < {settings.volume_full_percent / 100:g}",
            severity="critical",
            owner="platform",
            runbook="volumes",
            summary="A volume can hold no more files",
            description=told + "{{ $value | humanizePercentage }} of its inodes left.",
        ),
    )


def _quota(settings: ObservabilitySettings) -> Alert:
    return Alert(
        name="QuotaNearlyUsed",
        expr='max by (namespace, resource) (kube_resourcequota{type="used"})'
        ' / max by (namespace, resource) (kube_resourcequota{type="hard"} > 0)'
        f" > {settings.quota_percent / 100:g}",
        lasts="15m",
        severity="warning",
        owner="platform",
        runbook="quota",
        summary="A namespace has used up its quota",
        description="{{ $labels.namespace }} uses {{ $value | humanizePercentage }} of its quota "
        "of {{ $labels.resource }}; the next rollout may have no room for its extra pod.",
    )


def _admission() -> tuple[Alert, ...]:
    checks = 'apiserver_validating_admission_policy_check_total{enforcement_action="deny"}'
    rejected = 'apiserver_admission_webhook_rejection_count{error_type!="no_error"}'
    passed = "apiserver_admission_webhook_fail_open_count"
    return (
        Alert(
            name="AdmissionRefuses",
            expr=f"sum by (policy) ({grown(checks, '15m')}) > 0",
            lasts="0s",
            severity="warning",
            owner="platform",
            runbook="admission",
            summary="An admission policy refuses something",
            description='{{ $labels.policy }} refused {{ $value | printf "%.0f" }} requests in 15 '
            "minutes; if it is a rollout, it waits for ever.",
        ),
        Alert(
            name="WebhookFails",
            expr=f"sum by (name) ({grown(rejected, '15m')}) > 0"
            f" or sum by (name) ({grown(passed, '15m')}) > 0",
            severity="critical",
            owner="platform",
            runbook="admission",
            summary="An admission webhook does not answer",
            description="{{ $labels.name }} fails; what it should see is refused or passes unseen.",
        ),
    )
