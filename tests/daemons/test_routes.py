"""Alertmanager's configuration as amtool reads it: valid, and each alert ends where it should.

Meets MON-08 in its proof.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from components.kubernetes.observability.alert_rules import alerts
from components.kubernetes.observability.alerting import MESSAGE, alertmanager_config, subject
from components.kubernetes.observability.rules.model import Alert
from settings.observability import ObservabilitySettings
from tests.components.kubernetes.observability.test_alert_rules import GROUPS
from tests.components.kubernetes.observability.test_alerting import TEAM, TOPICS
from tests.daemons.toolbox import command
from tests.recorder import REGION

PLACE = "arches test"


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        command("amtool", *arguments), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=[False, True], ids=["plain", "with pager and an owner's topic"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    settings = ObservabilitySettings.model_validate(
        {"ownerTopics": {"application": TEAM}} if request.param else {}
    )
    made = alertmanager_config(settings, TOPICS, region=REGION, place=PLACE, pager=request.param)
    path = tmp_path / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(made, sort_keys=False))
    return path


def test_amtool_accepts_the_configuration(written: Path):
    said = amtool("check-config", written)
    assert "SUCCESS" in said
    assert " - 3 inhibit rules" in said
    assert " - 8 receivers" in said


@pytest.mark.parametrize("alert", alerts(GROUPS), ids=lambda alert: alert.name)
def test_an_alert_ends_at_its_owner_with_its_severity(tmp_path: Path, alert: Alert):
    path = tmp_path / "alertmanager.yaml"
    made = alertmanager_config(ObservabilitySettings(), TOPICS, region=REGION, place=PLACE)
    path.write_text(yaml.safe_dump(made))
    wanted = {"none": "heartbeat"}.get(alert.severity, f"{alert.owner}-{alert.severity}")
    labels = [f"{key}={value}" for key, value in alert.rule()["labels"].items()]
    amtool(
        "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={wanted}",
        f"alertname={alert.name}", *labels,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["severity=critical"], "platform-critical"),
        (["severity=warning"], "platform-warning"),
        (["severity=info"], "quiet"),
        (["severity=none", "alertname=InfoInhibitor"], "quiet"),
        (["severity=none", "owner=application", "alertname=ApiMetricsMissing"], "quiet"),
        ([], "platform-warning"),
    ],
)
def test_what_the_chart_brings_ends_with_the_platform_or_with_nobody(
    written: Path, labels: list[str], wanted: str
):
    amtool(
        "config", "routes", "test", f"--config.file={written}", f"--verify.receivers={wanted}",
        *labels,
    )  # fmt: skip


def test_a_message_reads_well(tmp_path: Path):
    data = {
        "status": "firing",
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": {"severity": "critical"},
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HighErrorRate"},
                "annotations": {
                    "summary": "High error rate detected",
                    "description": "10% fail.",
                    "runbook": "docs/runbooks/api-errors.md",
                },
                "startsAt": "2026-11-21T10:00:00Z",
            }
        ],
    }
    facts = tmp_path / "data.json"
    facts.write_text(json.dumps(data))
    empty = tmp_path / "empty.tmpl"
    empty.write_text("")

    def rendered(text: str) -> str:
        return amtool(
            "template", "render", f"--template.glob={empty}", f"--template.data={facts}",
            f"--template.text={text}",
        )  # fmt: skip

    assert rendered(subject(PLACE)).strip() == "Alert: HighErrorRate (critical) in arches test"
    assert rendered(MESSAGE).splitlines()[:3] == [
        "FIRING HighErrorRate: High error rate detected",
        "10% fail.",
        "Since 2026-11-21 10:00:00 +0000 UTC. Runbook: docs/runbooks/api-errors.md",
    ]
