"""What alerts, recording rules and their runbooks are made of; promtool runs them elsewhere.

MON-04, MON-08, MON-09, CHK-INFRA-06, LOG-03, DBG-01 to DBG-03, DBG-05, ISSUE-01 to ISSUE-09.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.alarm_table import table
from components.kubernetes.observability.alert_rules import (
    PROMISES,
    REPLACED,
    alerts,
    render,
    rule_groups,
)
from components.kubernetes.observability.alerting import HEARTBEAT
from components.kubernetes.observability.dashboards import boards
from components.kubernetes.observability.rules.api import FAST, SLOW
from components.kubernetes.observability.rules.metrics import EXPORTED
from components.kubernetes.observability.rules.model import (
    Alert,
    Record,
    Watched,
    grown,
    runs_daily,
    watched,
)
from components.kubernetes.observability.rules.monitoring import SOURCES
from components.kubernetes.observability.rules.pods import (
    CACHE_DEGRADED,
    log_counters,
)
from components.kubernetes.workloads.shape import Container, Pod, Port, Resources, Task, Workload
from settings.velero import VeleroSettings
from tests.components.kubernetes.observability.alert_cases import (
    POOLER,
    SETTINGS,
    WATCHED,
    alarms,
    database,
)
from tests.components.test_alarms import settings as alarms_settings
from tests.components.test_alarms import watched as by_cloudwatch
from tests.settings.test_pooler_settings import settings as pooler_settings

RUNBOOKS = Path(__file__).parents[4] / "docs" / "runbooks"
TITLE = "# Alert: "
HEADINGS = [
    "What it means",
    "First three checks",
    "What to do",
    "When it is over",
    "When to escalate",
]
GUIDES = ("debugging", "common-issues")  # the guide's two sections, for people who search
GROUPS = rule_groups(SETTINGS, alarms(), POOLER, database(), WATCHED)
ALERTS = alerts(GROUPS)
ABOUT_ALERTS = sorted(
    path for path in RUNBOOKS.glob("*.md") if path.read_text(encoding="utf-8").startswith(TITLE)
)
EXPRESSIONS = {
    **{each.name: each.expr for group in GROUPS for each in group.rules},
    **{
        f"{title}: {panel.title}, {legend}": line
        for title, panels in boards(SETTINGS, POOLER, WATCHED, 195).values()
        for panel in panels
        for legend, line in panel.lines.items()
    },
}
_WORDS = {"and", "or", "unless", "bool", "offset"}
_LABELS = r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)"


def metrics(expr: str) -> set[str]:
    """The metrics that an expression names."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\boffset \w+', "", re.sub(r'"[^"]*"', "", expr))
    bare = re.sub(_LABELS, "", bare)
    names = re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)\b(?!\s*\()", bare)
    return set(names) - _WORDS


def pod(component: str, metrics: str | None = None, **more: str) -> dict[str, object]:
    ports = (Port(name="metrics", number=9090),) if metrics else ()
    image = "registry/x@sha256:" + "a" * 64
    resources = Resources(cpu="1", memory="1Mi", memory_limit="1Mi")
    container = Container(name="main", image=image, resources=resources, ports=ports)
    return {"component": component, "containers": (container,), "metrics": metrics, **more}


# -- alerts --------------------------------------------------------------------------------------
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_whose_what_how_much_and_where_to_read(alert: Alert):
    rule = alert.rule()
    assert re.fullmatch(r"([A-Z][a-z]+)+|[A-Za-z]+", rule["alert"])
    assert set(rule["labels"]) == {"severity", "owner", "about"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert len(alert.summary) <= 78, "it is the line that a person reads on a phone"
    assert "{{" not in alert.summary
    plain = ("Watchdog", "ClusterBackupUnknown", "DatabaseUnreachable", "CacheWithoutPrimary")
    assert ("{{" in alert.description) is (alert.name not in plain), "which one, how much?"


def test_no_two_alerts_share_a_name():
    names = [alert.name for alert in ALERTS]
    assert sorted(names) == sorted(set(names))
    assert len(names) == 70


def test_only_the_heartbeat_and_what_is_known_tell_nobody():
    assert [alert.name for alert in ALERTS if alert.severity == "none"] == ["Watchdog"]


def test_each_group_becomes_one_document_of_prometheus():
    document = render(GROUPS)
    names = [group["name"] for group in document["groups"]]
    assert names[0] == "archesai", "the guide's group"
    assert len(names) == len(set(names)) == 13
    first = document["groups"][0]["rules"][0]
    assert first == {
        "record": "job:http_requests_errors:ratio_rate5m",
        "expr": 'sum by (job) (rate(http_requests_total{job="archesai-api",status=~"5.."}[5m]))'
        ' / sum by (job) (rate(http_requests_total{job="archesai-api"}[5m]))',
    }


def test_a_rule_that_need_not_last_says_nothing_of_it():
    rules = {alert.name: alert.rule() for alert in ALERTS}
    assert "for" not in rules["Watchdog"]
    assert rules["HighErrorRate"]["for"] == "5m"


def test_the_guides_three_alerts_keep_their_names_and_five_minutes():
    rules = {alert.name: alert for alert in ALERTS}
    kept = [rules[name] for name in ("HighErrorRate", "HighLatency", "HighMemoryUsage")]
    assert [alert.lasts for alert in kept] == ["5m"] * 3
    assert "> 0.05 and" in kept[0].expr
    assert kept[1].expr.endswith("> 1")
    assert rules["ProcessMemoryHigh"].expr == (
        'process_resident_memory_bytes{job="archesai-api"} / 1024 / 1024 > 1000'
    )


def test_the_other_spelling_of_the_status_is_one_setting():
    changed = SETTINGS.model_copy(update={"status_label": "code"})
    groups = rule_groups(changed, alarms(), POOLER, database(), WATCHED)
    assert 'code=~"5.."' in groups[0].rules[0].expr
    assert "status=" not in str(render(groups[:1]))


def test_requests_that_are_long_by_nature_can_be_left_out_of_the_latency():
    changed = SETTINGS.model_copy(update={"latency_matcher": 'route!="/v1/stream"'})
    groups = rule_groups(changed, alarms(), POOLER, database(), WATCHED)
    (latency,) = [alert for alert in alerts(groups) if alert.name == "HighLatency"]
    assert 'bucket{job="archesai-api",route!="/v1/stream"}' in latency.expr


def test_the_budget_burns_at_the_rates_of_the_sre_workbook():
    assert [(factor, long, short) for factor, long, short in (*FAST, *SLOW)] == [
        (14.4, "1h", "5m"), (6.0, "6h", "30m"), (3.0, "1d", "2h"), (1.0, "3d", "6h"),
    ]  # fmt: skip
    rules = {alert.name: alert.expr for alert in ALERTS}
    assert 'ratio_rate1h{job="archesai-api"} > 0.0144' in rules["ErrorBudgetBurnsFast"]
    assert 'ratio_rate3d{job="archesai-api"} > 0.001' in rules["ErrorBudgetBurnsSlowly"]


def test_pools_are_judged_by_the_numbers_of_pgbouncer_itself():
    larger = pooler_settings(defaultPoolSize=40, queryWaitTimeoutSeconds=20)
    groups = rule_groups(SETTINGS, alarms(), larger, database(), WATCHED)
    found = {alert.name: alert.expr for alert in alerts(groups)}
    assert found["PoolSaturated"].endswith("/ 45 > 0.8"), "40 and the reserve of 5"
    assert found["PoolWaitTooLong"].endswith("> 10")


def test_a_copy_is_too_old_before_more_than_an_hour_could_be_lost():
    often = Watched(
        namespace="x", velero=VeleroSettings.model_validate({"everyMinutes": 15, "copyMinutes": 10})
    )
    assert (often.backup_late_minutes, often.backup_too_old_minutes) == (32, 50)
    usual = Watched(namespace="x")
    lost = usual.backup_too_old_minutes + usual.velero.copy_minutes
    assert lost == 60, "a copy holds what was there when it began (DR-02)"
    assert usual.velero.every_minutes < usual.backup_late_minutes < usual.backup_too_old_minutes


# -- what is watched -----------------------------------------------------------------------------
def test_what_is_watched_follows_from_the_declarations():
    api = Workload(**pod("api", "metrics"))  # type: ignore[arg-type]
    silent = Workload(**pod("platform"))  # type: ignore[arg-type]
    redis = Workload(**pod("redis", "metrics"))  # type: ignore[arg-type]
    daily = Task(**pod("dumps", schedule="0 2 * * *"))  # type: ignore[arg-type]
    monthly = Task(**pod("drill", schedule="0 2 1 * *"))  # type: ignore[arg-type]
    once = Task(**pod("migrations"))  # type: ignore[arg-type]
    assert watched("production", [api, silent, redis], [daily, monthly, once]) == Watched(
        namespace="production",
        jobs=("archesai-api", "archesai-redis"),
        api_metrics=True,
        redis=True,
        daily=("archesai-dumps",),
    )
    assert isinstance(api, Pod)


@pytest.mark.parametrize(
    ("schedule", "daily"),
    [("0 2 * * *", True), ("*/30 * * * *", True), ("0 2 * * 0", False), ("", False)],
)
def test_a_job_is_daily_when_no_day_is_named(schedule: str, daily: bool):
    assert runs_daily(schedule) is daily


def test_without_what_it_watches_a_rule_is_not_there():
    least = rule_groups(SETTINGS, alarms(), POOLER, database(), Watched(namespace="production"))
    gone = {alert.name for alert in ALERTS} - {alert.name for alert in alerts(least)}
    assert gone == {
        "HighErrorRate", "HighLatency", "ProcessMemoryHigh", "GoroutineLeak",
        "ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly", "CronJobOverdue", "TargetAbsent",
        "CacheWithoutPrimary", "CacheReplicationBroken", "CacheNotPersisted", "SentinelQuorumLost",
    }  # fmt: skip
    assert not [rule for group in least for rule in group.rules if isinstance(rule, Record)]


# -- metrics -------------------------------------------------------------------------------------
def test_no_expression_names_a_metric_that_nobody_exports():
    exported = {metric for names in EXPORTED.values() for metric in names}
    recorded = {each.name for group in GROUPS for each in group.rules if isinstance(each, Record)}
    silent = {name: metrics(expr) - exported - recorded for name, expr in EXPRESSIONS.items()}
    assert {name: gone for name, gone in silent.items() if gone} == {}, "silent for ever"


def test_the_list_of_metrics_is_no_longer_than_needed():
    named = set().union(*map(metrics, EXPRESSIONS.values()))
    assert {metric for names in EXPORTED.values() for metric in names} <= named
    every = [metric for names in EXPORTED.values() for metric in names]
    assert len(every) == len(set(every))


def test_the_reader_of_expressions_finds_metrics_and_nothing_else():
    expr = (
        'sum by (a) (rate(x_total{l="up"}[5m] offset 1h)) / on (b) group_left (c) y:z > bool 3 '
        'or label_replace(absent(w), "s", "t", "", "")'
    )
    assert metrics(expr) == {"x_total", "y:z", "w"}


def test_every_source_of_metrics_is_missed_when_it_falls_silent():
    (alert,) = [alert for alert in ALERTS if alert.name == "MetricsAbsent"]
    assert all(f"absent({metric})" in alert.expr for metric in SOURCES.values())


def test_a_counter_that_appears_counts_from_nothing():
    assert grown("x", "5m") == "((x unless x offset 5m) or increase(x[5m]))"


# -- logs ----------------------------------------------------------------------------------------
def test_the_collector_counts_the_lines_that_alerts_ask_for():
    stages = log_counters()
    for name in re.findall(r'name\s+= "(\w+)"', stages):
        assert any(f"loki_process_custom_{name}" in expr for expr in EXPRESSIONS.values())
    assert f'value             = "{CACHE_DEGRADED}"' in stages, "the application's words (ENV-11)"
    assert stages.count("metric.counter") == 2
    assert stages.count("{") == stages.count("}")


# -- promises ------------------------------------------------------------------------------------
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_has_alerts_or_alarms_that_exist(promise: str):
    here, there = PROMISES[promise]
    assert here or there, "a promise that nothing guards"
    nouns = {row.noun for row in table(alarms_settings(), by_cloudwatch())}
    assert set(here) <= {alert.name for alert in ALERTS}
    assert set(there) <= nouns, sorted(nouns)


def test_of_the_charts_alerts_none_tells_the_same_a_second_time():
    assert list(REPLACED) == sorted(set(REPLACED))
    assert {"Watchdog", "TargetDown"} <= set(REPLACED)


# -- runbooks ------------------------------------------------------------------------------------
def test_every_alert_names_a_runbook_that_exists_and_no_runbook_is_an_orphan():
    named = {alert.runbook for alert in ALERTS} | {HEARTBEAT}
    assert named == {path.stem for path in ABOUT_ALERTS}


@pytest.mark.parametrize("path", ABOUT_ALERTS, ids=lambda path: path.stem)
def test_a_runbook_says_meaning_checks_deeds_end_and_when_to_escalate(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"{TITLE}{path.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    checks = text.split("## First three checks")[1].split("## What to do")[0]
    assert checks.count("```bash\n") == 3
    named = [alert.name for alert in ALERTS if alert.runbook == path.stem]
    assert [name for name in named if f"`{name}`" not in text] == [], "which alert is meant?"


def test_a_runbook_has_commands_and_they_hold_no_placeholder():
    """That they parse is asked of every document (tests/test_docs.py)."""
    for path in [*ABOUT_ALERTS, *(RUNBOOKS / f"{name}.md" for name in GUIDES)]:
        found = re.findall(r"```bash\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        assert found, path.stem
        assert [command for command in found if "<" in command] == [], (
            f"{path.stem}: a placeholder would be a redirection"
        )


def test_the_guides_debugging_and_common_issues_are_all_there():
    debugging, issues = ((RUNBOOKS / f"{name}.md").read_text(encoding="utf-8") for name in GUIDES)
    assert re.findall(r"DBG-\d\d", debugging) == [f"DBG-0{n}" for n in range(1, 6)]
    assert re.findall(r"ISSUE-\d\d", issues) == [f"ISSUE-0{n}" for n in range(1, 10)]
    assert "app.kubernetes.io/name=archesai,app.kubernetes.io/component=api" in debugging


def test_a_runbook_links_only_to_what_exists():
    for path in [*ABOUT_ALERTS, *(RUNBOOKS / f"{name}.md" for name in GUIDES)]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} leads to {target}"
