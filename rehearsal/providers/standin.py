"""What a stand-in provider is, and the gRPC service that puts it before the real engine.

A `StandIn` works on plain Python; `Servicer` translates. It speaks the provider protocol itself
and not through `pulumi.provider.experimental`, which appends a stack trace to every refusal and
drops `oldInputs` (docs/adr/0003-stand-ins-in-one-process.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from rehearsal.wire import GRPC_OPTIONS, from_struct, revealed, to_struct

Values = Mapping[str, Any]


class Refused(Exception):
    """A call is refused; the message is one line and is shown to people as it is."""


class Unready(Refused):
    """A thing was made and never became ready: the engine keeps it and mends it in the next run."""

    def __init__(self, message: str, id_: str, inputs: Values, outputs: Values) -> None:
        super().__init__(message)
        self.id = id_
        self.inputs = inputs
        self.outputs = outputs


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every operation knows about its resource."""

    urn: str

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A property that `check` refuses; `path` is empty where the whole resource is meant."""

    path: str
    reason: str


@dataclass(kw_only=True)
class Difference:
    """The outcome of `diff`: changed paths, and those among them that force a replacement."""

    changed: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    delete_before_replace: bool = False


class StandIn:
    """One provider without a cloud. Every method may raise Refused."""

    package: str
    version: str

    def configure(self, values: Values) -> None:
        """Take the provider resource's inputs."""

    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        raise NotImplementedError

    def diff(
        self, call: Call, id_: str, state: Values, old_inputs: Values, news: Values
    ) -> Difference:
        raise NotImplementedError

    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def read(
        self, call: Call, id_: str, state: Values, inputs: Values
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id ("" where it is gone), outputs and inputs of what exists."""
        raise NotImplementedError

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
        raise NotImplementedError

    def delete(self, call: Call, id_: str, state: Values) -> None:
        raise NotImplementedError

    def invoke(self, token: str, _arguments: Values) -> dict[str, Any]:
        raise Refused(
            f"{token} would call {self.package} while the program is built; a preview without "
            "credentials cannot do that: take the value from a resource or from the settings"
        )


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The provider protocol (pulumi/proto/provider.proto) over one StandIn."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False
        )

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._standin.version)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(
            changes=_some(from_struct(request.olds) != from_struct(request.news))
        )

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            self._standin.configure(from_struct(request.args))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            inputs, failures = self._standin.check(
                Call(urn=request.urn),
                from_struct(request.olds),
                from_struct(request.news),
                request.randomSeed,
            )
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[
                provider_pb2.CheckFailure(property=f.path, reason=f.reason) for f in failures
            ],
        )

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            difference = self._standin.diff(
                Call(urn=request.urn),
                request.id,
                from_struct(request.olds),
                from_struct(request.old_inputs),
                _kept(
                    from_struct(request.news),
                    from_struct(request.old_inputs),
                    request.ignoreChanges,
                ),
            )
        replaces = set(difference.replaces)
        kind = provider_pb2.PropertyDiff.Kind
        return provider_pb2.DiffResponse(
            changes=_some(bool(difference.changed)),
            diffs=difference.changed,
            replaces=difference.replaces,
            deleteBeforeReplace=difference.delete_before_replace,
            detailedDiff={
                path: provider_pb2.PropertyDiff(
                    kind=kind.UPDATE_REPLACE if path in replaces else kind.UPDATE, inputDiff=True
                )
                for path in difference.changed
            },
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            id_, outputs = self._standin.create(
                Call(urn=request.urn), from_struct(request.properties), preview=request.preview
            )
        return provider_pb2.CreateResponse(id=id_, properties=to_struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            id_, outputs, inputs = self._standin.read(
                Call(urn=request.urn),
                request.id,
                from_struct(request.properties),
                from_struct(request.inputs),
            )
        return provider_pb2.ReadResponse(
            id=id_, properties=to_struct(outputs), inputs=to_struct(inputs)
        )

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            old_inputs = from_struct(request.old_inputs)
            outputs = self._standin.update(
                Call(urn=request.urn),
                request.id,
                from_struct(request.olds),
                old_inputs,
                _kept(from_struct(request.news), old_inputs, request.ignoreChanges),
                preview=request.preview,
            )
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            self._standin.delete(Call(urn=request.urn), request.id, from_struct(request.properties))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answers(context):
            result = self._standin.invoke(request.tok, from_struct(request.args))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(result))  # the field is a Python keyword
        return response


def _some(changed: bool) -> Any:
    changes = provider_pb2.DiffResponse.DiffChanges
    return changes.DIFF_SOME if changed else changes.DIFF_NONE


def _kept(news: dict[str, Any], olds: Mapping[str, Any], ignored: Any) -> dict[str, Any]:
    """`news` with the old value at each top-level path of ignoreChanges.

    The engine has already replaced nested ones in the inputs that it sends.
    """
    for path in ignored:
        head = path.split(".")[0].split("[")[0]
        if head == path and head in olds:
            news[head] = olds[head]
    return news


@contextmanager
def _answers(context: Any) -> Iterator[None]:
    """A refusal becomes the call's one-line error; anything else is a fault of the stand-in."""
    try:
        yield
    except Unready as unready:
        context.set_trailing_metadata((("grpc-status-details-bin", _partial(unready)),))
        context.abort(grpc.StatusCode.UNKNOWN, str(unready))
    except Refused as refused:
        context.abort(grpc.StatusCode.UNKNOWN, str(refused))
    except NotImplementedError as error:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not know {error}")


def _partial(unready: Unready) -> bytes:
    """The error's detail by which the engine knows that the thing exists."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(unready))
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=unready.id,
            inputs=to_struct(dict(unready.inputs)),
            properties=to_struct(dict(unready.outputs)),
            reasons=[str(unready)],
        )
    )
    return status.SerializeToString()


def changed_paths(old: Any, new: Any, path: str = "") -> list[str]:
    """Dotted paths at which two values differ, list items as `[i]`, secrets opened."""
    old, new = revealed(old), revealed(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[str] = []
        for key in sorted({*old, *new}):
            inner = f"{path}.{key}" if path else key
            found += changed_paths(old.get(key), new.get(key), inner)
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            p
            for i, (o, n) in enumerate(zip(old, new, strict=True))
            for p in changed_paths(o, n, f"{path}[{i}]")
        ]
    return [] if old == new else [path]


@contextmanager
def serving(standins: list[StandIn]) -> Iterator[dict[str, int]]:
    """Serve every stand-in on a port of the loopback interface; gives package -> port."""
    servers: list[grpc.Server] = []
    ports: dict[str, int] = {}
    try:
        for standin in standins:
            server = grpc.server(
                ThreadPoolExecutor(max_workers=8, thread_name_prefix=standin.package),
                options=GRPC_OPTIONS,
            )
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(standin), server)
            ports[standin.package] = server.add_insecure_port("127.0.0.1:0")
            server.start()
            servers.append(server)
        yield ports
    finally:
        for server in servers:
            server.stop(grace=None)
