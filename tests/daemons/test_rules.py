"""The rules and dashboards as promtool reads them: each alert fires, and stays silent.

Meets MON-03 to MON-09, ENV-11, ENV-20, ISSUE-01 in their proofs.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kubernetes.observability.alert_rules import alerts, render, rule_groups
from components.kubernetes.observability.dashboards import boards
from components.kubernetes.observability.rules.model import Group, Watched
from tests.components.kubernetes.observability.alert_cases import (
    API,
    CASES,
    GIB,
    POOLER,
    SETTINGS,
    WATCHED,
    Case,
    Series,
    alarms,
    database,
)
from tests.daemons.toolbox import command

# The guide, L233 to L252, letter by letter (spaces of the rendered page removed).
GUIDE = {
    "groups": [
        {
            "name": "archesai",
            "rules": [
                {
                    "alert": "HighErrorRate",
                    "expr": 'rate(http_requests_total{status=~"5.."}[5m]) > 0.05',
                    "for": "5m",
                },
                {
                    "alert": "HighLatency",
                    "expr": "histogram_quantile(0.95, http_request_duration_seconds_bucket) > 1",
                    "for": "5m",
                },
                {
                    "alert": "HighMemoryUsage",
                    "expr": "process_resident_memory_bytes / 1024 / 1024 > 1000",
                    "for": "5m",
                },
            ],
        }
    ]
}


def groups(watched: Watched = WATCHED) -> list[Group]:
    return rule_groups(SETTINGS, alarms(), POOLER, database(), watched)


def _test(name: str, case: Case, series: Series, times: int) -> dict[str, Any]:
    """Counted by the series that Prometheus keeps of its own alerts."""
    firing = f'ALERTS{{alertname="{name.split()[0]}",alertstate="firing"}}'
    return {
        "name": name,
        "interval": "5m" if case.slow else "1m",
        "input_series": [{"series": key, "values": value} for key, value in series.items()],
        "promql_expr_test": [
            {
                "expr": f"count({firing}) or vector(0)",
                "eval_time": case.at,
                "exp_samples": [{"labels": "{}", "value": times}],
            }
        ],
    }


def run(folder: Path, rules: dict[str, Any], tests: list[dict[str, Any]], every: str = "1m") -> str:
    """What promtool says of these tests; nothing where all are right."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    written = {"rule_files": ["rules.yaml"], "evaluation_interval": every, "tests": tests}
    (folder / "tests.yaml").write_text(yaml.safe_dump(written))
    done = subprocess.run(
        command("promtool", "test", "rules", folder / "tests.yaml"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert ("FAILED" in said) == (done.returncode != 0), said
    return said if done.returncode else ""


@cache
def failed(folder: Path) -> dict[str, str]:
    """Every case through promtool: the name of each that failed -> what it said.

    A group at a time, since promtool evaluates every rule that it is given at every minute.
    """
    found: dict[str, str] = {}
    for group in groups():
        names = {alert.name for alert in group.alerts}
        for slow in (False, True):
            chosen = {n: case for n, case in CASES.items() if n in names and case.slow is slow}
            tests = [_test(f"{name} fires", c, c.fires, c.times) for name, c in chosen.items()]
            tests += [
                _test(f"{name} stays silent", c, c.silent, 0)
                for name, c in chosen.items()
                if c.silent is not None
            ]
            said = run(folder, render([group]), tests, "5m" if slow else "1m") if tests else ""
            found |= _named(said)
    return found


def _named(said: str) -> dict[str, str]:
    """promtool names no test whose expression gives another number; the expression itself does."""
    if not said:
        return {}
    wrong = re.findall(
        r'expr: "count\(ALERTS\{alertname=\\"(\w+)\\".*\n\s+exp: \{\} (\S+)\n\s+got: .*', said
    )
    assert wrong, said
    return {
        f"{name} {'fires' if float(expected) else 'stays silent'}": said for name, expected in wrong
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return failed(tmp_path_factory.mktemp("rules"))


def test_every_alert_has_a_case_and_no_case_is_left_over():
    assert {alert.name for alert in alerts(groups())} == set(CASES)
    assert [name for name, case in CASES.items() if case.silent is None] == ["Watchdog"]


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should(name: str, results: dict[str, str]):
    assert f"{name} fires" not in results, results.get(f"{name} fires")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.silent is not None])
def test_an_alert_stays_silent_when_nothing_is_wrong(name: str, results: dict[str, str]):
    said = results.get(f"{name} stays silent")
    assert said is None, f"{CASES[name].why or 'people would be called for nothing'}: {said}"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.sidecar])
def test_a_sidecar_that_fails_is_told_by_its_name(tmp_path: Path, name: str):
    case = CASES[name]
    series = case.of_sidecar()
    test = _test(name, case, series, 1)
    fired = f'ALERTS{{alertname="{name}",alertstate="firing",container="cache-tunnel"}}'
    test["promql_expr_test"][0]["expr"] = f"count({fired})"
    rules = render([group for group in groups() if group.name == "archesai-pods"])
    assert run(tmp_path, rules, [test]) == "", (
        "the API would have lost its only way to the cache, and nobody would know"
    )


@pytest.mark.parametrize(
    "watched",
    [WATCHED, Watched(namespace="production")],
    ids=["with everything", "without metrics of the application"],
)
def test_promtool_finds_no_fault_in_the_rules(tmp_path: Path, watched: Watched):
    written = tmp_path / "rules.yaml"
    written.write_text(yaml.safe_dump(render(groups(watched))))
    done = subprocess.run(
        command("promtool", "check", "rules", "--lint=all", "--lint-fatal", written),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_parses_every_expression_of_the_dashboards(tmp_path: Path):
    usable = 195
    lines = [
        line
        for _, panels in boards(SETTINGS, POOLER, WATCHED, usable).values()
        for panel in panels
        for line in panel.lines.values()
    ]
    assert len(lines) > 50
    rules = [{"record": f"panel:line:{n}", "expr": line} for n, line in enumerate(lines)]
    written = tmp_path / "dashboards.yaml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    done = subprocess.run(
        command("promtool", "check", "rules", written), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# -- the guide's own expressions -----------------------------------------------------------------
def both(
    folder: Path, alert: str, series: Series, at: str = "30m", slow: bool = False
) -> tuple[bool, bool]:
    """Whether the guide's rule and ours fire on these series."""
    test = [_test(alert, Case(fires=series, silent=None, at=at, slow=slow), series, 1)]
    ours = render([group for group in groups() if alert in {each.name for each in group.alerts}])
    every = "5m" if slow else "1m"
    return not run(folder, GUIDE, test, every), not run(folder, ours, test, every)


def requests(good: str, bad: str) -> Series:
    return {
        f'http_requests_total{{{API},status="200"}}': good,
        f'http_requests_total{{{API},status="500"}}': bad,
    }


def test_the_guides_error_rate_fires_at_one_error_in_a_thousand(tmp_path: Path):
    # 100 requests a second, 0.1 % of them fail: 0.1 errors a second.
    guide, ours = both(tmp_path, "HighErrorRate", requests("0+5994x60", "0+6x60"))
    assert guide, "a rate is not a share (MON-05)"
    assert not ours


def test_the_guides_error_rate_is_silent_when_every_second_request_fails(tmp_path: Path):
    # 0.03 requests a second, half of them fail.
    guide, ours = both(tmp_path, "HighErrorRate", requests("0+0.9x60", "0+0.9x60"))
    assert not guide
    assert ours, "half of the customers get errors (MON-05)"


def test_one_error_at_night_wakes_nobody(tmp_path: Path):
    _, ours = both(tmp_path, "HighErrorRate", requests("0x60", "0+0.1x60"))
    assert not ours, "a single request is no share"


def test_the_guides_latency_does_not_see_twenty_slow_minutes_after_a_good_day(tmp_path: Path):
    # 10 fast requests a second for a day, then 5 s each; a sample every 5 minutes.
    bucket = f"http_request_duration_seconds_bucket{{{API},"
    fast, slow = "0+3000x288", "867000+3000x6"
    series = {
        f'{bucket}le="1"}}': f"{fast} 864000x6",
        f'{bucket}le="5"}}': f"{fast} {slow}",
        f'{bucket}le="+Inf"}}': f"{fast} {slow}",
    }
    guide, ours = both(tmp_path, "HighLatency", series, at="1465m", slow=True)
    assert not guide, "it is the quantile since the process started (MON-06)"
    assert ours


def test_the_guides_memory_alert_is_fired_by_prometheus_itself(tmp_path: Path):
    series = {'process_resident_memory_bytes{job="monitoring-prometheus"}': f"{2 * GIB}x60"}
    guide, ours = both(tmp_path, "HighMemoryUsage", series)
    assert guide, "it matches every job (MON-07)"
    assert not ours


# -- what a person reads -------------------------------------------------------------------------
def test_the_text_of_an_alert_holds_the_values(tmp_path: Path):
    series = requests("0+90x30", "0+10x30")
    test = {
        "interval": "1m",
        "input_series": [{"series": key, "values": value} for key, value in series.items()],
        "alert_rule_test": [
            {
                "eval_time": "20m",
                "alertname": "HighErrorRate",
                "exp_alerts": [
                    {
                        "exp_labels": {
                            "job": "archesai-api",
                            "severity": "critical",
                            "owner": "application",
                            "about": "api-errors",
                        },
                        "exp_annotations": {
                            "summary": "High error rate detected",
                            "description": "10% of the requests of archesai-api fail with 5xx; "
                            "allowed are 5 %.",
                            "runbook": "docs/runbooks/api-errors.md",
                        },
                    }
                ],
            }
        ],
    }
    assert run(tmp_path, render(groups()[:1]), [test]) == ""


@pytest.mark.parametrize("name", ["PodCrashLooping", "PodRestarts", "PodNotReady"])
def test_an_alert_about_a_pod_names_its_node(tmp_path: Path, name: str):
    case = CASES[name]
    test = _test(name, case, case.fires, 1)
    test["promql_expr_test"][0]["expr"] = f'count(ALERTS{{alertname="{name}",node="n1"}})'
    pods = [group for group in groups() if group.name == "archesai-pods"]
    assert run(tmp_path, render(pods), [test]) == "", "a node that is down would not explain it"


def test_the_application_without_metrics_is_a_state_that_is_known_and_told_to_nobody():
    (quiet,) = groups(Watched(namespace="production"))[0].alerts
    assert (quiet.name, quiet.severity) == ("ApiMetricsMissing", "none")
    (loud,) = [each for each in groups()[0].alerts if each.name == "ApiMetricsMissing"]
    assert loud.severity == "warning", "once it has metrics their loss is news"
