"""What the documents name exists: commands, files, settings, variables, faults.

Prose is not judged. A document that sends a person to something that is gone is worse than none.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from rehearsal.faults import KINDS, Faults
from settings.environment import Environment

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = sorted([README, *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
# Written by `make schema` from the settings themselves.
WRITTEN_BY_HAND = [path for path in DOCS if path.name != "settings.md"]

README_LINES = 80
ADR_LINES = 60
ADR_HEADINGS = ["Status", "Context", "Decision", "Consequences"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def fences(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(path), re.DOTALL | re.MULTILINE)


def inline(path: Path) -> list[str]:
    """What stands between backticks in prose and tables."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text(path), flags=re.S | re.M))


def make_targets(path: Path) -> set[str]:
    """The targets that a document tells people to call."""
    lines = [line for block in fences(path, "bash") for line in block.splitlines()]
    called = (re.match(r"make ([a-z-]+)", words.strip()) for words in [*lines, *inline(path)])
    return {match[1] for match in called if match}


@cache
def known_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))


def models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in models(inner)]


def setting_exists(path: list[str]) -> bool:
    """Whether a way of camelCase keys leads from the environment to a setting."""
    here: list[type[BaseModel]] = [Environment]
    for place, part in enumerate(path):
        field = next(
            (
                field
                for model in here
                for name, field in model.model_fields.items()
                if part == (field.alias or name)
            ),
            None,
        )
        if field is None:
            return False
        here = models(field.annotation)
        if not here:  # a mapping with free keys, such as secrets.generation
            return place == len(path) - 1 or "dict" in str(field.annotation)
    return True


def paths_of(document: Any) -> list[list[str]]:
    """Every way from the top of a nested mapping to its leaves."""
    if not isinstance(document, dict):
        return [[]]
    return [
        [str(key).removeprefix("arches:"), *rest]
        for key, value in document.items()
        for rest in paths_of(value)
    ]


def test_the_readme_is_one_page():
    assert len(text(README).splitlines()) <= README_LINES


def test_the_readme_names_the_command_that_ci_runs():
    assert "make test" in text(README)
    assert "make test" in text(ROOT / ".ci" / "run")


def test_the_readme_shows_aws_in_at_most_five_lines():
    aws = text(README).split("## Deploy to AWS")[1].split("\n## ")[0]
    (block,) = re.findall(r"```bash\n(.*?)```", aws, re.DOTALL)
    assert len(block.splitlines()) <= 5


def by_document(documents: list[Path], gone: Callable[[Path], Collection[str]]) -> dict[str, Any]:
    """What each document names and nobody has; nothing of a document where all of it is there."""
    return {named(path): sorted(found) for path in documents if (found := gone(path))}


def test_every_make_command_exists():
    assert by_document(DOCS, lambda path: make_targets(path) - known_targets()) == {}


def broken_links(path: Path) -> list[str]:
    links = re.findall(r"\]\(([^)\s]+)\)", text(path))
    local = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    return [link for link in local if not (path.parent / link).exists()]


def test_every_link_leads_to_a_file():
    assert by_document(DOCS, broken_links) == {}


def missing_files(path: Path) -> list[str]:
    folders = "components|docs|policies|rehearsal|reports|settings|tests"
    files = [word for word in inline(path) if re.fullmatch(rf"({folders})/[\w./-]*", word)]
    return [file for file in files if not (ROOT / file).exists()]


def test_every_file_of_the_project_that_a_document_names_exists():
    assert by_document(WRITTEN_BY_HAND, missing_files) == {}


def missing_settings(path: Path) -> list[str]:
    sections = {field.alias or name for name, field in Environment.model_fields.items()}
    words = [word.split(":")[0] for word in inline(path)]
    ways = [word.split(".") for word in words if re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)+", word)]
    ways = [way for way in ways if way[0] in sections and way[-1] not in ("md", "py", "yaml")]
    for block in fences(path, "yaml"):
        ways += paths_of(yaml.safe_load(block))
    return [".".join(way) for way in ways if not setting_exists(way)]


def test_every_setting_that_a_document_names_exists():
    assert by_document(WRITTEN_BY_HAND, missing_settings) == {}


def test_a_decision_is_one_page_with_four_parts():
    headings = {named(p): re.findall(r"^## (.+)$", text(p), re.MULTILINE) for p in ADRS}
    assert headings == dict.fromkeys(headings, ADR_HEADINGS)
    assert [named(p) for p in ADRS if len(text(p).splitlines()) > ADR_LINES] == []


def test_decisions_are_numbered_without_a_hole():
    numbers = [int(path.name[:4]) for path in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))
    for path, number in zip(ADRS, numbers, strict=True):
        assert text(path).startswith(f"# {number}. "), named(path)


def test_a_runbook_begins_with_its_title():
    assert [named(p) for p in RUNBOOKS if not re.match(r"# \S.*\n\n", text(p))] == []


@pytest.mark.parametrize("path", DOCS, ids=named)
def test_commands_parse_and_hold_no_placeholder(path: Path):
    for block in fences(path, "bash"):
        parsed = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert parsed.returncode == 0, f"{named(path)}: {block}\n{parsed.stderr}"
        assert not re.search(r"<[a-z]", block), f"{named(path)}: bash would read from a file"


def test_every_fault_of_the_rehearsal_is_explained_and_every_example_is_accepted():
    page = text(ROOT / "docs" / "rehearsal.md")
    explained = set(re.findall(r"^\| `([a-z-]+):", page, re.MULTILINE))
    assert explained == set(KINDS)
    for path in DOCS:
        for word in re.findall(r"--fault (\S+)", "\n".join(fences(path, "bash"))):
            Faults.parse([word])


def test_every_variable_that_steers_the_rehearsal_is_explained():
    read_by = {
        name
        for path in (ROOT / "rehearsal").rglob("*.py")
        for name in re.findall(r"\bARCHES_[A-Z_]+\b", text(path))
    }
    explained = set(re.findall(r"\bARCHES_[A-Z_]+\b", text(ROOT / "docs" / "rehearsal.md")))
    assert explained == read_by


def test_the_guide_has_every_row_and_each_says_what_stands_today():
    rows = re.findall(r"^\| (\d+) \|.*\| ([a-z]+)[^|]*\|$", text(ROOT / "docs/guide.md"), re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 26))
    assert {state for _, state in rows} <= {"now", "part", "platform"}
