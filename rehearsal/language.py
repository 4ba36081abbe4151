"""`pulumi-language-python` for an engine that was built from its Go module.

The official download ships its own language host beside the engine; the module does not. This one
runs the program in its own process through the SDK's LanguageServer (pulumi.automation) and starts
the policy pack as the engine asks (RunPlugin). The program is the same file, run the same way.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from rehearsal import pace
from rehearsal.wire import GRPC_OPTIONS

_LOOK_SECONDS = 1.0
_started: list[subprocess.Popen[bytes]] = []


class LanguageHost(LanguageServer):
    """Runs `__main__.py` of the request's program directory."""

    def __init__(self) -> None:
        super().__init__(self._run_entry)
        self._entry = Path("__main__.py")

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        directory = Path(request.info.program_directory or request.pwd or os.getcwd())
        os.chdir(directory)
        sys.path.insert(0, str(directory))
        self._entry = directory / (request.info.entry_point or ".") / "__main__.py"
        return super().Run(request, context)

    def _run_entry(self) -> None:
        runpy.run_path(str(self._entry), run_name="__main__")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        program = request.info.program_directory or request.pwd
        module = "pulumi.policy" if request.kind == "analyzer" else None
        command = [sys.executable, "-u"]
        command += ["-m", module, *request.args, program] if module else [program, *request.args]
        process = subprocess.Popen(
            command,
            cwd=request.pwd or None,
            env=dict(pair.split("=", 1) for pair in request.env) or None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        _started.append(process)
        context.add_callback(process.terminate)
        queue: SimpleQueue[Any] = SimpleQueue()
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            threading.Thread(target=_pump, args=(name, pipe, queue), daemon=True).start()
        open_pipes = 2
        while open_pipes:
            item = queue.get()
            if item is None:
                open_pipes -= 1
            else:
                yield language_pb2.RunPluginResponse(**item)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


def _pump(name: str, pipe: IO[bytes] | None, queue: SimpleQueue[Any]) -> None:
    assert pipe is not None
    for line in iter(pipe.readline, b""):
        queue.put({name: line})
    queue.put(None)


def _leave_with(engine: int) -> None:
    """End this process and what it started when the engine is gone, however it went.

    The engine puts its plugins into groups of their own, so that a kill of the engine's group
    leaves them behind.
    """
    while os.getppid() == engine:
        time.sleep(_LOOK_SECONDS)
    for process in _started:
        with contextlib.suppress(OSError):
            process.kill()
    os._exit(0)


def main() -> None:
    """Serve on a free port of the loopback interface and print it, as plugins do."""
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    pace.quicken()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=4),
        options=GRPC_OPTIONS,
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine ends its plugins with SIGINT, in the middle of anything, and waits for them: up to
    # 5 s for one whose program still runs, 2 s while an interpreter frees the SDK's classes.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
