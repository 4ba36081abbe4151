"""Secrets never appear in clear: not on the screen, not in a log, not in a file that is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal import export
from rehearsal.session import CANARY
from tests.engine import programs
from tests.engine.conftest import Open
from tests.engine.seen import strings

pytestmark = pytest.mark.engine

SIGNATURE = "4dabf18193072939515e22adb298388d"
# A shorter text may stand anywhere by chance.
SHORTEST = 12


def secrets_of(value: Any) -> set[str]:
    """Every secret text of a state that was exported with `--show-secrets`."""
    found: set[str] = set()
    if isinstance(value, dict):
        if SIGNATURE in value and "plaintext" in value:
            return set(strings(json.loads(value["plaintext"])))
        for inner in value.values():
            found |= secrets_of(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= secrets_of(inner)
    return found


def test_no_secret_is_printed_logged_or_kept_in_clear(
    open_stack: Open, staging: Path, tmp_path: Path
) -> None:
    # A secret that a person gives, and a random one that is made anew, beside those there are.
    project = programs.edited(
        tmp_path / "project",
        (
            "Pulumi.staging.yaml",
            "  arches:registry:",
            "  arches:openAiApiKey: {secure: AAABAGiven}\n"
            "  arches:secrets: {openAi: true, generation: {jwt: 2}}\n"
            "  arches:registry:",
        ),
    )
    with open_stack(staging, program=project) as opened:
        preview = opened.run("preview", "--json", "--show-sames")
        preview_events = (staging / "preview.events.jsonl").read_text()
        up = opened.run("up", "--yes", "--skip-preview", "--diff")
        export.write(opened, tmp_path / "export")
        clear = opened.pulumi("stack", "export", "--show-secrets", "--stack", "staging")
    planted = {text for text in secrets_of(json.loads(clear)) if len(text) >= SHORTEST}
    assert any(text.startswith(CANARY) for text in planted), "the given secret was not planted"
    assert len(planted) > 10, "the random secrets were not planted"

    kept = {
        "preview's JSON": preview.stdout,
        "preview's stderr": preview.stderr,
        "preview's events": preview_events,
        "up's output": up.stdout,
        "up's stderr": up.stderr,
    }
    files = [p for folder in (staging, tmp_path / "export") for p in folder.rglob("*")]
    kept |= {p.name: p.read_bytes().decode(errors="replace") for p in files if p.is_file()}
    assert "account.db" in kept
    assert "staging.json" in kept, "the state file was not looked at"
    assert "stack.json" in kept
    for secret in planted:
        for place, text in kept.items():
            # The test names the place and never the secret.
            assert secret not in text, f"a secret of {len(secret)} letters is in clear in {place}"
            assert json.dumps(secret)[1:-1] not in text, f"a secret is in clear in {place}"
    assert "ciphertext" in kept["staging.json"], "the state must hold secrets, encrypted"
