"""Values cross the wire and come back the same; what does not fit is refused, never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from rehearsal import wire
from rehearsal.wire import UNKNOWN, Secret, from_struct, has_unknown, revealed, to_struct


def _wire(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        1,
        -7,
        5432,
        2**40,
        0.5,
        -1.25,
        "",
        "text",
        "ünïcode ✓",
        [],
        {},
        [1, "two", [3.5, None], {"four": [{}]}],
        {"a": {"b": {"c": [True, {"d": None}]}}},
        UNKNOWN,
        [UNKNOWN, "known"],
        {"inner": UNKNOWN},
        Secret("hush"),
        Secret(None),
        Secret(UNKNOWN),
        Secret({"user": "a", "list": [1, {"b": 2}]}),
        [Secret("a"), {"b": Secret(7)}],
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_went(value: Any) -> None:
    back = from_struct(to_struct({"value": value}))["value"]
    assert back == value
    assert type(back) is type(value), 'AWS tells 1, 1.0, true and "1" apart'


def test_whole_numbers_are_int_and_others_float() -> None:
    back = from_struct(_wire({"port": 5432.0, "ratio": 0.5, "on": True}))
    assert [type(back[k]) for k in ("port", "ratio", "on")] == [int, float, bool]


def test_a_tuple_travels_as_a_list() -> None:
    assert from_struct(to_struct({"zones": ("a", "b")})) == {"zones": ["a", "b"]}


def test_the_signatures_are_those_of_the_installed_sdk() -> None:
    assert rpc._special_sig_key == wire.SIGNATURE
    assert rpc._special_secret_sig == wire._SECRET
    assert rpc._special_output_value_sig == wire._OUTPUT
    assert rpc._special_resource_sig == wire._RESOURCE
    assert wire._UNKNOWN == rpc.UNKNOWN


def _special(signature: str, **fields: Any) -> dict[str, Any]:
    return {"value": {wire.SIGNATURE: signature, **fields}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": "known", "dependencies": ["urn:a"]}, "known"),
        ({"value": {"deep": [1.0]}}, {"deep": [1]}),
        ({"dependencies": ["urn:a"]}, UNKNOWN),
        ({"value": "hush", "secret": True}, Secret("hush")),
        ({"value": "open", "secret": False}, "open"),
        ({"secret": True}, Secret(UNKNOWN)),
    ],
)
def test_an_output_loses_its_dependencies_and_keeps_its_secrecy(
    fields: dict[str, Any], expected: Any
) -> None:
    assert from_struct(_wire(_special(wire._OUTPUT, **fields))) == {"value": expected}


def test_a_resource_is_its_id_and_a_component_its_urn() -> None:
    custom = _special(wire._RESOURCE, urn="urn:a", id="vpc-1")
    unmade = _special(wire._RESOURCE, urn="urn:a", id=wire._UNKNOWN)
    component = _special(wire._RESOURCE, urn="urn:a")
    assert from_struct(_wire(custom)) == {"value": "vpc-1"}
    assert from_struct(_wire(unmade)) == {"value": UNKNOWN}
    assert from_struct(_wire(component)) == {"value": "urn:a"}


def test_an_asset_is_refused_rather_than_guessed_at() -> None:
    asset = _wire(_special("c44067f5952c0a294b673a41bacd8c17", text="hello"))
    with pytest.raises(ValueError, match="it knows no assets"):
        from_struct(asset)


def test_a_python_object_is_refused_rather_than_guessed_at() -> None:
    with pytest.raises(ValueError, match=r"^set has no form on the wire$"):
        to_struct({"value": {1, 2}})


def test_a_secret_is_never_printed() -> None:
    secret = Secret("canary-4711")
    for text in (repr(secret), str(secret), f"{secret}", repr({"a": [secret]})):
        assert "canary-4711" not in text, "a log would show somebody's password"


def test_there_is_one_unknown_and_it_is_false() -> None:
    assert type(UNKNOWN)() is UNKNOWN
    assert not UNKNOWN
    assert repr(UNKNOWN) == "unknown"


def test_revealed_opens_every_secret_and_changes_nothing_else() -> None:
    value = {"a": Secret({"b": Secret("x")}), "c": [Secret(1), UNKNOWN], "d": "plain"}
    assert revealed(value) == {"a": {"b": "x"}, "c": [1, UNKNOWN], "d": "plain"}
    assert value["a"] == Secret({"b": Secret("x")}), "the value itself must stay sealed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (UNKNOWN, True),
        (Secret(UNKNOWN), True),
        ({"a": [{"b": UNKNOWN}]}, True),
        ({"a": [{"b": None}], "c": Secret("x")}, False),
        ("", False),
    ],
)
def test_an_unknown_part_makes_a_value_unknown(value: Any, expected: bool) -> None:
    assert has_unknown(value) is expected
