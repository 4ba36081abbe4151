"""nginx as pods: the one way from the load balancer to the API and the web application.

CloudFront, web ACL and load balancer stand before it; they belong to the edge. Here are the pods
that the target group `gateway` points at, with the document of `nginx.py` beside it, and an
exporter of its counters.

Meets LB-01 (pods spread over zones, registered by address through a TargetGroupBinding), ENV-02,
UPD-03 (drain longer than the target group's), K8S-04 as far as it declares who enters.
Refused: ingress-nginx (retired in March 2026), a second port number of the application (the
neighbours' declarations are asked), and a certificate made here: the load balancer does not verify
it, so teams that want TLS inside the VPC bring a Secret of their issuer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.balancer import DRAIN_SECONDS, LoadBalancer
from components.context import Context
from components.kubernetes.gateway.nginx import (
    CERTIFICATE,
    SCRATCH,
    STATUS_PORT,
    TIMING,
    gateway_target,
    nginx_conf,
)
from components.kubernetes.workloads.application import Application
from components.kubernetes.workloads.shape import (
    Container,
    FromLoadBalancer,
    Pods,
    Port,
    Probe,
    Resources,
    Workload,
)
from components.kubernetes.workloads.workload import Deployed, DeployedArgs
from components.network import Network
from settings.edge import EdgeSettings, Host
from settings.gateway import BEHIND, TARGET, GatewaySettings

USER = 101  # nginx of nginxinc/nginx-unprivileged and of the official image
CONFIGURATION = "/etc/gateway"
HTTP = "http"
EXPORTER_PORT = 9113  # its default
# The controller needs a moment to hear of a stopping pod before the target group drains it.
DRAIN = DRAIN_SECONDS + 5
# A pod that drains, then lets the longest request end.
STOP_SECONDS = DRAIN + TIMING.read + 8
BODIES = 20  # of the largest size at once, before the kubelet evicts the pod


def gateway_workload(
    settings: GatewaySettings,
    edge: EdgeSettings,
    *,
    balancer_cidrs: Sequence[str],
    programs: Mapping[str, Workload],
) -> Workload:
    """The declaration.

    balancer_cidrs: the load balancer's subnets. programs: those of the application, by component.
    Raises ValueError: a host of the target that none of them serves, a port of edge.targets that is
    taken in the pod.
    """
    serving = _serving(programs)
    document = nginx_conf(
        settings,
        edge,
        balancer_cidrs=balancer_cidrs,
        # A Service of the same namespace: the pod's resolver knows the rest of the name.
        serving={host: f"{each.name}:{each.port(HTTP)}" for host, each in serving.items()},
    )
    return Workload(
        component="gateway",
        containers=(_nginx(settings, edge, document), _exporter(settings)),
        user=USER,
        reaches=tuple(
            Pods(component=serving[host].component, port=HTTP)
            for host in gateway_target(edge).hosts
        ),
        entered_by=(FromLoadBalancer(port=HTTP),),
        metrics="metrics",
        minimum=settings.minimum,
        maximum=settings.maximum,
        drain_seconds=DRAIN,
        stop_seconds=STOP_SECONDS,
    )


def _serving(programs: Mapping[str, Workload]) -> dict[Host, Workload]:
    return {host: programs[name] for host, name in BEHIND.items() if name in programs}


def _nginx(settings: GatewaySettings, edge: EdgeSettings, document: str) -> Container:
    run = ("nginx", "-e", "stderr", "-c", f"{CONFIGURATION}/nginx.conf")
    health = Probe(port="status", path="/health")
    secret = settings.tls_secret
    return Container(
        name="nginx",
        image=settings.image,
        # Past the image's entry point, which edits files of the read-only root.
        command=run,
        ports=(
            Port(name=HTTP, number=gateway_target(edge).port),
            Port(name="status", number=STATUS_PORT),
        ),
        files={CONFIGURATION: {"nginx.conf": document}},
        secret_files={} if secret is None else {CERTIFICATE: secret},
        scratch=(SCRATCH,),
        resources=Resources(
            cpu=f"{settings.workers * 125}m",
            cpu_limit=str(settings.workers),
            memory="128Mi",
            memory_limit="512Mi",
            ephemeral_limit=f"{max(512, BODIES * settings.max_body_mib)}Mi",
        ),
        readiness=Probe(port="status", path="/health", period=5),
        liveness=health,
        # Serve while the target group drains, then let what is open end. The last sleep waits for
        # that: when this command ends, the kubelet sends SIGTERM, which nginx takes as "at once".
        before_stop=(
            "/bin/sh",
            "-c",
            f"sleep {DRAIN}; {' '.join(run)} -s quit; sleep {STOP_SECONDS}",
        ),
    )


def _exporter(settings: GatewaySettings) -> Container:
    return Container(
        name="exporter",
        image=settings.exporter_image,
        args=(
            f"--nginx.scrape-uri=http://127.0.0.1:{STATUS_PORT}/stub_status",
            f"--web.listen-address=:{EXPORTER_PORT}",
        ),
        ports=(Port(name="metrics", number=EXPORTER_PORT),),
        resources=Resources(cpu="10m", memory="24Mi", memory_limit="64Mi", ephemeral_limit="64Mi"),
    )


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """network: the load balancer's subnets. balancer: the target group. application: whom nginx
    passes requests to; it starts after their Services, whose names it resolves when it starts.
    after: the kinds of monitors and bindings.
    """

    context: Context
    settings: GatewaySettings
    edge: EdgeSettings
    network: Network
    balancer: LoadBalancer
    application: Application
    namespace: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()


class Gateway(pulumi.ComponentResource):
    """workload: its declaration. ready: its pods, for `depends_on` only."""

    workload: Workload
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Gateway", name, None, opts)
        self.workload = gateway_workload(
            args.settings,
            args.edge,
            balancer_cidrs=args.network.private_cidrs,
            programs=args.application.workloads,
        )
        deployed = Deployed(
            name,
            DeployedArgs(
                context=args.context,
                namespace=args.namespace,
                workload=self.workload,
                target_group_arn=args.balancer.target_groups[TARGET].arn,
                after=[*args.application.doors, *args.after],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.ready = deployed.ready
        self.register_outputs({"host": deployed.host})
