"""Pictures stay readable: what is alike is one box, what is busy is words, and nothing is lost."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from reports.drawing import svg
from reports.model import Edge, Node, Picture
from tests.reports.small import HOSTILE


def picture(*ways: str) -> Picture:
    """ways: "a b 443": a reaches b on 443."""
    edges = [Edge(source=a, target=b, label=c) for a, b, c in (way.split(" ") for way in ways)]
    names = sorted({end for edge in edges for end in (edge.source, edge.target)})
    nodes = tuple(Node(id=name, label=name, kind="", group="") for name in names)
    return Picture(title="Who", legend="An arrow", nodes=nodes, edges=tuple(edges))


def drawn(of: Picture) -> tuple[list[list[str]], list[str], int]:
    """Lines of text of each box, labels of arrows, number of arrows."""
    root = ElementTree.fromstring(svg(of, "p"))
    boxes = [[text.text or "" for text in g if text.tag.endswith("text")] for g in root.iter("g")]
    labels = [each.text or "" for each in root.iter("text") if each.get("class") == "way"]
    arrows = [each for each in root.iter("path") if each.get("class") == "arrow"]
    return boxes, labels, len(arrows)


def test_an_empty_picture_is_no_picture():
    assert svg(picture(), "p") == ""


def test_each_way_is_an_arrow_with_its_label():
    boxes, labels, arrows = drawn(picture("a b 443", "b c 80"))
    assert boxes == [["a"], ["b"], ["c"]]
    assert (sorted(labels), arrows) == (["443", "80"], 2)


def test_parts_with_the_same_neighbours_share_a_box_and_two_ways_an_arrow():
    boxes, labels, arrows = drawn(picture("one db 5432", "two db 5432", "web db 80", "web db 81"))
    assert boxes == [["db"], ["one", "two"], ["web"]]
    assert (sorted(labels), arrows) == (["5432", "80, 81"], 2)


def test_arrows_of_the_busiest_are_words_at_their_other_ends():
    ways = [f"hub leaf{n} {n}" for n in range(7)]
    boxes, labels, arrows = drawn(picture(*ways))
    assert (labels, arrows) == ([], 0)
    assert ["hub", "to 7 others that say so"] in boxes
    assert ["leaf3", "from hub: 3"] in boxes
    boxes, labels, arrows = drawn(picture(*(f"leaf{n} hub {n}" for n in range(7))))
    assert arrows == 0
    assert ["hub", "from 7 others that say so"] in boxes
    assert ["leaf3", "to hub: 3"] in boxes


def test_an_arrow_leads_downwards_and_a_circle_ends():
    text = svg(picture("a b 1", "b c 2", "c a 3", "c c 4"), "p")
    ends = [
        (int(y1), int(y2))
        for y1, y2 in re.findall(r'class="arrow"[^>]*d="M\d+ (\d+)C[^"]* \d+ (\d+)"', text)
    ]
    assert len(ends) == 3, "a way to itself is no arrow"
    assert sum(y1 < y2 for y1, y2 in ends) == 2, "one arrow of a circle has to lead back"


@pytest.mark.parametrize("size", [5, 6, 40])
def test_no_two_boxes_overlap_and_all_are_inside(size: int):
    ways = [f"n{n} n{(n * 7 + 1) % size} {n}" for n in range(size)]
    root = ElementTree.fromstring(svg(picture(*ways), "p"))
    _, _, width, height = map(int, (root.get("viewBox") or "").split())
    places = [
        tuple(int(each.get(key) or 0) for key in ("x", "y", "width", "height"))
        for each in root.iter("rect")
    ]
    for x, y, w, h in places:
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    for i, (x1, y1, w1, h1) in enumerate(places):
        for x2, y2, w2, h2 in places[i + 1 :]:
            assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1


def test_a_hostile_name_is_text():
    nodes = tuple(Node(id=name, label=name, kind=name, group="") for name in (HOSTILE, "b"))
    edge = Edge(source=HOSTILE, target="b", label=HOSTILE)
    text = svg(Picture(title=HOSTILE, legend="", nodes=nodes, edges=(edge,)), "p")
    assert "<script" not in text
    ElementTree.fromstring(text)
    assert svg(Picture(title=HOSTILE, legend="", nodes=nodes, edges=(edge,)), "p") == text
