"""A provider that does nothing: the floor that a preview's speed is measured against."""

from __future__ import annotations

from typing import Any

from rehearsal.providers.standin import Call, Difference, Failure, StandIn, Values, changed_paths


class Trivial(StandIn):
    """Accepts everything, remembers nothing; `package` may be any provider's name."""

    def __init__(self, package: str, version: str = "1.0.0") -> None:
        self.package = package
        self.version = version

    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        return dict(news), []

    def diff(
        self, call: Call, id_: str, state: Values, old_inputs: Values, news: Values
    ) -> Difference:
        return Difference(changed=changed_paths(old_inputs, news))

    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, dict[str, Any]]:
        return ("" if preview else call.name), dict(inputs)

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
        return dict(news)

    def delete(self, call: Call, id_: str, state: Values) -> None:
        return None
