"""pulumi-random with its real semantics: born once, kept in state, new only with new keepers."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from importlib import metadata
from typing import Any

from rehearsal.providers.standin import (
    Call,
    Difference,
    Failure,
    Refused,
    StandIn,
    Values,
    changed_paths,
)
from rehearsal.wire import UNKNOWN, Secret, has_unknown, revealed

_SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
# type -> (inputs it knows, outputs beyond them, outputs that are secret)
_TYPES: dict[str, tuple[set[str], set[str], set[str]]] = {
    "random:index/randomPassword:RandomPassword": (
        {"length", "special", "upper", "lower", "numeric", "number", "minUpper", "minLower",
         "minNumeric", "minSpecial", "overrideSpecial", "keepers"},
        {"result", "bcryptHash"},
        {"result", "bcryptHash"},
    ),
    "random:index/randomString:RandomString": (
        {"length", "special", "upper", "lower", "numeric", "number", "minUpper", "minLower",
         "minNumeric", "minSpecial", "overrideSpecial", "keepers"},
        {"result"},
        set(),
    ),
    "random:index/randomId:RandomId": (
        {"byteLength", "prefix", "keepers"}, {"hex", "dec", "b64Std", "b64Url"}, set(),
    ),
    "random:index/randomBytes:RandomBytes": (
        {"length", "keepers"}, {"base64", "hex"}, {"base64", "hex"},
    ),
    "random:index/randomUuid:RandomUuid": ({"keepers"}, {"result"}, set()),
}  # fmt: skip
_REQUIRED = {
    "random:index/randomPassword:RandomPassword": {"length"},
    "random:index/randomString:RandomString": {"length"},
    "random:index/randomId:RandomId": {"byteLength"},
    "random:index/randomBytes:RandomBytes": {"length"},
}


class Random(StandIn):
    """The stand-in for the random provider; values come from the operating system."""

    package = "random"
    version = metadata.version("pulumi_random")

    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        if call.type not in _TYPES:
            return dict(news), [Failure(path="", reason=f"the random stand-in has no {call.type}")]
        known = _TYPES[call.type][0]
        failures = [
            Failure(path=key, reason=f"no such property; allowed: {', '.join(sorted(known))}")
            for key in news
            if key not in known and not key.startswith("__")
        ]
        failures += [
            Failure(path=key, reason="missing")
            for key in sorted(_REQUIRED.get(call.type, set()) - set(news))
        ]
        if not failures and call.type.endswith((":RandomPassword", ":RandomString")):
            failures += _impossible(news)
        return dict(news), failures

    def diff(
        self, call: Call, id_: str, state: Values, old_inputs: Values, news: Values
    ) -> Difference:
        changed = changed_paths(old_inputs, news)
        return Difference(changed=changed, replaces=changed)

    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, dict[str, Any]]:
        _, outputs, secret = _TYPES[call.type]
        if preview:
            return "", {**inputs, **dict.fromkeys(outputs, UNKNOWN)}
        id_, born = _born(call.type, revealed(dict(inputs)))
        return id_, {
            **inputs,
            **{k: Secret(v) if k in secret else v for k, v in born.items()},
        }

    def read(
        self, call: Call, id_: str, state: Values, inputs: Values
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        return id_, dict(state), dict(inputs)

    def update(
        self,
        call: Call,
        id_: str,
        state: Values,
        old_inputs: Values,
        news: Values,
        *,
        preview: bool,
    ) -> dict[str, Any]:
        raise Refused(f"{call.type} cannot be changed, only replaced")

    def delete(self, call: Call, id_: str, state: Values) -> None:
        return None


def _born(type_: str, inputs: Values) -> tuple[str, dict[str, Any]]:
    if type_.endswith((":RandomPassword", ":RandomString")):
        text = _text(inputs)
        if type_.endswith(":RandomPassword"):
            return "none", {"result": text, "bcryptHash": "$2a$10$" + secrets.token_hex(27)[:53]}
        return text, {"result": text}
    if type_.endswith(":RandomUuid"):
        value = str(uuid.uuid4())
        return value, {"result": value}
    if type_.endswith(":RandomBytes"):
        raw = secrets.token_bytes(int(inputs["length"]))
        return "none", {"base64": base64.b64encode(raw).decode(), "hex": raw.hex()}
    raw = secrets.token_bytes(int(inputs["byteLength"]))
    prefix = str(inputs.get("prefix") or "")
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return url, {
        "hex": prefix + raw.hex(),
        "dec": prefix + str(int.from_bytes(raw, "big")),
        "b64Std": prefix + base64.b64encode(raw).decode(),
        "b64Url": prefix + url,
    }


def _impossible(inputs: Values) -> list[Failure]:
    """Demands that no text can meet."""
    if has_unknown(inputs):
        return []
    opened = revealed(dict(inputs))
    used = _classes(opened)
    least = max(sum(least for _, least in used), 1)
    if not used:
        return [Failure(path="", reason="no class of characters is on: no text can be made")]
    if int(opened["length"]) < least:
        return [Failure(path="length", reason=f"got {opened['length']}; allowed: at least {least}")]
    return []


def _classes(inputs: Values) -> list[tuple[str, int]]:
    """The characters of each class that is on, and how many of them there must be."""
    special = str(inputs.get("overrideSpecial") or _SPECIAL)
    classes = [
        (string.ascii_uppercase, inputs.get("upper", True), inputs.get("minUpper", 0)),
        (string.ascii_lowercase, inputs.get("lower", True), inputs.get("minLower", 0)),
        (
            string.digits,
            inputs.get("numeric", inputs.get("number", True)),
            inputs.get("minNumeric", 0),
        ),
        (special, inputs.get("special", True), inputs.get("minSpecial", 0)),
    ]
    return [(letters, int(least)) for letters, on, least in classes if on]


def _text(inputs: Values) -> str:
    """A random text of the demanded classes, each with its minimum."""
    used = _classes(inputs)
    length = int(inputs["length"])
    chosen = [secrets.choice(letters) for letters, least in used for _ in range(least)]
    everything = "".join(letters for letters, _ in used)
    chosen += [secrets.choice(everything) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
