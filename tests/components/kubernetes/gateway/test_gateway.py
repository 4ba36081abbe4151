"""The gateway's pods: who enters them, whom they reach, how they run and how they leave."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.balancer import DRAIN_SECONDS, IDLE_SECONDS
from components.cdn import security_headers as of_the_cdn
from components.kubernetes.gateway.gateway import Gateway, GatewayArgs, gateway_workload
from components.kubernetes.gateway.nginx import (
    CERTIFICATE,
    STATUS_PORT,
    TIMING,
    security_headers,
)
from components.kubernetes.workloads.shape import (
    Container,
    FromLoadBalancer,
    Pods,
    Port,
    Resources,
    Workload,
)
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, once, record
from tests.settings.test_edge_settings import edge
from tests.settings.test_gateway_settings import DIGEST, PLAIN, gateway

TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/gateway/1"
CIDRS = ("10.20.0.0/19", "10.20.32.0/19")
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
BINDING = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"
POD_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"


def program(component: str, port: int) -> Workload:
    """A part of the application."""
    main = Container(
        name=component,
        image=f"ghcr.io/archesai/{component}{DIGEST}",
        resources=Resources(cpu="1", memory="1Gi", memory_limit="1Gi"),
        ports=(Port(name="http", number=port),),
    )
    return Workload(component=component, containers=(main,))


PROGRAMS = {"api": program("api", 8080), "platform": program("platform", 3000)}


def workload(*, on: dict[str, Any] | None = None, **changed: Any) -> Workload:
    door = edge() if on is None else edge(targets={"gateway": on})
    return gateway_workload(gateway(**changed), door, balancer_cidrs=CIDRS, programs=PROGRAMS)


@once
def deployed() -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        behind = kubernetes.core.v1.ConfigMap("behind", opts=on_cluster(on))
        args = GatewayArgs(
            context=context(),
            settings=gateway(),
            edge=edge(),
            network=neighbour(private_cidrs=CIDRS),
            balancer=neighbour(target_groups={"gateway": neighbour(arn=known(TARGET_GROUP))}),
            application=neighbour(workloads=PROGRAMS, doors=[behind]),
            namespace="production",
        )
        Gateway("gateway", args, on)

    return record(program)


def on_cluster(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    [provider] = opts.providers  # type: ignore[misc]
    return pulumi.ResourceOptions(provider=provider)  # type: ignore[arg-type]


def conf(declared: Workload) -> str:
    return str(declared.main.files["/etc/gateway"]["nginx.conf"])


def test_the_load_balancer_comes_in_and_only_the_application_is_reached() -> None:
    declared = workload()
    assert declared.entered_by == (FromLoadBalancer(port="http"),)
    assert declared.reaches == (
        Pods(component="api", port="http"),
        Pods(component="platform", port="http"),
    )
    assert declared.name == "archesai-gateway"
    assert not declared.identity
    assert not declared.api_access


def test_ports_are_the_ones_that_others_declare() -> None:
    text = conf(workload(on={"port": 9000, "hosts": ["api", "app"]}))
    assert workload(on={"port": 9000, "hosts": ["api", "app"]}).port("http") == 9000
    assert text.count("listen 9000;") == 2
    assert text.count("listen 9000 default_server;") == 1
    assert "server archesai-api:8080 max_fails=0;" in text, "ENV-02: the API's own declaration"
    assert "server archesai-platform:3000 max_fails=0;" in text


def test_a_port_that_is_taken_in_the_pod_is_refused() -> None:
    with pytest.raises(ValueError, match=f"port {STATUS_PORT} is said twice"):
        workload(on={"port": STATUS_PORT, "hosts": ["api", "app"]})


def test_it_is_no_gateway_without_those_behind_it() -> None:
    with pytest.raises(ValueError, match="nobody serves app"):
        gateway_workload(gateway(), edge(), balancer_cidrs=CIDRS, programs={"api": PROGRAMS["api"]})


def test_one_host_alone_reaches_one_program_alone() -> None:
    site = {"port": 3000, "hosts": ["app"]}
    door = edge(targets={"gateway": {"port": 8080, "hosts": ["api"]}, "platform": site})
    declared = gateway_workload(gateway(), door, balancer_cidrs=CIDRS, programs=PROGRAMS)
    assert declared.reaches == (Pods(component="api", port="http"),)
    assert "app.archesai.com" not in re.findall(r"server_name (\S+);", conf(declared))


def test_only_the_balancers_subnets_are_believed() -> None:
    [believed] = re.findall(r"geo \$of_balancer \{([^}]*)\}", conf(workload()))
    assert believed.split() == ["default", "0;", "10.20.0.0/19", "1;", "10.20.32.0/19", "1;"]


def test_a_pod_serves_until_the_target_group_has_let_go_of_it() -> None:
    declared = workload()
    assert declared.drain_seconds > DRAIN_SECONDS, "requests would meet a closed door (UPD-03)"
    assert declared.stop_seconds > declared.drain_seconds + TIMING.read
    shell, flag, script = declared.main.before_stop
    assert (shell, flag) == ("/bin/sh", "-c")
    drain, stop, wait = script.split("; ")
    assert drain == f"sleep {declared.drain_seconds}"
    assert stop == "nginx -e stderr -c /etc/gateway/nginx.conf -s quit"
    assert wait == f"sleep {declared.stop_seconds}", (
        "SIGTERM after this command means at once to nginx: open requests would be cut off"
    )


def test_the_kubelet_asks_on_a_port_that_tls_does_not_change() -> None:
    for declared in (
        workload(),
        workload(
            on={"port": 8443, "protocol": "HTTPS", "hosts": ["api", "app"]}, tlsSecret="gateway-tls"
        ),
    ):
        for probe in (declared.main.readiness, declared.main.liveness):
            assert probe is not None
            assert (probe.port, probe.path) == ("status", "/health")
        assert declared.port("status") == STATUS_PORT


def test_the_certificate_is_a_file_of_its_secret_and_only_with_tls() -> None:
    assert workload().main.secret_files == {}
    with_tls = workload(
        on={"port": 8443, "protocol": "HTTPS", "hosts": ["api", "app"]}, tlsSecret="gateway-tls"
    )
    assert with_tls.main.secret_files == {CERTIFICATE: "gateway-tls"}
    assert f"ssl_certificate {CERTIFICATE}/tls.crt;" in conf(with_tls)
    assert "listen 8443 ssl;" in conf(with_tls)


def test_nothing_is_written_but_under_tmp() -> None:
    written = re.findall(r"(?:_temp_path|pid) (\S+);", conf(workload()))
    assert len(written) == 6
    assert all(path.startswith("/tmp/") for path in written), "the root file system is read-only"
    assert workload().main.scratch == ("/tmp",)
    assert workload().user == 101


def test_workers_are_those_that_the_pod_has_processors_for() -> None:
    declared = workload(workers=4)
    assert "worker_processes 4;" in conf(declared), "auto would count the node's"
    assert declared.main.resources.cpu_limit == "4"
    assert declared.main.resources.cpu == "500m"


def test_twenty_of_the_largest_bodies_fit_before_the_pod_is_evicted() -> None:
    assert workload(maxBodyMib=25).main.resources.ephemeral_limit == "512Mi"
    assert workload(maxBodyMib=100).main.resources.ephemeral_limit == "2000Mi"


def test_counters_are_scraped_beside_it() -> None:
    declared = workload()
    assert declared.metrics == "metrics"
    assert declared.port("metrics") == 9113
    exporter = declared.containers[1]
    assert exporter.image == PLAIN["exporterImage"]
    assert exporter.args[0] == f"--nginx.scrape-uri=http://127.0.0.1:{STATUS_PORT}/stub_status"


def test_headers_are_the_cdns_word_for_word() -> None:
    """LB-11: two owners with one value; the CDN's form is read back here."""
    for host in ("api", "app"):
        cdn: Any = of_the_cdn(edge(), host)
        hsts = cdn["strict_transport_security"]
        assert security_headers(edge(), host) == {
            "Strict-Transport-Security": f"max-age={hsts['access_control_max_age_sec']}"
            + ("; includeSubDomains" if hsts["include_subdomains"] else ""),
            "X-Frame-Options": cdn["frame_options"]["frame_option"],
            "X-Content-Type-Options": "nosniff",
            "X-XSS-Protection": "1" if cdn["xss_protection"]["protection"] else "0",
            "Referrer-Policy": cdn["referrer_policy"]["referrer_policy"],
            "Content-Security-Policy": cdn["content_security_policy"]["content_security_policy"],
        }


def test_the_balancer_cuts_later_than_nginx_and_keeps_connections_shorter() -> None:
    assert TIMING.read < IDLE_SECONDS < TIMING.idle, "LB-22, LB-04: else 502 at random"


def test_it_is_bound_to_its_target_group_with_the_port_of_both() -> None:
    spec = deployed().one(BINDING).inputs["spec"]
    assert spec["targetGroupARN"] == TARGET_GROUP
    assert spec["serviceRef"] == {"name": "archesai-gateway", "port": 8080}


def test_its_pods_start_when_the_names_that_they_resolve_are_there() -> None:
    made = deployed()
    behind = made.one(CONFIG_MAP, "behind")
    assert behind.urn in made.one(DEPLOYMENT).dependencies, "nginx ends where a name is unknown"


def test_what_nginx_reads_is_the_document() -> None:
    made = deployed()
    [files] = [each for each in made.of(CONFIG_MAP) if each.name != "behind"]
    [text] = files.inputs["data"].values()
    assert text == conf(workload())
    [nginx] = made.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]["containers"]
    assert nginx["command"] == ["nginx", "-e", "stderr", "-c", "/etc/gateway/nginx.conf"]
    assert nginx["image"] == PLAIN["image"]
    assert nginx["lifecycle"]["preStop"]["exec"]["command"] == list(workload().main.before_stop)


def test_it_grows_with_load_and_is_watched() -> None:
    made = deployed()
    scaled = made.one(AUTOSCALER).inputs["spec"]
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (3, 6), "LB-01: one in each zone"
    [endpoint] = made.one(POD_MONITOR).inputs["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
