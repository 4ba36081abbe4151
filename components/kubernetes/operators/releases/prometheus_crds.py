"""The kinds of the Prometheus operator, as a release of their own (operators/crds.py).

The chart holds CRDs and nothing else, as templates: a release upgrades them, and `keep` leaves them
where it is deleted. Its version goes with the operator's (v0.93.1 with kube-prometheus-stack 88).
"""

from __future__ import annotations

from components.kubernetes.operators.releases import Chart, Values
from components.kubernetes.operators.releases.prometheus_stack import CHART as STACK

CHART = Chart(name="prometheus-operator-crds", repository=STACK.repository)


def values() -> Values:
    return {"crds": {"annotations": {"helm.sh/resource-policy": "keep"}}}
