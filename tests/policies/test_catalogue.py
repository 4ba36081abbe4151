"""The list of rules against the lists of others: requirements, controls, resource types."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path

import pytest
import yaml
from rules import RULES, controls, levels
from rules.controls import CatalogueError
from rules.model import ROOT, SECRET, UNKNOWN, Item, Props, Rule, StackRule
from rules.whole import coverage
from rules.whole.coverage import Types, TypesError

from rehearsal import sdk
from reports import frameworks
from reports.trace import EVERY
from tests.conftest import STACKS, Recorded
from tests.policies.checkov import LOCK
from tests.policies.real import stack_of, told
from tests.recorder import Recorder

CATALOGUE = controls.read()
TYPES = coverage.read()
BY_NAME = {rule.name: rule for rule in RULES}
ANSWERED = {control for rule in RULES for control in rule.controls}
EACH_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


# -- what every rule says ------------------------------------------------------------------------
def test_no_two_rules_share_a_name() -> None:
    twice = [name for name, times in Counter(r.name for r in RULES).items() if times > 1]
    assert twice == [], "a waiver or a report could not tell these rules apart"


def test_no_two_rules_make_the_same_demand() -> None:
    twice = [said for said, times in Counter(r.sentence for r in RULES).items() if times > 1]
    assert twice == [], "an auditor would read the same row twice"


def test_the_rule_about_waivers_is_the_last() -> None:
    assert RULES[-1].name == "waivers-kept", "a waiver that a later rule needs would be unused"


def but(holds: Callable[[Rule | StackRule], object]) -> list[str]:
    """The rules of which something does not hold."""
    return [rule.name for rule in RULES if not holds(rule)]


def test_a_rule_says_what_it_guards_and_what_to_do() -> None:
    assert but(lambda rule: re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)) == []
    assert but(lambda rule: rule.requirements) == [], "an auditor could not tell why these exist"
    assert but(lambda rule: set(rule.requirements) <= set(EVERY)) == [], "no such requirement"
    assert but(lambda rule: rule.sentence.endswith(".")) == [], "reports print it as a sentence"
    assert but(lambda rule: rule.sentence[0].isupper()) == []
    assert but(lambda rule: rule.fix) == [], "whose preview is refused would not know what to do"
    assert but(lambda rule: not rule.fix.endswith(".")) == [], "it is the tail of a message"


def test_a_rule_says_why_it_matters_and_where_to_read_on() -> None:
    why = re.compile(r"([A-Z0-9`]|[a-z]+-[a-z]+ ).*\.")
    assert but(lambda rule: why.fullmatch(rule.why)) == [], "one sentence, for people"
    assert but(lambda rule: re.fullmatch(r"https://\S+", rule.url)) == []
    assert but(lambda rule: "\n" not in f"{rule.sentence}{rule.why}{rule.fix}") == [], "one line"


def test_a_rule_names_each_of_its_lists_members_once() -> None:
    for list_ in ("types", "requirements", "controls", "evidence"):
        members = attrgetter(list_)
        assert but(lambda rule, of=members: len(set(of(rule))) == len(of(rule))) == [], list_


# -- controls ------------------------------------------------------------------------------------
def test_a_rule_names_controls_that_exist() -> None:
    unknown = [
        (rule.name, each)
        for rule in RULES
        for each in rule.controls
        if each not in CATALOGUE.controls
    ]
    assert unknown == [], "look the id up and give its title in policies/controls.yaml"


def test_a_rule_that_no_framework_asks_for_says_whose_demand_it_is() -> None:
    assert but(lambda rule: bool(rule.controls) != (rule.name in CATALOGUE.own)) == [], (
        "either it names controls, or `own` in policies/controls.yaml says why we demand it"
    )


def test_only_rules_that_exist_are_our_own_demands() -> None:
    assert sorted(set(CATALOGUE.own) - set(BY_NAME)) == []


@pytest.mark.parametrize("framework", sorted(CATALOGUE.frameworks))
def test_every_control_is_answered_or_the_reason_is_given(framework: str) -> None:
    ids = [each.id for each in CATALOGUE.controls.values() if each.framework == framework]
    silent = [each for each in ids if each not in ANSWERED | set(CATALOGUE.differences)]
    assert silent == [], "an auditor would find neither a rule nor a reason"
    both = [each for each in ids if each in ANSWERED and each in CATALOGUE.differences]
    assert both == [], "a rule answers these: what excuses them is out of date"


def test_every_framework_says_what_it_is_and_where() -> None:
    for framework in CATALOGUE.frameworks.values():
        assert framework.url.startswith("https://"), framework.key
        assert any(each.framework == framework.key for each in CATALOGUE.controls.values())


def test_a_control_of_security_hub_leads_to_its_own_paragraph() -> None:
    assert CATALOGUE.controls["FSBP EC2.6"].url == (
        "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6"
    )
    assert CATALOGUE.controls["GDPR 32"].url == CATALOGUE.frameworks["GDPR"].url


def test_the_checks_of_checkov_are_those_of_the_version_that_is_compared() -> None:
    pinned = re.search(r"^checkov==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None
    assert CATALOGUE.frameworks["CHECKOV"].version == pinned[1]


def test_where_checkov_differs_a_rule_answers_the_check() -> None:
    checks = {f"CHECKOV {each.check}" for each in CATALOGUE.checkov}
    assert sorted(checks - ANSWERED) == [], "without a rule this is a difference, with its kind"


# -- checklists ----------------------------------------------------------------------------------
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("item", [each for each in EVERY if each.startswith("CHK-")])
def test_every_row_of_the_checklists_is_guarded_by_a_rule_that_binds(item: str, stack: str) -> None:
    file = Path(coverage.FILE).with_name("levels.yaml")
    bound = levels.of(stack, levels.read(file, BY_NAME), BY_NAME)
    guards = [rule.name for rule in RULES if item in rule.requirements]
    assert [name for name in guards if bound[name] in ("mandatory", "remediate")], (
        "a change that breaks this row would pass"
    )


# -- evidence ------------------------------------------------------------------------------------
# What proves these is no property of their subjects: the engine's protection, and the subscription
# that names the database.
NO_PROPERTY = {"stateful-protected", "rds-events-told"}


def _knows(type_: str, path: str) -> bool:
    """Whether the SDK's class of an AWS type has a property there; `*` is any key or index."""
    parts = path.split(".")
    return parts[0] in sdk.outputs(type_) or _leads(sdk.inputs(type_), parts)


def _leads(names: Mapping[str, sdk.Input], parts: list[str]) -> bool:
    if not parts or not names:  # at its end, or in an object of free keys
        return True
    part, *rest = parts
    if part.isdigit():
        return _leads(names, rest)
    if part == "*":
        inner = [each.nested for each in names.values()]
        return _leads(names, rest) or any(each and _leads(each, rest) for each in inner)
    return part in names and _leads(names[part].nested, rest)


def _shown(value: object, path: list[str]) -> list[object]:
    """Everything at a dotted path of recorded properties."""
    if not path:
        return [value]
    part, *rest = path
    inner: list[object] = []
    if isinstance(value, dict):
        inner = [each for key, each in value.items() if part in (key, "*")]
    elif isinstance(value, list):
        inner = [each for index, each in enumerate(value) if part in (str(index), "*")]
    return [found for each in inner for found in _shown(each, rest)]


@EACH_RULE
def test_the_evidence_of_a_rule_is_a_property_and_no_secret(
    rule: Rule | StackRule, every_stack: dict[str, Recorded]
) -> None:
    if rule.types == (ROOT,):
        assert rule.evidence == (), "the stack as a whole has no properties"
        return
    if rule.name in NO_PROPERTY:
        return
    assert rule.evidence, "a report could show the verdict and not what proves it"
    on_aws = [type_ for type_ in rule.types if type_.startswith("aws:")]
    subjects = [
        each.clear
        for stack in every_stack.values()
        for each in stack.made.registrations
        if each.type in rule.types
    ]
    for path in rule.evidence:
        if on_aws:
            assert any(_knows(type_, path) for type_ in on_aws), path
        told = [found for each in subjects for found in _shown(each, path.split("."))]
        assert SECRET not in told, f"{path} may be a secret"


# -- types ---------------------------------------------------------------------------------------
def test_every_excuse_is_needed(program_of: Callable[[str, bool], Recorder]) -> None:
    made = [program_of(stack, every) for stack in STACKS for every in (False, True)]
    types = {each.type for one in made for each in one.registrations} - coverage.judged()
    idle = [each for each in TYPES.excused if not fnmatch.filter(types, each)]
    assert idle == [], "these types are judged by a rule, or deployed nowhere"


def test_what_is_judged_with_something_else_is_read_by_a_rule() -> None:
    rules = Path(coverage.__file__).parents[1].rglob("*.py")
    read = "".join(path.read_text(encoding="utf-8") for path in rules)
    excused = {type_ for type_, why in TYPES.excused.items() if why.startswith("Judged with")}
    assert sorted(type_ for type_ in excused if type_.rpartition(":")[2] not in read) == []
    assert len(excused) > 20


def test_what_every_choice_adds_is_covered_too(every_choice: Recorder) -> None:
    types = {each.type for each in every_choice.registrations}
    missing = {each: TYPES.missing(each, coverage.judged()) for each in types}
    assert {each: why for each, why in missing.items() if why} == {}


@pytest.mark.parametrize(
    ("type_", "says"),
    [
        ("aws:sqs/queue:Queue", "holds data and no rule judges it"),
        ("aws:lambda/function:Function", "opens a door and no rule judges it"),
        ("aws:dynamodb/table:Table", "holds data and no rule judges it"),
        ("aws:iam/user:User", "gives rights and no rule judges it"),
        ("kubernetes:apps/v1:Deployment", "runs programs and no rule judges it"),
        ("aws:athena/workgroup:Workgroup", "is judged by no rule and not excused"),
        ("arches:index:Network", ""),
    ],
)
def test_a_type_that_no_rule_judges_is_told(type_: str, says: str) -> None:
    assert TYPES.missing(type_, frozenset()) == says


def test_what_holds_data_cannot_be_excused() -> None:
    types = Types(
        excused={"aws:sqs/*": "it is small"}, must_be_judged={"aws:sqs/queue:*": "holds data"}
    )
    assert types.missing("aws:sqs/queue:Queue", frozenset()) == "holds data and no rule judges it"
    assert types.missing("aws:sqs/queuePolicy:QueuePolicy", frozenset()) == ""
    assert types.missing("aws:sqs/queue:Queue", frozenset({"aws:sqs/queue:Queue"})) == ""


def test_no_excuse_of_the_file_speaks_of_what_must_be_judged() -> None:
    excused = [each for each in TYPES.excused if "*" not in each]
    hidden = [each for each in excused if TYPES.missing(each, frozenset())]
    assert hidden == [], "the excuse says one thing and the rule another"


def test_a_list_that_is_not_known_yet_hides_no_other_list() -> None:
    kind = "kubernetes:core/v1:List"
    door = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
    items = [
        Item(type=kind, name=name, urn=name, props=Props({"kind": "List", "items": held}))
        for name, held in (("later", UNKNOWN), ("now", [door]))
    ]
    root = Item(type=ROOT, name="it", urn="it", props=Props({}))
    said = [each for _, each in told(BY_NAME["types-covered"], stack_of((root, *items)))]
    assert [each.outcome for each in said] == ["violated", "unknown"], "a door would be unseen"


# -- bad files -----------------------------------------------------------------------------------
GOOD = {
    "frameworks": {
        "PSS": {
            "title": "Pod Security Standards",
            "version": "v1",
            "url": "https://example.com",
            "source": "ours",
            "scope": "both",
            "controls": {"baseline": "known ways"},
        }
    },
    "differences": [
        {"kind": "manual", "reason": "people look at it once a year", "controls": ["PSS baseline"]}
    ],
    "own": {},
    "checkov_differs": [],
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"differences": [{**GOOD["differences"][0], "kind": "never mind"}]},
         "differences.0.kind: input should be 'manual', 'not-applicable', 'differs' or "
         "'elsewhere'"),
        ({"differences": [{**GOOD["differences"][0], "reason": "no"}]},
         "differences.0.reason: string should have at least 20 characters"),
        ({"differences": [{**GOOD["differences"][0], "controls": ["PSS strict"]}]},
         "differences: no framework here has a control 'PSS strict'"),
        ({"differences": GOOD["differences"] * 2}, "differences: PSS baseline has two reasons"),
        ({"checkov_differs": [{"checks": ["CKV_AWS_1"], "resources": ["logs"],
                               "reason": "checkov cannot know of it"}]},
         "checkov_differs: no check is named 'CKV_AWS_1'"),
        ({"exceptions": []}, "exceptions: extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_catalogue_that_is_wrong_is_told_in_one_line(
    tmp_path: Path, change: dict, says: str
) -> None:
    file = tmp_path / "controls.yaml"
    file.write_text(yaml.safe_dump(GOOD | change))
    with pytest.raises(CatalogueError) as wrong:
        controls.read(file)
    assert str(wrong.value) == f"controls.yaml: {says}"


def test_a_catalogue_that_is_no_yaml_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "controls.yaml"
    file.write_text("frameworks: [")
    with pytest.raises(CatalogueError, match=r"^controls\.yaml: cannot be read as YAML: [^\n]+$"):
        controls.read(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("excused: {}", "'must_be_judged'"),
        ("excused: []\nmust_be_judged: {}", "'list' object has no attribute 'items'"),
        ("excused: {a: [x, x]}\nmust_be_judged: {}", "x stands twice"),
    ],
)
def test_a_file_of_types_that_is_wrong_is_told_in_one_line(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "types.yaml"
    file.write_text(text)
    with pytest.raises(TypesError) as wrong:
        coverage.read(file)
    assert str(wrong.value) == (
        "types.yaml: allowed are `excused` and `must_be_judged`, each a mapping of reasons to "
        f"lists of types: {says}"
    )


def test_a_type_that_must_be_judged_and_is_excused_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "types.yaml"
    file.write_text("excused: {a: [x]}\nmust_be_judged: {holds data: [x]}")
    with pytest.raises(TypesError, match=r"^types\.yaml: x holds data or opens a door: it cannot"):
        coverage.read(file)


def test_reports_can_tell_of_every_control() -> None:
    rows = frameworks.answered(())
    assert sum(len(row.controls) for row in rows) == len(CATALOGUE.controls)
