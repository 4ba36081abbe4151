"""Prometheus: the guide's alerts exist, say what to do, are loaded, and reach people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.documents import named, said
from rules.kubernetes import Object, Template, judged_objects, templates, types
from rules.model import ROOT, Item, NotApplicable, Props, Rule, Stack, StackRule
from rules.observability.observability import ALARM, metrics

ALERTS = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
RELEASE = "kubernetes:helm.sh/v3:Release"
# A ServiceMonitor's own selector names Services, whose labels are those of their pods here.
MONITORS = {
    "kubernetes:monitoring.coreos.com/v1:PodMonitor": "podMetricsEndpoints",
    "kubernetes:monitoring.coreos.com/v1:ServiceMonitor": "endpoints",
}
CHART = "kube-prometheus-stack"
WORKLOADS = types("apps/v1:Deployment", "apps/v1:StatefulSet", "apps/v1:DaemonSet")
# MON-05 to MON-07: the guide's three alerts, each with the CloudWatch metric that tells the same of
# the application while it has no metrics of its own (A5).
GUIDE: Mapping[str, str] = {
    "HighErrorRate": "HTTPCode_Target_5XX_Count",
    "HighLatency": "TargetResponseTime",
    "HighMemoryUsage": "",
}
# MON-01: scrape and evaluate every 15 seconds.
INTERVAL = "15s"
# The selectors of the operator; where one is not opened, it takes only what the chart itself made.
SELECTORS = ("podMonitor", "probe", "rule", "serviceMonitor")
# MON-08: how bad, whose, what happened, what to do.
EXPLAINED = ("labels.severity", "labels.owner", "annotations.summary", "annotations.runbook")


def alerts(rule: Props) -> list[Props]:
    """The alerting rules of one PrometheusRule; recording rules are none."""
    groups = rule.at("spec.groups") or []
    return [each for group in groups for each in group.get("rules") or [] if "alert" in each]


def _guide(_root: Item, stack: Stack) -> Iterator[str]:
    names = {alert.at("alert") for rule in stack.of(ALERTS) for alert in alerts(rule.props)}
    watched = {metric for alarm in stack.of(ALARM) for metric in metrics(alarm.props)}
    for name, metric in GUIDE.items():
        if name not in names and (not metric or metric not in watched):
            yield f"nothing tells what the guide's {name} tells"


def _explained(found: Object) -> Iterator[str]:
    for alert in alerts(found.props):
        missing = [path.split(".")[1] for path in EXPLAINED if not alert.at(path)]
        if missing:
            yield f"{alert.at('alert')} has no {', no '.join(missing)}"


def _chart(props: Props) -> Props:
    """The values of the monitoring chart. Raises NotApplicable for every other chart."""
    if props.at("chart") != CHART:
        raise NotApplicable(f"judges the chart {CHART}")
    return props.at("values", Props({}))


def _loaded(props: Props) -> Iterator[str]:
    values = _chart(props)
    for each in SELECTORS:
        if values.at(f"prometheus.prometheusSpec.{each}SelectorNilUsesHelmValues", True):
            yield f"objects of kind {each} that this program makes are passed over"


def _interval(props: Props) -> Iterator[str]:
    values = _chart(props)
    for key, word in (("scrapeInterval", "scrapes"), ("evaluationInterval", "evaluates")):
        every = values.at(f"prometheus.prometheusSpec.{key}", "30s")
        if every != INTERVAL:
            yield f"Prometheus {word} every {every}, not every {INTERVAL}"


def _persistent(props: Props) -> Iterator[str]:
    values = _chart(props)
    if not said(values, "prometheus.prometheusSpec.storageSpec.volumeClaimTemplate"):
        yield "metrics are gone when Prometheus's pod moves"
    if not said(values, "prometheus.prometheusSpec.retention"):
        yield "nothing says how long metrics are kept"
    if not said(values, "alertmanager.alertmanagerSpec.storage.volumeClaimTemplate"):
        yield "silences are gone when Alertmanager's pod moves"


def _config_secret(props: Props) -> Iterator[str]:
    values = _chart(props)
    if not said(values, "alertmanager.alertmanagerSpec.configSecret"):
        yield "Alertmanager's configuration is not in a Secret of ours"
    if said(values, "alertmanager.config"):
        yield "receivers stand in the chart's values, with their addresses and tokens"


def _grafana(props: Props) -> Iterator[str]:
    values = _chart(props)
    if values.at("grafana.enabled", True) is False:
        raise NotApplicable("the chart's Grafana is off")
    if not said(values, "grafana.admin.existingSecret"):
        yield "Grafana's administrator has the chart's known password"
    # The chart's keys have dots in them.
    ini = values.at("grafana", Props({})).get("grafana.ini") or {}
    if (ini.get("auth.anonymous") or {}).get("enabled"):
        yield "anybody may look at Grafana without a password"


def _redundant(release: Item, stack: Stack) -> Iterator[str]:
    if release.props.at("chart") != CHART or not stack.serves_customers:
        return
    for name, path in (
        ("Prometheus", "prometheus.prometheusSpec.replicas"),
        ("Alertmanager", "alertmanager.alertmanagerSpec.replicas"),
    ):
        if int(release.props.at(f"values.{path}", 1)) < 2:
            yield f"{name} is one pod: while it moves nobody is told of anything"


def _heartbeat(_root: Item, stack: Stack) -> Iterator[str]:
    rules = stack.of(ALERTS)
    if not rules:
        return
    if not any(a.at("expr") == "vector(1)" for rule in rules for a in alerts(rule.props)):
        yield "no alert fires all the time, so silence and health look alike"
    beats = [
        alarm
        for alarm in stack.of(ALARM)
        if "NumberOfMessagesPublished" in metrics(alarm.props)
        and alarm.props.at("treatMissingData") == "breaching"
    ]
    if not beats:
        yield "nothing outside the cluster notices that its alerts have stopped"


def _monitored(workload: Item, stack: Stack) -> Iterator[str]:
    for pod in templates(workload.props):
        ports = [port for _, each in pod.containers() for port in each.get("ports") or ()]
        offered = any(port.get("name") == "metrics" for port in ports)
        if offered and not any(_scrapes(each, pod) for each in _monitors(pod, stack)):
            yield f"{pod.said_of}it offers metrics and nobody scrapes them"


def _monitors(pod: Template, stack: Stack) -> Iterator[tuple[str, Props]]:
    for type_, endpoints in MONITORS.items():
        for monitor in named(stack, type_, "metadata.namespace").get(pod.owner.namespace, ()):
            yield endpoints, monitor.props


def _scrapes(monitor: tuple[str, Props], pod: Template) -> bool:
    endpoints, props = monitor
    wanted = props.at("spec.selector.matchLabels") or {}
    ports = {each.get("port") for each in props.at(f"spec.{endpoints}") or ()}
    return "metrics" in ports and all(pod.labels.get(k) == v for k, v in wanted.items())


_OPERATOR = "https://prometheus-operator.dev/docs"
_PROMETHEUS = "https://prometheus.io/docs"

RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="guide-alerts",
        sentence="Errors, slow answers and full memory of the application have alerts.",
        types=(ROOT,),
        severity="high",
        requirements=("MON-05", "MON-06", "MON-07", "CHK-INFRA-06"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="Customers would be the first to notice.",
        fix="add the PrometheusRule, or the CloudWatch alarm while the application has no metrics",
        url=f"{_PROMETHEUS}/practices/alerting/",
        judge=_guide,
    ),
    Rule(
        name="alert-explained",
        sentence="Every alert has a severity, an owner, a summary and a runbook.",
        types=types("monitoring.coreos.com/v1:PrometheusRule"),
        severity="medium",
        requirements=("MON-08",),
        controls=("SOC2 CC7.4", "ISO27001 A.8.16"),
        why="An alert without them wakes the wrong person, who does not know what to do.",
        fix="add the labels severity and owner and the annotations summary and runbook",
        url=f"{_PROMETHEUS}/practices/alerting/",
        evidence=("metadata.name", "spec.groups.*.rules.*.alert", "spec.groups.*.rules.*.labels"),
        judge=judged_objects(_explained, "PrometheusRule"),
    ),
    Rule(
        name="prometheus-loads-ours",
        sentence="Prometheus loads the rules and monitors of this program.",
        types=(RELEASE,),
        severity="high",
        requirements=("MON-04", "CHK-INFRA-06"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="The operator passes over what its selectors do not match, without a word.",
        fix="set the <kind>SelectorNilUsesHelmValues of prometheusSpec to false",
        url=f"{_OPERATOR}/platform/troubleshooting/",
        evidence=("chart", "version"),
        judge=_loaded,
    ),
    Rule(
        name="prometheus-interval",
        sentence=f"Prometheus scrapes and evaluates every {INTERVAL}.",
        types=(RELEASE,),
        severity="low",
        requirements=("MON-01",),
        controls=("SOC2 CC7.2",),
        why="An alert would come minutes after the outage that it is about.",
        fix=f"set scrapeInterval and evaluationInterval to {INTERVAL}",
        url=f"{_OPERATOR}/api-reference/api/",
        evidence=(
            "values.prometheus.prometheusSpec.scrapeInterval",
            "values.prometheus.prometheusSpec.evaluationInterval",
        ),
        judge=_interval,
    ),
    Rule(
        name="prometheus-persistent",
        sentence="Metrics and silences outlive a pod.",
        types=(RELEASE,),
        severity="medium",
        requirements=("MON-01", "CHK-INFRA-06"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="What led to an outage would be gone with the node that it took down.",
        fix="give Prometheus and Alertmanager volume claims, and Prometheus a retention",
        url=f"{_OPERATOR}/platform/storage/",
        evidence=("chart", "values.prometheus.prometheusSpec.retention"),
        judge=_persistent,
    ),
    StackRule(
        name="prometheus-redundant",
        sentence="Where customers are served, metrics and alerts survive the loss of a node.",
        types=(RELEASE,),
        severity="medium",
        requirements=("MON-01", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="The moment in which a node dies is the one in which an alert is needed.",
        fix="set replicas to 2 or more",
        url=f"{_OPERATOR}/platform/high-availability/",
        evidence=("chart", "values.prometheus.prometheusSpec.replicas"),
        judge=_redundant,
    ),
    Rule(
        name="alertmanager-config-secret",
        sentence="Who is told, and by which token, stands in a Secret.",
        types=(RELEASE,),
        severity="high",
        requirements=("MON-08", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="Whoever reads the chart's values could silence or flood the people on call.",
        fix="set alertmanagerSpec.configSecret and leave alertmanager.config away",
        url=f"{_OPERATOR}/developer/alerting/",
        evidence=("chart", "values.alertmanager.alertmanagerSpec.configSecret"),
        judge=_config_secret,
    ),
    Rule(
        name="grafana-signed-in",
        sentence="Grafana asks for a password that nobody else knows.",
        types=(RELEASE,),
        severity="high",
        requirements=("MON-10", "CHK-SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.5"),
        why="Logs and queries of customers would be open to whoever reaches the page.",
        fix="name a Secret in grafana.admin.existingSecret and leave auth.anonymous off",
        url="https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/",
        evidence=("chart", "values.grafana.admin.existingSecret"),
        judge=_grafana,
    ),
    StackRule(
        name="heartbeat",
        sentence="The way from Prometheus to people is tested all the time, from outside.",
        types=(ROOT,),
        severity="high",
        requirements=("MON-08", "CHK-INFRA-06"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="A dead alerting system looks exactly like a healthy platform.",
        fix="keep the alert Watchdog and the CloudWatch alarm on its topic",
        url=f"{_PROMETHEUS}/practices/alerting/",
        judge=_heartbeat,
    ),
    StackRule(
        name="workload-monitored",
        sentence="Metrics that a workload offers are scraped.",
        types=WORKLOADS,
        severity="medium",
        requirements=("MON-02", "MON-03"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="Its alerts would have nothing to fire on.",
        fix="add a PodMonitor for its port metrics",
        url=f"{_OPERATOR}/developer/getting-started/",
        evidence=("metadata.namespace", "metadata.name"),
        judge=_monitored,
    ),
)
