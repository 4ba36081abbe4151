"""The only mocks class: records every registration and answers as the rehearsal's account would.

A call to a provider function raises: the program may make none while it is built.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, cast

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import resource, rpc
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.stack import Stack, wait_for_rpcs

from rehearsal.computed import computed

P = ParamSpec("P")
ACCOUNT = "111122223333"
REGION = "eu-central-1"
PROJECT = "arches"
# Stands where a secret was, in what anybody may read.
SECRET = "[secret]"
# Where in the program a resource stands: a quarter of a recording's time, and nothing reads it.
resource._get_stack_trace = source_pb2.StackTrace
# sdk/go/common/resource/sig: how a secret is marked on the wire.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the account's answer holds an output; give its value")


# What the account answers is plain: no event loop in each of the pool's threads to wait with.
pulumi_mocks.__dict__["_sync_await"] = _at_once


@dataclass
class Registration:
    """One RegisterResource call as the engine would have seen it (inputs in camelCase)."""

    type: str
    name: str
    urn: str
    parent: str
    provider: str
    inputs: dict[str, Any]
    clear: dict[str, Any]  # the inputs as anybody may read them: each secret is SECRET
    dependencies: list[str]
    custom: bool
    protect: bool
    ignore_changes: list[str]
    delete_before_replace: bool
    retain_on_delete: bool
    secret_outputs: list[str]
    property_dependencies: dict[str, frozenset[str]]  # input -> URNs that it comes from
    outputs: dict[str, Any] | None = None
    clear_outputs: dict[str, Any] | None = None
    outputs_registered: int = 0


@dataclass
class Recorder(pulumi_mocks.Mocks):
    """Records registrations; `region` and `account` shape the answered outputs."""

    region: str = REGION
    account: str = ACCOUNT
    registrations: list[Registration] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    clear_exports: dict[str, Any] = field(default_factory=dict)

    def call(self, args: pulumi_mocks.MockCallArgs) -> tuple[dict, Any]:
        raise AssertionError(
            f"the program called {args.token} while it was built; a preview without "
            "credentials could not do that"
        )

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str | None, dict]:
        if not args.custom or not args.typ.startswith("aws:"):
            state = dict(args.inputs)
            if args.typ.startswith("random:"):
                state |= {"result": f"{args.name}-value", "hex": "0badcafe", "b64Std": "AAAA"}
                state |= {"base64": f"{args.name}-value"}
            return (f"{args.name}-id" if args.custom else None), state
        made = computed(
            args.typ,
            args.name,
            args.inputs,
            account_id=self.account,
            region=self.region,
            seed=args.name,
        )
        # A cluster's vpcConfig comes back as it was given, with the group that EKS made.
        filled = {
            key: {**value, **made.outputs[key]}
            for key, value in args.inputs.items()
            if isinstance(value, dict) and isinstance(made.outputs.get(key), dict)
        }
        return made.id, {"name": args.name, **made.outputs, **args.inputs, **filled}

    # -- what tests ask ---------------------------------------------------------------------
    def of(self, type_: str) -> list[Registration]:
        """Every registration of a type, in the order of their URNs."""
        return [r for r in self.registrations if r.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """The only registration of a type (with that logical name); anything else fails."""
        found = [r for r in self.of(type_) if name is None or r.name == name]
        assert len(found) == 1, f"expected one {type_} {name or ''}, got {[r.name for r in found]}"
        return found[0]

    @property
    def custom(self) -> list[Registration]:
        """All resources that a provider makes, providers themselves left out."""
        return [
            r for r in self.registrations if r.custom and not r.type.startswith("pulumi:providers")
        ]

    @property
    def components(self) -> list[Registration]:
        return [r for r in self.registrations if not r.custom]


class _Monitor(pulumi_mocks.MockMonitor):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the engine's name)
        if request.type != "pulumi:pulumi:Stack":
            urn = self.make_urn(request.parent, request.type, request.name)
            assert urn not in self.resources, f"two resources are named {urn}"
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            _mark_secret(response, request.additionalSecretOutputs)
            inputs = rpc.deserialize_properties(request.object)
            self._recorder.registrations.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    parent=request.parent,
                    provider=request.provider,
                    inputs=_plain(inputs),
                    clear=_clear(inputs),
                    dependencies=list(request.dependencies),
                    custom=request.custom,
                    protect=request.protect,
                    ignore_changes=list(request.ignoreChanges),
                    delete_before_replace=request.deleteBeforeReplace,
                    retain_on_delete=request.retainOnDelete,
                    secret_outputs=list(request.additionalSecretOutputs),
                    property_dependencies={
                        key: frozenset(value.urns)
                        for key, value in request.propertyDependencies.items()
                    },
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 (the engine's name)
        outputs = rpc.deserialize_properties(request.outputs)
        for registration in self._recorder.registrations:
            if registration.urn == request.urn:
                registration.outputs = _plain(outputs)
                registration.clear_outputs = _clear(outputs)
                registration.outputs_registered += 1
        return super().RegisterResourceOutputs(request)


def _plain(value: Any) -> Any:
    """Secrets unwrapped: the recorder lives in a test's memory only."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def _clear(value: Any) -> Any:
    """What anybody may read of a value: secrets replaced by SECRET."""
    if rpc.is_rpc_secret(value):
        return SECRET
    if isinstance(value, dict):
        return {k: _clear(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_clear(v) for v in value]
    return value


def _mark_secret(response: Any, names: Iterable[str]) -> None:
    """What the engine does with a resource's secret outputs: they stay secret wherever they go."""
    fields = response.object.fields
    for name in names:
        if name in fields and not rpc.is_rpc_secret(rpc.deserialize_property(fields[name])):
            clear = struct_pb2.Value()
            clear.CopyFrom(fields[name])
            fields[name].struct_value.update({_SIGNATURE: _SECRET})
            fields[name].struct_value.fields["value"].CopyFrom(clear)


def record(
    program: Callable[[], Any], *, stack: str = "test", recorder: Recorder | None = None
) -> Recorder:
    """Run `program` against a fresh recorder and return it once every registration is done."""
    recorder = recorder or Recorder()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_run(program, stack, recorder))
    finally:
        loop.close()
        asyncio.set_event_loop(asyncio.new_event_loop())
    return recorder


def once(build: Callable[P, Recorder]) -> Callable[P, Recorder]:
    """Record each set of arguments once: tests only read a recording.

    Arguments must say in their repr all that they are: plain values, settings.
    """
    kept: dict[str, Recorder] = {}

    @functools.wraps(build)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> Recorder:
        key = repr((args, sorted(kwargs.items())))
        assert " at 0x" not in key, f"{build.__name__} takes what does not tell itself: {key}"
        if key not in kept:
            kept[key] = build(*args, **kwargs)
        return kept[key]

    return remembered


async def _run(program: Callable[[], Any], stack: str, recorder: Recorder) -> None:
    # Both are properties that the SDK's decorator hides from type checkers.
    settings = cast(Any, pulumi_settings.SETTINGS)
    settings.rpc_manager.clear()
    settings.outputs.clear()
    pulumi_settings.ROOT.set(None)
    pulumi_mocks.set_mocks(
        recorder,
        project=PROJECT,
        stack=stack,
        organization="organization",
        monitor=_Monitor(recorder),
    )
    result = program()
    if isinstance(result, pulumi.Output):
        await result.future()
    await wait_for_rpcs()
    root = pulumi_settings.get_root_resource()
    assert isinstance(root, Stack)
    exports = rpc.deserialize_properties(await rpc.serialize_properties(root.outputs, {}))
    # Calls run in threads: what does not depend on each other comes in another order each time.
    recorder.registrations.sort(key=lambda each: each.urn)
    recorder.exports, recorder.clear_exports = _plain(exports), _clear(exports)
