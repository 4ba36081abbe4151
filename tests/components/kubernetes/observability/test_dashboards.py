"""Grafana's dashboards as code. MON-10, CHK-INFRA-06; their expressions are judged by promtool."""

from __future__ import annotations

import json

import pytest

from components.kubernetes.observability.dashboards import (
    ACROSS,
    GREEN,
    ORANGE,
    RED,
    Panel,
    boards,
    dashboards,
)
from components.kubernetes.observability.rules.model import Watched
from tests.components.kubernetes.observability.alert_cases import POOLER, SETTINGS, WATCHED

MADE = dashboards(SETTINGS, POOLER, WATCHED, 195)


def test_there_is_a_dashboard_for_each_layer():
    assert list(MADE) == [
        "arches-api", "arches-database", "arches-pooler", "arches-cache", "arches-cluster",
        "arches-backups",
    ]  # fmt: skip


@pytest.mark.parametrize("uid", MADE)
def test_a_dashboard_keeps_its_address_and_nobody_edits_it_by_hand(uid: str):
    board = MADE[uid]
    assert board["uid"] == uid
    assert board["editable"] is False, "an edit would be lost with the pod"
    assert json.loads(json.dumps(board)) == board
    assert len(board["panels"]) >= 6


@pytest.mark.parametrize("uid", MADE)
def test_panels_do_not_overlap_and_each_has_a_unit_and_thresholds(uid: str):
    places = set()
    for panel in MADE[uid]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= ACROSS
        places.add((at["x"], at["y"]))
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"]
        first, *rest = defaults["thresholds"]["steps"]
        assert first["value"] is None, "Grafana's first step begins at minus infinity"
        assert [step["value"] for step in rest] == sorted(step["value"] for step in rest)
    assert len(places) == len(MADE[uid]["panels"])
    assert len({panel["id"] for panel in MADE[uid]["panels"]}) == len(places)


@pytest.mark.parametrize("uid", MADE)
def test_every_line_has_a_legend_and_asks_the_chosen_source(uid: str):
    for panel in MADE[uid]["panels"]:
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["legendFormat"]
            assert target["datasource"] == {"type": "prometheus", "uid": "${source}"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))


def test_a_value_is_red_above_its_threshold_or_below_it():
    high = Panel(title="x", lines={"x": "up"}, warn=0.8, bad=0.9)
    assert high.thresholds() == [
        {"color": GREEN, "value": None},
        {"color": ORANGE, "value": 0.8},
        {"color": RED, "value": 0.9},
    ]
    low = Panel(title="x", lines={"x": "up"}, warn=0.5, bad=0.1, low=True)
    assert low.thresholds() == [
        {"color": RED, "value": None},
        {"color": ORANGE, "value": 0.1},
        {"color": GREEN, "value": 0.5},
    ]
    assert Panel(title="x", lines={"x": "up"}).thresholds() == [{"color": GREEN, "value": None}]


def test_a_panel_turns_red_where_the_alert_fires():
    panels = {panel.title: panel for panel in boards(SETTINGS, POOLER, WATCHED, 195)[
        "arches-backups"][1]}  # fmt: skip
    age = panels["Age of the cluster's newest backup"]
    assert (age.warn, age.bad) == (37 * 60, 45 * 60)


def test_an_application_without_metrics_has_no_empty_panels():
    least = Watched(namespace="production")
    api = boards(SETTINGS, POOLER, least, 195)["arches-api"][1]
    assert not [panel for panel in api if "http_requests_total{job" in str(panel.lines)]
    assert "The API answers on /metrics" in {panel.title for panel in api}
