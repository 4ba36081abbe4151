"""Digests tell other files from the same ones, on every machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from rules import pack

from reports import ROOT, digests
from tests.reports import small


def test_the_same_files_have_the_same_digest_wherever_they_stand(tmp_path: Path):
    one, two = (small.checkout(tmp_path / name) for name in ("one", "two"))
    (two / "policies/__pycache__").mkdir()
    (two / "policies/__pycache__/x.pyc").write_text("made by Python")
    (two / "policies/.levels.yaml.swp").write_text("made by an editor")
    assert digests.of_checkout(one, "dev") == digests.of_checkout(two, "dev")


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("policies/levels.yaml", {"pack"}),
        ("policies/rules/new.py", {"pack"}),
        ("__main__.py", {"program"}),
        ("components/x.py", {"program"}),
        ("reports/x.py", {"writer"}),
        ("docs/guide.md", {"writer"}),
        ("Pulumi.dev.yaml", {"configuration"}),
        ("README.md", set()),
    ],
)
def test_an_edit_changes_the_digest_of_what_it_belongs_to(
    tmp_path: Path, path: str, changed: set[str]
):
    root = small.checkout(tmp_path / "root")
    before = digests.of_checkout(root, "dev")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("edited")
    after = digests.of_checkout(root, "dev")
    assert {name for name in before if before[name] != after[name]} == changed


def test_what_git_ignores_and_a_machine_without_git_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = small.checkout(tmp_path / "root")
    outside = digests.of_checkout(root, "dev")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("*.log\n")
    (root / "components").mkdir()
    (root / "components/run.log").write_text("noise")
    assert digests.of_checkout(root, "dev") == outside
    (root / "components/run.log").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert digests.of_checkout(root, "dev") == outside


def test_a_state_is_the_same_however_its_secrets_are_encrypted():
    def state(ciphertext: str, name: str = "a") -> object:
        return {"resources": [{"name": name, "p": {"ciphertext": ciphertext}}], "version": 3}

    assert digests.of_state(state("v1:abc")) == digests.of_state(state("v1:def"))
    assert digests.of_state(state("v1:abc")) != digests.of_state(state("v1:abc", "b"))
    assert digests.of_data({"a": 1, "b": 2}) == digests.of_data({"b": 2, "a": 1})


def test_the_packs_version_names_its_content(tmp_path: Path):
    root = small.checkout(tmp_path / "root")
    before = pack.version(root / "policies")
    assert before.removeprefix("1.0.0+") in digests.of_checkout(root, "dev")["pack"], (
        "nobody could hold the version in a log against the digest in a report"
    )
    small.checkout(root, [small.WAIVER])
    assert pack.version(root / "policies") != before, "other waivers are another judge"


def test_the_engine_has_no_version_to_put_in_place_of_the_packs():
    told = yaml.safe_load((ROOT / "policies/PulumiPolicy.yaml").read_text())
    assert "version" not in told, "no log would say which pack judged"


def test_this_checkout_has_every_part():
    assert set(digests.of_checkout(ROOT, "prod")) == {"program", "pack", "writer", "configuration"}
