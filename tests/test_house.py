"""The house rules, read from the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("components", "settings", "policies", "rehearsal", "tests")
STACKS = {p.name.removeprefix("Pulumi.").removesuffix(".yaml") for p in ROOT.glob("Pulumi.*.yaml")}
LONGEST = 600
# Files that may be longer, with the reason.
LONG = {
    "components/alarm_table.py": "one table: a row for each alarm",
    "rehearsal/schemas.py": "translation and check of one document format; split it when it grows",
    "tests/policies/mutants.py": "one table: a row for each mutant",
    "tests/settings/test_refusals.py": "one table: a row for each mistake in a stack's file",
}
# Refusals and their tests are tables of what AWS says no to, a row for each.
LONG_ROOMS = ("rehearsal/refusals", "tests/rehearsal/refusals")
LONGEST_ENTRY = 60
LONGEST_INIT = 40


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _files(*rooms: str) -> list[Path]:
    found = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    assert found, f"no file in {rooms}"
    return found


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _program() -> list[Path]:
    return [ROOT / "__main__.py", *_files("components", "settings", "policies")]


def _calls(path: Path) -> Iterator[str]:
    """The names of everything that a file calls, dotted."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ClassDef):
            yield node


def _bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}


def _component_classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in _files("components"):
        for node in _classes(path):
            if "ComponentResource" in _bases(node):
                yield path, node


def _type_token(node: ast.ClassDef) -> str:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            first = call.args[0]
            assert isinstance(first, ast.Constant), f"{node.name}: the type token is no constant"
            return str(first.value)
    raise AssertionError(f"{node.name} never calls super().__init__")


def docstrings_of_components() -> dict[str, str]:
    """The docstring of each component's class, by its type token."""
    return {_type_token(node): ast.get_docstring(node) or "" for _, node in _component_classes()}


# -- the entry point -----------------------------------------------------------------------------
def test_the_entry_point_is_a_table_of_contents() -> None:
    path = ROOT / "__main__.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_ENTRY
    decisions = (
        ast.If, ast.IfExp, ast.For, ast.While, ast.Match, ast.Try, ast.With, ast.Lambda,
        ast.FunctionDef, ast.ClassDef, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
        ast.BinOp, ast.BoolOp, ast.Compare,
    )  # fmt: skip
    found = [type(n).__name__ for n in ast.walk(_tree(path)) if isinstance(n, decisions)]
    assert found == [], "a decision belongs to a setting or a component"


def test_the_entry_point_holds_no_size_and_no_address() -> None:
    tree = _tree(ROOT / "__main__.py")
    constants = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    docstring = ast.get_docstring(tree, clean=False)
    literals = [c for c in constants if c != docstring]
    assert [c for c in literals if not isinstance(c, str)] == []
    names = [c for c in literals if not re.fullmatch(r"[a-z]+(-[a-z]+)*", str(c))]
    assert names == [], "only the components' names stand here"


def _deciding_parts(node: ast.AST) -> Iterator[ast.AST]:
    """What a comparison, a case, a table or a look-up decides by."""
    if isinstance(node, ast.Compare):
        for side in (node.left, *node.comparators):
            yield from ast.walk(side)
    elif isinstance(node, ast.MatchValue):
        yield node.value
    elif isinstance(node, ast.Dict):
        yield from (key for key in node.keys if key is not None)
    elif isinstance(node, ast.Subscript):
        yield node.slice


# -- environments --------------------------------------------------------------------------------
@pytest.mark.parametrize("path", _program(), ids=_id)
def test_no_code_knows_an_environment_by_name(path: Path) -> None:
    tree = _tree(path)
    named = [
        part.lineno
        for node in ast.walk(tree)
        for part in _deciding_parts(node)
        if isinstance(part, ast.Constant) and part.value in STACKS
    ]
    assert named == [], "what differs between environments is a key in their files"
    compared = [
        n.lineno
        for n in ast.walk(tree)
        if isinstance(n, ast.Compare)
        and re.search(r"get_stack\(\)|\.stack\b", ast.unparse(n))
    ]  # fmt: skip
    assert compared == []


@pytest.mark.parametrize("path", _program(), ids=_id)
def test_the_stacks_name_is_asked_for_in_two_places_only(path: Path) -> None:
    if _id(path) in ("components/context.py", "settings/source.py"):
        return
    assert [call for call in _calls(path) if call.endswith("get_stack")] == []


@pytest.mark.parametrize("path", _program(), ids=_id)
def test_the_program_asks_aws_nothing_while_it_is_built(path: Path) -> None:
    assert [m for m in _imports(path) if m.split(".")[0] in ("boto3", "botocore", "requests")] == []
    asked = [
        call
        for call in _calls(path)
        if re.match(r"(aws|pulumi_aws|kubernetes|pulumi_kubernetes)\b", call)
        and (call.rsplit(".", 1)[-1].startswith("get_") or call.endswith((".get", "_output")))
    ]
    assert asked == [], "a preview without credentials could not answer"


# -- shape ---------------------------------------------------------------------------------------
def test_there_is_one_class_of_mocks() -> None:
    found = [
        f"{_id(path)}: {node.name}"
        for path in _files("tests")
        for node in _classes(path)
        if "Mocks" in _bases(node)
    ]
    assert found == ["tests/recorder.py: Recorder"]


@pytest.mark.parametrize("path", [ROOT / "__main__.py", *_files(*ROOMS)], ids=_id)
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    if path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip():
        return
    assert ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", _files(*ROOMS), ids=_id)
def test_no_file_outgrows_a_readers_patience(path: Path) -> None:
    name = _id(path)
    if name in LONG or name.startswith(LONG_ROOMS):
        return
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, "split it, or give the reason in LONG"


def test_the_list_of_long_files_is_no_longer_than_needed() -> None:
    short = [n for n in LONG if len((ROOT / n).read_text(encoding="utf-8").splitlines()) <= LONGEST]
    assert short == []


@pytest.mark.parametrize(
    ("path", "node"), [pytest.param(p, n, id=n.name) for p, n in _component_classes()]
)
def test_a_component_is_built_by_a_list_of_builders(path: Path, node: ast.ClassDef) -> None:
    init = next(n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    assert init.end_lineno is not None
    assert init.end_lineno - init.lineno + 1 <= LONGEST_INIT, _id(path)


@pytest.mark.parametrize(
    ("path", "node"), [pytest.param(p, n, id=n.name) for p, n in _component_classes()]
)
def test_every_component_is_made_the_same_way(path: Path, node: ast.ClassDef) -> None:
    init = next(n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    assert [a.arg for a in init.args.args] == ["self", "name", "args", "opts"], _id(path)
    assert ast.unparse(init.args.args[2].annotation or ast.Constant("")) == f"{node.name}Args"
    assert _type_token(node) == f"arches:index:{node.name}", "a rename would replace everything"
    assert ast.get_docstring(node), "nobody could tell what it is for"


def test_what_a_component_is_given_cannot_be_changed_or_mixed_up() -> None:
    loose = [
        f"{_id(path)}: {node.name}"
        for path in _files("components")
        for node in _classes(path)
        if node.name.endswith("Args")
        and not any(
            ast.unparse(d) == "dataclass(frozen=True, kw_only=True)" for d in node.decorator_list
        )
        and "TypedDict" not in _bases(node)
    ]
    assert loose == []


@pytest.mark.parametrize("path", _files("components"), ids=_id)
def test_no_resource_names_a_provider_itself(path: Path) -> None:
    given = [
        node.lineno
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("ResourceOptions")
        and any(k.arg in ("provider", "providers") for k in node.keywords)
    ]
    if _id(path) in ("components/providers.py", "components/kubernetes/provider.py"):
        assert len(given) == 1
    else:
        assert given == [], "tags and region come from the one provider that is inherited"


# -- who may know whom ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("components", {"rehearsal", "policies", "rules", "reports", "tests"}),
        ("settings", {"components", "rehearsal", "policies", "rules", "reports", "tests"}),
        ("policies", {"components", "settings", "rehearsal", "reports", "tests"}),
        ("rehearsal", {"components", "policies", "rules", "tests"}),
    ],
)
def test_rooms_know_only_what_they_may(room: str, strangers: set[str]) -> None:
    wrong = [
        f"{_id(path)} imports {module}"
        for path in _files(room)
        for module in _imports(path)
        if module.split(".")[0] in strangers
    ]
    assert wrong == []


# A path of the machine that the file was written on; "/tmp" and "/var" inside pods are no such.
_HERE = re.compile(r"(?<![\w.{}<>-])/(home|root|Users|work)/\w")


@pytest.mark.parametrize(
    "path",
    [
        *_program(),
        *_files("rehearsal", "tests"),
        *sorted(ROOT.glob("*.yaml")),
        *sorted(ROOT.glob("*.toml")),
        ROOT / "Makefile",
        *sorted((ROOT / "docs").rglob("*.md")),
    ],
    ids=_id,
)
def test_no_file_names_a_place_on_somebodys_machine(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [n for n, line in enumerate(lines, 1) if _HERE.search(line)] == []
