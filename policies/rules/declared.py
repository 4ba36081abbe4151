"""What a stack declares in its cluster, found by kind, place, name and labels.

In a cluster objects find each other by names and labels, which are known before deployment; that is
how they are joined here, not by ids of the provider. Made once for all rules (`cluster(stack)`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rules.kubernetes import MAKERS, Object, Template, known, objects, template_of
from rules.model import Item, Stack, Undecided

_SELECTORS = {
    "PodDisruptionBudget": "spec.selector",
    "NetworkPolicy": "spec.podSelector",
    "Service": "spec.selector",
}
_ANYTHING = ("", "")  # in place of a label: a selector that names none


class Cluster:
    """Everything that a stack declares in its cluster, by kind, place and name.

    What has no name yet is in no index: nothing can be joined with it.
    """

    def __init__(self, stack: Stack) -> None:
        self._by_kind: defaultdict[str, list[Object]] = defaultdict(list)
        for item in stack.items:
            if item.type.startswith("kubernetes:"):
                self._add(item)

    def _add(self, item: Item) -> None:
        try:
            for each in objects(item.props, item=item):
                _ = each.name, each.namespace
                self._by_kind[each.kind].append(each)
        except Undecided:
            return

    def of(self, *kinds: str) -> list[Object]:
        return [each for kind in kinds for each in self._by_kind.get(kind, ())]

    def taking(self, kind: str, template: Template) -> list[Object]:
        """The budgets, policies or Services of the pod's namespace whose selector takes it."""
        place = template.owner.namespace
        index = self._by_label[kind]
        found = [*index.get((place, *_ANYTHING), ())]
        for label in template.labels.items():
            found += index.get((place, *label), ())
        return [each for each in found if selects(_selector(each), template.labels)]

    def taken(self, by: Object) -> list[Template]:
        """The pods that a budget, policy or Service selects."""
        selector = _selector(by)
        labels = (selector or {}).get("matchLabels") or {}
        if labels:
            key, value = min(labels.items())
            found = self._with_label.get((by.namespace, key, value), [])
        else:
            found = self.templates.get(by.namespace, [])
        return [each for each in found if selects(selector, each.labels)]

    def floor(self, owner: Object) -> int:
        """The fewest pods that a workload runs: its autoscaler's minimum, else its replicas."""
        scaler = self.scaler(owner)
        if scaler is not None:
            return int(scaler.props.at("spec.minReplicas", 1))
        return int(owner.props.at("spec.replicas", 1))

    def scaler(self, owner: Object) -> Object | None:
        """The autoscaler of a workload."""
        return self._scalers.get((owner.namespace, owner.kind, owner.name))

    @cached_property
    def _scalers(self) -> dict[tuple[str, str, str], Object]:
        found: dict[tuple[str, str, str], Object] = {}
        for each in self.of("HorizontalPodAutoscaler"):
            target = known(each.props, "spec.scaleTargetRef") or {}
            found[each.namespace, target.get("kind", ""), target.get("name", "")] = each
        return found

    @cached_property
    def _by_label(self) -> dict[str, dict[tuple[str, str, str], list[Object]]]:
        """Kind -> (namespace, the selector's first label) -> objects with that selector."""
        index: dict[str, dict[tuple[str, str, str], list[Object]]] = {}
        for kind in _SELECTORS:
            places: defaultdict[tuple[str, str, str], list[Object]] = defaultdict(list)
            for each in self.of(kind):
                try:
                    labels = (_selector(each) or {}).get("matchLabels") or {}
                except Undecided:
                    continue
                key, value = min(labels.items(), default=_ANYTHING)
                places[each.namespace, key, value].append(each)
            index[kind] = dict(places)
        return index

    @cached_property
    def _with_label(self) -> dict[tuple[str, str, str], list[Template]]:
        """(namespace, label) -> pods that have it."""
        found: defaultdict[tuple[str, str, str], list[Template]] = defaultdict(list)
        for place, pods in self.templates.items():
            for each in pods:
                for label in each.labels.items():
                    found[(place, *label)].append(each)
        return dict(found)

    def named(self, kind: str) -> Mapping[tuple[str, str], Object]:
        """(namespace, name) -> object of a kind."""
        return self._named.get(kind, {})

    def within(self, kind: str) -> Mapping[str, list[Object]]:
        """Namespace -> objects of a kind."""
        return self._within.get(kind, {})

    @cached_property
    def _named(self) -> dict[str, dict[tuple[str, str], Object]]:
        return {
            kind: {(each.namespace, each.name): each for each in found}
            for kind, found in self._by_kind.items()
        }

    @cached_property
    def _within(self) -> dict[str, dict[str, list[Object]]]:
        found: dict[str, dict[str, list[Object]]] = {}
        for kind, each_of in self._by_kind.items():
            places: defaultdict[str, list[Object]] = defaultdict(list)
            for each in each_of:
                places[each.namespace].append(each)
            found[kind] = dict(places)
        return found

    @cached_property
    def templates(self) -> Mapping[str, list[Template]]:
        """Namespace -> the pods that are declared there; those not known yet left out."""
        found: defaultdict[str, list[Template]] = defaultdict(list)
        for each in self.of(*MAKERS):
            try:
                template = template_of(each)
            except Undecided:
                continue
            if template is not None:
                found[each.namespace].append(template)
        return found


def cluster(stack: Stack) -> Cluster:
    """The stack's cluster, indexed once for all rules."""
    return stack.once(Cluster)


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a label selector of the API's form takes a pod with these labels.

    An empty selector takes all; no selector takes none, as for budgets and policies.
    """
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions") or ())


def _selector(each: Object) -> Any:
    found = each.props.at(_SELECTORS[each.kind])
    # A Service's selector is the labels themselves, and without one it selects nothing.
    return ({"matchLabels": dict(found)} if found else None) if each.kind == "Service" else found


def _expression(each: Any, labels: Mapping[str, str]) -> bool:
    key, values = each["key"], each.get("values") or ()
    match each["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
