"""What a room about the cluster asks of any Kubernetes object: what it is, and its pods.

An object may stand alone, as an item of a List, or be a pod inside what makes pods. Rules ask here,
so that each of them sees all of these. A kind that no rule knows is refused in a List as well
(`types-covered`).

A List of one kind (`PodList`) and a patch of somebody else's object are no ways to declare
something here: `kubernetes-objects-whole` refuses them by type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.model import Item, NotApplicable, Props, Undecided

LISTS = ("kubernetes:v1:List", "kubernetes:core/v1:List")
# Where the pod stands in what makes pods; a Pod is its own.
MAKERS = {
    "Pod": "",
    "Deployment": "spec.template",
    "StatefulSet": "spec.template",
    "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template",
    "ReplicationController": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
    "PodTemplate": "template",
}
_CONTAINERS = {
    "initContainers": "init container",
    "containers": "container",
    "ephemeralContainers": "ephemeral container",
}


def types(*kinds: str) -> tuple[str, ...]:
    """The types of objects of these kinds ("apps/v1:Deployment"), alone or in a List.

    The core group has two spellings: the SDK's own class, and a CustomResource of that version.
    """
    spelt = [f"kubernetes:{kind}" for kind in kinds]
    spelt += [f"kubernetes:{kind[5:]}" for kind in kinds if kind.startswith("core/")]
    return (*spelt, *LISTS)


PODS = types(
    "core/v1:Pod",
    "apps/v1:Deployment",
    "apps/v1:StatefulSet",
    "apps/v1:DaemonSet",
    "apps/v1:ReplicaSet",
    "core/v1:ReplicationController",
    "batch/v1:Job",
    "batch/v1:CronJob",
    "core/v1:PodTemplate",
)


@dataclass(frozen=True, kw_only=True)
class Object:
    """One object. path: where it stands in its resource. item: the resource, if one is known."""

    kind: str
    path: str
    props: Props
    item: Item | None = None

    @property
    def name(self) -> str:
        """Raises Undecided."""
        return str(self.props.at("metadata.name", "without a name"))

    @property
    def namespace(self) -> str:
        """ "default" where none is said, as the API server takes it. Raises Undecided."""
        return str(self.props.at("metadata.namespace", "default"))

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.props.at("metadata.labels") or {})

    @property
    def said_of(self) -> str:
        """How a finding begins: only an item of a List has to be named."""
        return f"{self.kind} {self.name}: " if self.path else ""


@dataclass(frozen=True, kw_only=True)
class Template:
    """One pod as its owner declares it. path: where it stands in the owner's resource."""

    owner: Object
    path: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Props

    @property
    def said_of(self) -> str:
        return self.owner.said_of

    def containers(self, *lists: str) -> Iterator[tuple[str, Props]]:
        """(how a finding names it, the container): all of them, or those of the lists named."""
        for key, word in _CONTAINERS.items():
            for each in self.spec.at(key) or () if not lists or key in lists else ():
                yield f"{self.said_of}{word} {each.get('name')}", each


def objects(props: Props, *kinds: str, item: Item | None = None) -> Iterator[Object]:
    """The object, or those of a List, also of one inside another; only of these kinds if named."""
    yield from _objects(props, "", kinds, item)


def _objects(
    props: Props, path: str, kinds: tuple[str, ...], item: Item | None
) -> Iterator[Object]:
    kind = str(props.at("kind", ""))
    # A kind of somebody else may end in List and hold no items; it is an object as any other.
    if kind == "List" or (kind.endswith("List") and props.given("items")):
        for index, each in enumerate(props.at("items") or ()):
            yield from _objects(each, f"{path}items.{index}.", kinds, item)
    elif not kinds or kind in kinds:
        yield Object(kind=kind, path=path, props=props, item=item)


def templates(props: Props) -> Iterator[Template]:
    """Every pod that a resource declares. Raises Undecided."""
    for each in objects(props):
        template = template_of(each)
        if template is not None:
            yield template


def template_of(each: Object) -> Template | None:
    """The pod that an object declares, None where it makes no pods. Raises Undecided."""
    where = MAKERS.get(each.kind)
    if where is None:
        return None
    pod: Any = each.props.at(where) if where else each.props
    if pod is None or not pod.given("spec"):
        return None
    return Template(
        owner=each,
        path=f"{each.path}{where}.spec" if where else f"{each.path}spec",
        labels=dict(pod.at("metadata.labels") or {}),
        annotations=dict(pod.at("metadata.annotations") or {}),
        spec=pod.at("spec"),
    )


def known(props: Props, path: str, default: Any = None) -> Any:
    """The value at a path; `default` where it is absent or not known yet."""
    try:
        return props.at(path, default)
    except Undecided:
        return default


# -- what rules have in common -------------------------------------------------------------------
def judged(judge: Callable[[Template], Iterator[str]]) -> Callable[[Props], Iterator[str]]:
    """A judge of pods as a judge of whatever makes them."""

    def each(props: Props) -> Iterator[str]:
        found = list(templates(props))
        if not found:
            raise NotApplicable("it declares no pod")
        for template in found:
            yield from judge(template)

    return each


def judged_objects(
    judge: Callable[[Object], Iterator[str]], *kinds: str
) -> Callable[[Props], Iterator[str]]:
    """A judge of objects of these kinds as a judge of the resource that they stand in."""

    def each(props: Props) -> Iterator[str]:
        found = list(objects(props, *kinds))
        if not found:
            raise NotApplicable(f"it holds no {' and no '.join(kinds)}")
        for one in found:
            for wrong in judge(one):
                yield f"{one.said_of}{wrong}"

    return each


def in_pods(*fields: str) -> tuple[str, ...]:
    """Where fields of a pod stand in a Pod, in what has a template, and in a CronJob."""
    places = ("spec.", "spec.template.spec.", "spec.jobTemplate.spec.template.spec.")
    return tuple(place + each for place in places for each in fields)


def in_containers(*fields: str) -> tuple[str, ...]:
    """Where fields of containers stand."""
    return in_pods(*(f"{c}.*.{each}" for c in ("containers", "initContainers") for each in fields))


def checkov(*numbers: int, graph: bool = False) -> tuple[str, ...]:
    """Checkov's checks of Kubernetes objects by number."""
    return tuple(f"CHECKOV CKV{2 if graph else ''}_K8S_{number}" for number in numbers)
