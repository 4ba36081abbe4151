"""What holds for every room of the table of refusals, asked once for all of them.

A room's own file holds its cases, what is special about them, and the tests that only it needs.
A case is named by room, row and place: `-k network-N14-` runs the cases of row N14.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rehearsal import refusals
from rehearsal.refusals import certificates
from rehearsal.refusals.table import Row
from tests.rehearsal.refusals import (
    test_audits,
    test_backups,
    test_balancers,
    test_buckets,
    test_caches,
    test_certificates,
    test_databases,
    test_distributions,
    test_firewalls,
    test_identity,
    test_keys,
    test_kubernetes_service,
    test_network,
    test_notices,
    test_objects,
)
from tests.rehearsal.refusals.cases import (
    Case,
    Thing,
    delete,
    holes,
    misnamed,
    said,
    secret,
    unknown,
)


@dataclass(frozen=True, kw_only=True)
class Room:
    """certain: rows that are sure of their answer before the new values are known.
    fire_later: rows whose firing takes time and has tests of its own in the room's file."""

    name: str
    rows: Sequence[Row]
    cases: Sequence[Case]
    certain: Collection[str] = ()
    fire_later: Sequence[str] = ()


def _room(file: Any) -> Room:
    return Room(
        name=file.__name__.rpartition(".test_")[2],
        rows=file.ROWS,
        cases=file.CASES,
        certain=getattr(file, "CERTAIN", ()),
        fire_later=getattr(file, "FIRE_LATER", ()),
    )


# In the order of the table.
ROOMS = [
    _room(file)
    for file in (
        test_network,
        test_identity,
        test_keys,
        test_kubernetes_service,
        test_databases,
        test_caches,
        test_buckets,
        test_balancers,
        test_certificates,
        test_distributions,
        test_firewalls,
        test_backups,
        test_audits,
        test_notices,
        test_objects,
    )
]


def _named(room: Room) -> Iterator[tuple[str, Case]]:
    """The cases of a room, each named by its room, its row and its place among the row's."""
    place: Counter[str] = Counter()
    for case in room.cases:
        place[case.row] += 1
        yield f"{room.name}-{case.row}-{place[case.row]}", case


def _about_values(room: Room) -> list[tuple[str, Case]]:
    """The cases that fire on a value that is asked for."""
    return [(id_, case) for id_, case in _named(room) if case.says is not None and case.request.new]


every_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
every_case = pytest.mark.parametrize(
    ("room", "case"),
    [pytest.param(room, case, id=id_) for room in ROOMS for id_, case in _named(room)],
)


@pytest.fixture(autouse=True, scope="module")
def two_certificates_a_year() -> Iterator[None]:
    """Nobody waits for five thousand of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "A_YEAR", 2)
        yield


# -- cases ---------------------------------------------------------------------------------------
@every_case
def test_the_row_says_exactly_what_aws_says(room: Room, case: Case) -> None:
    assert said(room.rows, case) == case.says


# -- rooms ---------------------------------------------------------------------------------------
@every_room
def test_what_is_known_only_later_is_never_judged(room: Room) -> None:
    judged = {
        id_: line
        for id_, case in _about_values(room)
        if case.row not in room.certain and (line := said(room.rows, unknown(case))) is not None
    }
    assert judged == {}, "a first preview would be refused for no reason"


@every_room
def test_a_secret_value_is_judged_like_any_other(room: Room) -> None:
    assert {id_: said(room.rows, secret(case)) for id_, case in _about_values(room)} == {
        id_: case.says for id_, case in _about_values(room)
    }


@every_room
def test_every_row_has_a_case_that_fires_and_one_that_passes(room: Room) -> None:
    assert holes(room.rows, room.cases) == list(room.fire_later), (
        "a row that nobody has seen fire may never fire"
    )


@every_room
def test_types_and_inputs_are_named_as_the_provider_names_them(room: Room) -> None:
    assert misnamed(room.rows, room.cases) == [], "a row about a misspelt input never fires"


@pytest.mark.parametrize(
    ("type_", "name", "expected"),
    [
        ("aws:ec2/vpc:Vpc", "cidrBlock", []),
        ("aws:ec2/vpc:Vpc", "cidr", ["aws:ec2/vpc:Vpc cidr"]),
        ("aws:ec2/vpc:Vcp", "cidrBlock", ["aws:ec2/vpc:Vcp"]),
        ("kubernetes:core/v1:Service", "spec", []),
        ("kubernetes:core/v1:Service", "specs", ["kubernetes:core/v1:Service specs"]),
        ("kubernetes:core/v1:Servcie", "spec", ["kubernetes:core/v1:Servcie"]),
        ("kubernetes:core/v2:Service", "spec", ["kubernetes:core/v2:Service"]),
        ("kubernetes:cor/v1:Service", "spec", ["kubernetes:cor/v1:Service"]),
        ("kubernetes:storage/v1:StorageClass", "spec", ["kubernetes:storage/v1:StorageClass"]),
        ("kubernetes:velero.io/v1:Backup", "spec", []),
        ("kubernetes:velero.io/v1:Backup", "specs", ["kubernetes:velero.io/v1:Backup specs"]),
    ],
)
def test_a_misspelt_type_or_input_is_found(type_: str, name: str, expected: list[str]) -> None:
    there = Thing(type=type_, id="x", inputs={name: "x"})
    case = Case(row="", have=[there], request=delete("aws:ec2/vpc:Vpc", "v"))
    assert misnamed([], [case]) == expected


# -- the table -----------------------------------------------------------------------------------
def test_the_table_has_227_rows_and_every_one_is_asked_here() -> None:
    assert len(refusals.ROWS) == 227, "a row came or went: say so here"
    assert [row.id for room in ROOMS for row in room.rows] == [row.id for row in refusals.ROWS], (
        "a room without cases is a room that nobody has seen fire"
    )


def test_no_two_rows_have_the_same_id() -> None:
    times = Counter(row.id for row in refusals.ROWS)
    assert [id_ for id_, count in times.items() if count > 1] == [], (
        "a message would be looked up in the wrong row of the reference"
    )


@pytest.mark.parametrize("part", ["title", "source"])
def test_every_row_says_what_it_is_about_and_where_it_was_seen(part: str) -> None:
    assert [row.id for row in refusals.ROWS if not getattr(row, part).strip()] == [], (
        "nobody could check the row against AWS"
    )
