"""Values between the engine and a stand-in: protobuf structs on the wire, plain Python inside.

Numbers that are whole become int, unknown values become `UNKNOWN`, secrets become `Secret`, and
output values lose their dependencies. Nothing else of Pulumi's value model occurs in this program;
what does not fit raises ValueError rather than being guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import struct_pb2

# sdk/go/common/resource/sig and resource/plugin/rpc.go of pulumi v3.259.0
SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# The engine's own ceiling for a message (sdk/go/common/util/rpcutil, 400 MB).
_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
GRPC_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
)


class _Unknown:
    """The value of an output that is known only after deployment. There is one: UNKNOWN."""

    _only: _Unknown | None = None

    def __new__(cls) -> _Unknown:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        return False


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that is never printed."""

    value: Any = field(repr=False)

    def __repr__(self) -> str:
        return "a secret"


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A property map from the wire as plain Python."""
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == _UNKNOWN else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE not in fields:
            return {key: _value(item) for key, item in fields.items()}
        return _special(fields)
    return None


def _special(fields: Mapping[str, struct_pb2.Value]) -> Any:
    signature = fields[SIGNATURE].string_value
    if signature == _SECRET:
        return Secret(_value(fields["value"]))
    if signature == _OUTPUT:
        inner = _value(fields["value"]) if "value" in fields else UNKNOWN
        secret = "secret" in fields and fields["secret"].bool_value
        return Secret(inner) if secret else inner
    if signature == _RESOURCE:
        return _value(fields["id"]) if "id" in fields else fields["urn"].string_value
    raise ValueError(f"a value of kind {signature} reached a stand-in; it knows no assets")


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain Python as a property map for the wire."""
    struct = struct_pb2.Struct()
    for key, value in values.items():
        _fill(struct.fields[key], value)
    return struct


def _fill(target: struct_pb2.Value, value: Any) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, (int, float)):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Secret):
        fields = target.struct_value.fields
        fields[SIGNATURE].string_value = _SECRET
        _fill(fields["value"], value.value)
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item)
    elif isinstance(value, (list, tuple)):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
    else:
        raise ValueError(f"{type(value).__name__} has no form on the wire")


def revealed(value: Any) -> Any:
    """`value` with every Secret opened: for comparing, never for printing."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether any part of `value` is known only after deployment."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return False
