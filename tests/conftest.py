"""What whole-stack tests share: every environment's program, recorded once in each process."""

from __future__ import annotations

import gc
import json
import os
import pickle
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from rehearsal import locks, pace
from settings import Environment, bootstrap, read
from tests.recorder import Recorder, record

# Most of a recording's time is garbage collection among classes that live as long as the tests.
pace.quicken()

# Every one of 2,000 environments that the tests check reads the same file of authorities.
bootstrap._fault = cache(bootstrap._fault)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FILES = sorted(ROOT.glob("Pulumi.*.yaml"))
STACKS = tuple(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in FILES)
# Every secret that an environment can give, with a value that is found wherever it leaks.
GIVEN_SECRETS = {
    "arches:openAiApiKey": "canary-open-ai-api-key",
    "arches:sentryDsn": "https://canary-sentry-dsn@example.invalid/1",
    "arches:pagerUrl": "https://example.invalid/canary-pager-url",
}
# Every choice that adds something, switched on: what no environment has today must work as well.
EVERY_CHOICE: dict[str, dict[str, Any]] = {
    "arches:secrets": {"openAi": True, "sentry": True},
    "arches:alarms": {"pager": True, "findings": True},
    # With files in the vaults, versions and snapshots of them share the 30 days of an erasure.
    "arches:storage": {"stateBucket": True, "noncurrentDays": 23},
    "arches:backup": {"hourly": True, "files": True, "keepDays": 7},
    "arches:edge": {
        "dnssec": True,
        "connectionLogs": True,
        "shieldAdvanced": {"subscribe": True, "autoRenew": True, "protect": True},
        "firewall": {
            "onBalancer": True,
            "antiDdos": True,
            "deniedCidrs": ["198.51.100.0/24", "2001:db8:1::/48"],
            "trustedCidrs": ["192.0.2.0/24"],
        },
    },
    "arches:governance": {"trailDataEvents": True, "trailInsights": True, "costTag": "activate"},
}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One environment: its settings, and its program as the engine would have seen it."""

    stack: str
    settings: Environment
    made: Recorder


def config_of(stack: str) -> dict[str, Any]:
    """The `config:` mapping of an environment's file."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]


def run_program(
    stack: str, config: Mapping[str, Any], secrets: Mapping[str, str] | None = None
) -> Recorder:
    """Record the unchanged `__main__.py` with this configuration."""
    secrets = secrets or {}
    texts = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }

    def program() -> None:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    pulumi.runtime.set_all_config({**texts, **secrets}, list(secrets))
    try:
        return record(program, stack=stack)
    finally:
        pulumi.runtime.set_all_config({}, [])


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value)
        if isinstance(value, dict) and isinstance(below.get(key), dict)
        else value
        for key, value in above.items()
    }
    return {**below, **both}


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """The name of each environment in turn."""
    return request.param


@pytest.fixture(scope="session")
def program_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Recorder]:
    """(stack, with every choice) -> its recorded program, made once for all of pytest's workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @cache
    def recorded(stack: str, every: bool) -> Recorder:
        kept = shared / f"{stack}-{'every-choice' if every else 'as-it-is'}.pickle"
        with locks.awaited(kept.with_suffix(".lock")):
            if not kept.exists():
                kept.write_bytes(pickle.dumps(_run(stack, every)))
            return pickle.loads(kept.read_bytes())

    return recorded


def _run(stack: str, every: bool) -> Recorder:
    config = config_of(stack)
    if every:
        return run_program(stack, _merged(config, EVERY_CHOICE), GIVEN_SECRETS)
    return run_program(stack, config)


@pytest.fixture(scope="session")
def every_stack(program_of: Callable[[str, bool], Recorder]) -> dict[str, Recorded]:
    """All environments by name."""
    return {
        name: Recorded(
            stack=name,
            settings=read(ROOT / f"Pulumi.{name}.yaml"),
            made=program_of(name, False),
        )
        for name in STACKS
    }


@pytest.fixture
def recorded(stack: str, every_stack: dict[str, Recorded]) -> Recorded:
    """Each environment in turn, as its file says."""
    return every_stack[stack]


@pytest.fixture
def every_choice(stack: str, program_of: Callable[[str, bool], Recorder]) -> Recorder:
    """Each environment in turn with every choice switched on and every secret given."""
    return program_of(stack, True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A folder of which no test is wanted is not read: its name is the marker of all its tests."""
    unwanted = f"not {collection_path.name}" in str(config.getoption("markexpr"))
    return True if unwanted and collection_path.parent == HERE else None


def pytest_collection_finish() -> None:
    """What was imported and collected lives until the end: no collection needs to walk it."""
    gc.freeze()
    # Collecting what recordings leave behind takes a tenth of the tests' time; it is 0.5 GB.
    gc.set_threshold(5_000_000, 20, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """The process ends: nobody needs its memory back."""
    gc.freeze()
