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
    "tests/settings/test_refusals.py": "one table: a row for each mistake in a stack's file",
}
# Refusals and their tests are tables of what AWS says no to, a row for each.
LONG_ROOMS = ("rehearsal/refusals", "tests/rehearsal/refusals")
LONGEST_ENTRY = 60
LONGEST_INIT = 40


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path), filename=str(path))


@cache
def _nodes(path: Path) -> list[ast.AST]:
    """Every node of a file but those that say nothing, as `ast.walk` in half of its time."""
    found: list[ast.AST] = [_tree(path)]
    for node in found:
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, list):
                found += [each for each in part if isinstance(each, ast.AST)]
            elif isinstance(part, ast.AST) and not isinstance(part, ast.expr_context):
                found.append(part)
    return found


@cache
def _room(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def _files(*rooms: str) -> list[Path]:
    found = [path for room in rooms for path in _room(room)]
    assert found, f"no file in {rooms}"
    return found


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _at(path: Path, node: ast.expr) -> str:
    return f"{_id(path)}:{node.lineno}"


def _program() -> list[Path]:
    return [ROOT / "__main__.py", *_files("components", "settings", "policies")]


@cache
def _calls(path: Path) -> tuple[str, ...]:
    """The names of everything that a file calls, dotted."""
    return tuple(ast.unparse(node.func) for node in _nodes(path) if isinstance(node, ast.Call))


def _imports(path: Path) -> Iterator[str]:
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in _nodes(path) if isinstance(node, ast.ClassDef))


def _bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}


@cache
def _component_classes() -> list[tuple[Path, ast.ClassDef]]:
    found = [
        (path, node)
        for path in _files("components")
        for node in _classes(path)
        if "ComponentResource" in _bases(node)
    ]
    assert found, "no component in components/"
    return found


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
def test_no_code_knows_an_environment_by_name() -> None:
    named = [
        _at(path, part)
        for path in _program()
        for node in _nodes(path)
        for part in _deciding_parts(node)
        if isinstance(part, ast.Constant) and part.value in STACKS
    ]
    assert named == [], "what differs between environments is a key in their files"
    compared = [
        _at(path, node)
        for path in _program()
        for node in _nodes(path)
        if isinstance(node, ast.Compare)
        and any(
            isinstance(part, ast.Attribute) and part.attr in ("get_stack", "stack")
            for part in ast.walk(node)
        )
    ]
    assert compared == []


def test_the_stacks_name_is_asked_for_in_two_places_only() -> None:
    asking = {
        _id(path) for path in _program() if any(call.endswith("get_stack") for call in _calls(path))
    }
    assert asking <= {"components/context.py", "settings/source.py"}


def test_the_program_asks_aws_nothing_while_it_is_built() -> None:
    clients = [
        f"{_id(path)} imports {module}"
        for path in _program()
        for module in _imports(path)
        if module.split(".")[0] in ("boto3", "botocore", "requests")
    ]
    assert clients == []
    asked = [
        f"{_id(path)}: {call}"
        for path in _program()
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
        if "Mocks" in _text(path)
        for node in _classes(path)
        if "Mocks" in _bases(node)
    ]
    assert found == ["tests/recorder.py: Recorder"]


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        _id(path)
        for path in (ROOT / "__main__.py", *_files(*ROOMS))
        if not re.match(r'"""[^\s"]', _text(path))
        and not (path.name == "__init__.py" and not _text(path).strip())
    ]
    assert silent == []


def test_no_file_outgrows_a_readers_patience() -> None:
    long = {
        _id(path): lines
        for path in _files(*ROOMS)
        if (lines := len(_text(path).splitlines())) > LONGEST
        and _id(path) not in LONG
        and not _id(path).startswith(LONG_ROOMS)
    }
    assert long == {}, "split it, or give the reason in LONG"


def test_the_list_of_long_files_is_no_longer_than_needed() -> None:
    short = [name for name in LONG if len(_text(ROOT / name).splitlines()) <= LONGEST]
    assert short == []


def _init(node: ast.ClassDef) -> ast.FunctionDef:
    return next(n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")


def test_a_component_is_built_by_a_list_of_builders() -> None:
    long = {
        f"{_id(path)}: {node.name}": lines
        for path, node in _component_classes()
        if (lines := (_init(node).end_lineno or 0) - _init(node).lineno + 1) > LONGEST_INIT
    }
    assert long == {}


@pytest.mark.parametrize(
    ("path", "node"), [pytest.param(p, n, id=n.name) for p, n in _component_classes()]
)
def test_every_component_is_made_the_same_way(path: Path, node: ast.ClassDef) -> None:
    init = _init(node)
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


def test_no_resource_names_a_provider_itself() -> None:
    given = [
        _id(path)
        for path in _files("components")
        for node in _nodes(path)
        if isinstance(node, ast.Call)
        and any(k.arg in ("provider", "providers") for k in node.keywords)
        and ast.unparse(node.func).endswith("ResourceOptions")
    ]
    assert sorted(given) == ["components/kubernetes/provider.py", "components/providers.py"], (
        "tags and region come from the one provider that is inherited"
    )


@pytest.mark.parametrize("folder", ["engine", "cluster"])
def test_a_folder_that_runs_real_programs_is_marked_by_its_name(folder: str) -> None:
    """The tests of tests/daemons are marked by its conftest."""
    unmarked = [
        _id(path)
        for path in (ROOT / "tests" / folder).glob("test_*.py")
        if not re.search(rf"^pytestmark = .*\bpytest\.mark\.{folder}\b", _text(path), re.MULTILINE)
    ]
    assert unmarked == [], "the inner loop does not read the folder, and nothing else runs these"


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


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    files = [
        *_program(),
        *_files("rehearsal", "tests"),
        *sorted(ROOT.glob("*.yaml")),
        *sorted(ROOT.glob("*.toml")),
        ROOT / "Makefile",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    named = [
        f"{_id(path)}:{number}"
        for path in files
        for number, line in enumerate(_text(path).splitlines(), 1)
        if _HERE.search(line)
    ]
    assert named == []
