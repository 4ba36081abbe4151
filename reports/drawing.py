"""Pictures as SVG: boxes in columns, arrows between them, readable on paper and by screen readers.

Layout is ours because it is small: a column is the longest way to a box from one that nothing leads
to, boxes stand in the order of their names. The same picture gives the same text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap

from reports.model import Edge, Picture

_WIDTH, _GAP_X, _GAP_Y, _LINE, _PAD, _CHARS = 210, 90, 18, 15, 10, 30


def svg(picture: Picture, name: str) -> str:
    """An `<svg>` element; name: what its ids begin with. Empty pictures give an empty text."""
    if not picture.nodes:
        return ""
    columns = _columns(picture)
    boxes: dict[str, tuple[int, int, int]] = {}
    lines: dict[str, list[str]] = {}
    depth = 0
    for place, names in enumerate(columns):
        y = _PAD
        for each in names:
            node = next(n for n in picture.nodes if n.id == each)
            lines[each] = [node.label, *wrap(node.kind, _CHARS)]
            height = len(lines[each]) * _LINE + 2 * _PAD
            boxes[each] = (_PAD + place * (_WIDTH + _GAP_X), y, height)
            y += height + _GAP_Y
        depth = max(depth, y)
    width = 2 * _PAD + len(columns) * (_WIDTH + _GAP_X) - _GAP_X
    drawn = [_arrow(each, boxes, name) for each in picture.edges]
    drawn += [_box(lines[each], *boxes[each]) for names in columns for each in names]
    title = escape(picture.title)
    return (
        f'<svg viewBox="0 0 {width} {depth}" role="img" aria-labelledby="{name}-title" '
        f'class="picture" width="{width}" height="{depth}">'
        f'<title id="{name}-title">{title}</title>'
        f'<defs><marker id="{name}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" class="head"/>'
        f"</marker></defs>{''.join(drawn)}</svg>"
    )


def _columns(picture: Picture) -> list[list[str]]:
    """Names by column; an arrow of a circle that would lead back is not followed."""
    after: defaultdict[str, list[str]] = defaultdict(list)
    for edge in picture.edges:
        if edge.source != edge.target:
            after[edge.source].append(edge.target)
    column = {node.id: 0 for node in picture.nodes}
    for node in sorted(column):
        _push(node, after, column, ())
    found: defaultdict[int, list[str]] = defaultdict(list)
    for each, place in sorted(column.items()):
        found[place].append(each)
    return [found[place] for place in sorted(found)]


def _push(
    node: str, after: Mapping[str, Sequence[str]], column: dict[str, int], way: tuple[str, ...]
) -> None:
    for target in after.get(node, ()):
        if target not in (*way, node) and column[target] < column[node] + 1:
            column[target] = column[node] + 1
            _push(target, after, column, (*way, node))


def _box(lines: Sequence[str], x: int, y: int, height: int) -> str:
    texts = "".join(
        f'<text x="{x + _PAD}" y="{y + _PAD + _LINE * (place + 1) - 4}" '
        f'class="{"name" if place == 0 else "kind"}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return f'<g><rect x="{x}" y="{y}" width="{_WIDTH}" height="{height}" rx="6"/>{texts}</g>'


def _arrow(edge: Edge, boxes: Mapping[str, tuple[int, int, int]], name: str) -> str:
    (x1, y1, h1), (x2, y2, h2) = boxes[edge.source], boxes[edge.target]
    forward = x1 < x2
    start = (x1 + _WIDTH if forward else x1, y1 + h1 // 2)
    end = (x2 - 2 if forward else x2 + _WIDTH + 2, y2 + h2 // 2)
    bend = _GAP_X // 2 if forward else -_GAP_X // 2
    label = escape(f"{edge.source} to {edge.target}: {edge.label}")
    return (
        f'<path class="arrow" marker-end="url(#{name}-head)" d="M{start[0]} {start[1]}'
        f'C{start[0] + bend} {start[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}">'
        f"<title>{label}</title></path>"
    )
