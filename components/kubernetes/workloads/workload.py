"""Places a declared workload or task in the cluster, with everything that follows from it.

The documents are `manifests.py`. Meets UPD-01 to UPD-03, K8S-11, ENV-02,
MIG-01 (a Job for each content, before what waits for it).

Order: service account, files, Service and target group binding are there before the first pod, so
that the controller adds its readiness gate to each (UPD-03); what pods need beside them, an AWS
identity or a Job that has ended, is said by `after`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apiextensions import CustomResource

from components.context import Context
from components.kubernetes.workloads import manifests
from components.kubernetes.workloads.manifests import Manifest, fingerprint
from components.kubernetes.workloads.shape import Pod, Task, Workload

# Longer than a Job may run (pulumi-kubernetes waits 10 minutes unless told otherwise).
WAIT_MARGIN_SECONDS = 120


def by_content(stem: str, content: Any) -> pulumi.Output[str]:
    """`stem-<fingerprint>`: the same for the same content, unknown while the content is."""
    written = pulumi.Output.json_dumps(content, sort_keys=True)
    return written.apply(lambda text: f"{stem}-{fingerprint(text)}")


class _Placed:
    """What a workload and a task have in common while they are placed."""

    def __init__(
        self,
        name: str,
        pod: Pod,
        namespace: pulumi.Input[str],
        owner: pulumi.Resource,
        after: Sequence[pulumi.Resource],
    ) -> None:
        self.name, self.pod, self.namespace, self.after = name, pod, namespace, list(after)
        self.here = pulumi.ResourceOptions(parent=owner)

    def metadata(self, **changes: Any) -> Any:
        return manifests.metadata(self.pod, self.namespace, **changes)

    def service_account(self) -> kubernetes.core.v1.ServiceAccount:
        return kubernetes.core.v1.ServiceAccount(
            self.name,
            metadata=self.metadata(),
            # The pod says again whether it wants the token; a pod that says nothing has none.
            automount_service_account_token=False,
            opts=self.here,
        )

    def files(self) -> pulumi.Output[str] | None:
        """The name of the pod's ConfigMap, None where it has no files.

        Both revisions have theirs while pods roll out. The replaced one is deleted once the run has
        ended well; from then on the way back is the program, and no `kubectl rollout undo`.
        """
        texts = manifests.files(self.pod)
        if not texts:
            return None
        made = kubernetes.core.v1.ConfigMap(
            self.name,
            metadata=self.metadata(name=by_content(self.pod.name, texts)),
            data=texts,
            immutable=True,
            opts=self.here,
        )
        return made.metadata.apply(lambda each: each.name)  # type: ignore[return-value]

    def pod_monitor(self) -> None:
        spec = manifests.pod_monitor(self.pod)
        if spec is not None:
            self.custom("monitoring.coreos.com/v1", "PodMonitor", spec)

    def custom(self, api_version: str, kind: str, spec: Manifest) -> CustomResource:
        return CustomResource(
            self.name,
            api_version=api_version,
            kind=kind,
            metadata=self.metadata(),
            spec=spec,
            # Its kind comes with an operator, which the pods wait for as well.
            opts=pulumi.ResourceOptions.merge(
                self.here, pulumi.ResourceOptions(depends_on=self.after)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class DeployedArgs:
    """
    namespace: the application's. target_group_arn: where the load balancer enters the workload.
    after: what must be there before its first pod.
    """

    context: Context
    namespace: pulumi.Input[str]
    workload: Workload
    target_group_arn: pulumi.Input[str] | None = None
    after: Sequence[pulumi.Resource] = ()


class Deployed(pulumi.ComponentResource):
    """A workload in the cluster.

    host: the name by which pods of the namespace call it. doors: its name can be asked for. ready:
    its pods. Both for `depends_on` only.
    """

    workload: Workload
    host: str
    doors: list[pulumi.Resource]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: DeployedArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Deployed", name, None, opts)
        self.workload = args.workload
        self.host = args.workload.name
        self._args = args
        self._placed = _Placed(name, args.workload, args.namespace, self, args.after)
        self.doors = self._doors()
        before = [self._placed.service_account(), *self.doors]
        self.ready = [self._pods(self._placed.files(), before)]
        self._autoscaler()
        self._disruption_budget()
        self._placed.pod_monitor()
        self.register_outputs({"host": self.host})

    def _doors(self) -> list[pulumi.Resource]:
        """The Service, and the binding to the load balancer."""
        workload, arn = self.workload, self._args.target_group_arn
        binding = manifests.target_group_binding(workload, arn) if arn is not None else None
        spec: Any = manifests.service(workload)
        if spec is None:
            return []
        service = kubernetes.core.v1.Service(
            self._placed.name,
            # The provider would wait for pods behind it, and the pods wait for it.
            metadata=self._placed.metadata(annotations={"pulumi.com/skipAwait": "true"}),
            spec=spec,
            opts=self._placed.here,
        )
        if binding is None:
            return [service]
        return [
            service,
            self._placed.custom("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", binding),
        ]

    def _pods(
        self, files: pulumi.Output[str] | None, before: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        opts = pulumi.ResourceOptions.merge(
            self._placed.here, pulumi.ResourceOptions(depends_on=[*before, *self._args.after])
        )
        about = self._placed.metadata(annotations=manifests.RELOADER)
        if self.workload.volume is None:
            running: Any = manifests.deployment(self.workload, files)
            return kubernetes.apps.v1.Deployment(
                self._placed.name, metadata=about, spec=running, opts=opts
            )
        keeping: Any = manifests.stateful_set(self.workload, files)
        return kubernetes.apps.v1.StatefulSet(
            self._placed.name,
            metadata=about,
            spec=keeping,
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(protect=self._args.context.protect)
            ),
        )

    def _autoscaler(self) -> None:
        spec: Any = manifests.autoscaler(self.workload)
        if spec is not None:
            kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
                self._placed.name,
                metadata=self._placed.metadata(),
                spec=spec,
                opts=self._placed.here,
            )

    def _disruption_budget(self) -> None:
        spec: Any = manifests.disruption_budget(self.workload)
        kubernetes.policy.v1.PodDisruptionBudget(
            self._placed.name, metadata=self._placed.metadata(), spec=spec, opts=self._placed.here
        )


@dataclass(frozen=True, kw_only=True)
class RanArgs:
    """after: what must be there before its first pod."""

    context: Context
    namespace: pulumi.Input[str]
    task: Task
    after: Sequence[pulumi.Resource] = ()


class Ran(pulumi.ComponentResource):
    """A task in the cluster: a Job that has ended well before `ready`, or a CronJob.

    ready: for `depends_on` only.
    """

    task: Task
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: RanArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Ran", name, None, opts)
        self.task = args.task
        self._placed = _Placed(name, args.task, args.namespace, self, args.after)
        self._before = [self._placed.service_account(), *args.after]
        files = self._placed.files()
        self.ready = [self._cron_job(files) if args.task.schedule else self._job(files)]
        self._placed.pod_monitor()
        self.register_outputs({})

    def _options(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._placed.here, pulumi.ResourceOptions(depends_on=self._before, **more)
        )

    def _job(self, files: pulumi.Output[str] | None) -> pulumi.Resource:
        """A Job cannot change: another content is another Job."""
        spec: Any = manifests.job(self.task, files)
        patience = f"{self.task.deadline_seconds + WAIT_MARGIN_SECONDS}s"  # retries included
        return kubernetes.batch.v1.Job(
            self._placed.name,
            metadata=self._placed.metadata(
                name=by_content(self.task.name, spec), annotations=manifests.AGAIN
            ),
            spec=spec,
            opts=self._options(
                custom_timeouts=pulumi.CustomTimeouts(create=patience, update=patience)
            ),
        )

    def _cron_job(self, files: pulumi.Output[str] | None) -> pulumi.Resource:
        spec: Any = manifests.cron_job(self.task, files)
        return kubernetes.batch.v1.CronJob(
            self._placed.name, metadata=self._placed.metadata(), spec=spec, opts=self._options()
        )
