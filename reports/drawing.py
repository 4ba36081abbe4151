"""Pictures as SVG: boxes in rows, arrows downwards, readable on paper and on a small screen.

Layout is ours because it is small, and because what makes such a picture readable is what it leaves
out: parts with the same neighbours share a box, and arrows of a part that has more than `_MOST` of
them are words in the boxes at their other ends. A row is the longest way to a box from one that
nothing leads to. The same picture gives the same text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

from reports.model import Picture

_MOST = 6
_COLUMNS = 5
# Pixels; 26 characters of 11 pixels fit into a box even in a wide font.
_WIDTH, _GAP_X, _GAP_Y, _LINE, _PAD, _CHARS = 206, 20, 58, 14, 9, 26
_FULL = _COLUMNS * (_WIDTH + _GAP_X) - _GAP_X + 2 * _PAD

Arrows = Mapping[tuple[str, str], str]


@dataclass
class _Box:
    """Parts that are drawn as one, and where. words: arrows that are not drawn."""

    names: list[str]
    kind: str
    words: list[str] = field(default_factory=list)
    x: int = 0
    y: int = 0

    @property
    def name(self) -> str:
        return self.names[0] + (f" and {len(self.names) - 1} more" if self.names[1:] else "")

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(class, text) of each line."""
        return [
            *(("name", line) for name in self.names for line in wrap(name, _CHARS)),
            *(("kind", line) for text in (self.kind, *self.words) for line in wrap(text, _CHARS)),
        ]

    @property
    def height(self) -> int:
        return len(self.lines) * _LINE + 2 * _PAD


def svg(picture: Picture, name: str) -> str:
    """An `<svg>` element; name: what its ids begin with. Empty pictures give an empty text."""
    if not picture.nodes:
        return ""
    boxes, every = _boxes(picture)
    arrows = _in_words(boxes, every)
    y = _PAD
    for row in _rows(boxes, arrows):
        left = (_FULL - len(row) * (_WIDTH + _GAP_X) + _GAP_X) // 2
        for place, each in enumerate(row):
            boxes[each].x, boxes[each].y = left + place * (_WIDTH + _GAP_X), y
        y += max(boxes[each].height for each in row) + _GAP_Y
    height = y - _GAP_Y + _PAD
    lines, labels = _drawn(boxes, arrows, name)
    drawn = "".join((*lines, *map(_box, boxes.values()), *labels))
    return (
        f'<svg viewBox="0 0 {_FULL} {height}" role="img" aria-labelledby="{name}-title" '
        f'class="picture" width="{_FULL}" height="{height}">'
        f'<title id="{name}-title">{escape(picture.title)}</title>'
        f'<defs><marker id="{name}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" class="head"/>'
        f"</marker></defs>{drawn}</svg>"
    )


# -- what is drawn -------------------------------------------------------------------------------
def _boxes(picture: Picture) -> tuple[dict[str, _Box], Arrows]:
    """Boxes by the name of their first part, and the arrows between them with their labels."""
    near: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for edge in picture.edges:
        near[edge.source].add(("to", edge.target, edge.label))
        near[edge.target].add(("from", edge.source, edge.label))
    alike: dict[object, str] = {}
    boxes: dict[str, _Box] = {}
    box_of: dict[str, str] = {}
    for node in sorted(picture.nodes, key=lambda node: node.id):
        first = alike.setdefault((node.kind, frozenset(near[node.id]) or node.id), node.id)
        boxes.setdefault(first, _Box([], node.kind)).names.append(node.label)
        box_of[node.id] = first
    labels: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for edge in picture.edges:
        if box_of[edge.source] != box_of[edge.target]:
            label = edge.label.replace(" ", "\u00a0")  # "tcp 443" is not to be wrapped
            labels[box_of[edge.source], box_of[edge.target]][label] = None
    return boxes, {ends: ", ".join(each) for ends, each in sorted(labels.items())}


def _in_words(boxes: Mapping[str, _Box], arrows: Arrows) -> Arrows:
    """The arrows that are to be drawn; the others become words in the boxes."""
    leaving, arriving = Counter(a for a, _ in arrows), Counter(b for _, b in arrows)
    elsewhere: Counter[tuple[str, str]] = Counter()
    drawn: dict[tuple[str, str], str] = {}
    for (source, target), label in arrows.items():
        if arriving[target] > _MOST:
            boxes[source].words.append(f"to {boxes[target].name}: {label}")
            elsewhere[target, "from"] += 1
        elif leaving[source] > _MOST:
            boxes[target].words.append(f"from {boxes[source].name}: {label}")
            elsewhere[source, "to"] += 1
        else:
            drawn[source, target] = label
    for (name, way), count in elsewhere.items():
        boxes[name].words.append(f"{way} {count} others that say so")
    return drawn


# -- where ---------------------------------------------------------------------------------------
def _rows(boxes: Iterable[str], arrows: Arrows) -> Iterator[list[str]]:
    """Names by row from the top; those without an arrow stand last."""
    before: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in arrows:
        before[target].append(source)
    ends = {name for pair in arrows for name in pair}
    layer: dict[str, int] = {}
    left = sorted(ends)
    while left:
        waiting = {name: sum(s not in layer for s in before[name]) for name in left}
        # In a circle nothing is free: the one that waits for the fewest goes first.
        free = [name for name in left if not waiting[name]] or [min(left, key=waiting.__getitem__)]
        made = {n: 1 + max((layer[s] for s in before[n] if s in layer), default=-1) for n in free}
        layer |= made
        left = [name for name in left if name not in made]
    for source in ends - {target for _, target in arrows}:
        layer[source] = min(layer[target] for begin, target in arrows if begin == source) - 1
    layers: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sorted(ends):
        layers[layer[name]].append(name)
    where: dict[str, float] = {}
    for names in layers:
        names.sort(key=lambda name: (_middle(where, before[name]), name))
        where |= {name: (place + 0.5) / len(names) for place, name in enumerate(names)}
    for names in (*layers, sorted(set(boxes) - ends)):
        for start in range(0, len(names), _COLUMNS):
            yield names[start : start + _COLUMNS]


def _middle(where: Mapping[str, float], names: Sequence[str]) -> float:
    known = [where[name] for name in names if name in where]
    return sum(known) / len(known) if known else 0.5


# -- how -----------------------------------------------------------------------------------------
def _box(box: _Box) -> str:
    texts = "".join(
        f'<text x="{box.x + _PAD}" y="{box.y + _PAD + _LINE * (place + 1) - 3}" class="{kind}">'
        f"{escape(line)}</text>"
        for place, (kind, line) in enumerate(box.lines)
    )
    rect = f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{box.height}" rx="6"/>'
    return f"<g>{rect}{texts}</g>"


def _drawn(boxes: Mapping[str, _Box], arrows: Arrows, name: str) -> tuple[list[str], list[str]]:
    """Arrows, and their labels above the box that each leads to."""
    leaving: defaultdict[str, list[str]] = defaultdict(list)
    arriving: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in sorted(arrows, key=lambda pair: (boxes[pair[1]].x, boxes[pair[0]].x)):
        leaving[source].append(target)
    for source, target in sorted(arrows, key=lambda pair: (boxes[pair[0]].x, boxes[pair[1]].x)):
        arriving[target].append(source)
    lines: list[str] = []
    labels: list[str] = []
    for (source, target), label in arrows.items():
        start, end = boxes[source], boxes[target]
        down = start.y < end.y
        place = arriving[target].index(source)
        x1 = start.x + _slot(leaving[source].index(target), len(leaving[source]))
        x2 = end.x + _slot(place, len(arriving[target]))
        y1, y2 = (start.y + start.height, end.y - 2) if down else (start.y, end.y + end.height + 2)
        bend = _GAP_Y if down else -_GAP_Y
        lines.append(
            f'<path class="arrow" marker-end="url(#{name}-head)" d="M{x1} {y1}'
            f'C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"/>'
        )
        y = y2 - 9 - _LINE * (place % 3) if down else y2 + 16 + _LINE * (place % 3)
        labels.append(f'<text x="{x2}" y="{y}" class="way">{escape(label)}</text>')
    return lines, labels


def _slot(place: int, count: int) -> int:
    return _WIDTH * (place + 1) // (count + 1)
