"""Whoever is on call can do what the runbooks say, or is told there which role can.

Each `kubectl` of docs/runbooks is read: what it does to which resource in which namespace, and
whether the access entry `responder` may. It sees everything (EKS's policy admin-view), and changes
what the Roles of components/kubernetes/guardrails/responders.py say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rules.guardrails.access import RESPONDER, RESPONDERS, RESPONSES

from components.access import GROUPS, POLICIES
from components.kubernetes.guardrails import responders
from settings.operators import MonitoringSettings

RUNBOOKS = Path(__file__).parent.parent / "docs" / "runbooks"
# What cluster.access calls the role that may everything, what only that role can run, and how the
# page about restoring says that nobody does it as who is on call.
STRONGER = ("`deployer`", 'pulumi up -s "$STACK"')
PODS = MonitoringSettings().prometheus_replicas
GRANTED = {
    '"$NS"': responders.application(),
    "monitoring": responders.monitoring(PODS),
}
READS = ("get", "describe", "logs", "top", "wait", "api-resources")
ENTERS = {"exec": "pods/exec", "port-forward": "pods/portforward", "attach": "pods/attach"}
CHANGES = ("edit", "annotate", "label", "patch", "set")
# kubectl's word -> group and resource; of other kinds whoever is on call may change none.
KINDS = {
    "deployment": ("apps", "deployments"),
    "job": ("batch", "jobs"),
    "pod": ("", "pods"),
}
# Options whose value is the next word.
VALUED = (
    *("-n", "--namespace", "-l", "--selector", "--field-selector", "-c"),
    *("-o", "-f", "--filename", "-p", "--sort-by"),
)
Right = tuple[str, str, str]  # verb, group, resource
UNKNOWN: Right = ("*", "*", "*")  # what no page says: only the stronger role has it


@dataclass(frozen=True, kw_only=True)
class Command:
    """One kubectl.

    near: the introduction of its page and its section, where a role is named. piped: what writes
    the object that it applies.
    """

    page: str
    text: str
    near: str
    piped: str = ""

    @property
    def words(self) -> list[str]:
        found: list[str] = []
        words = iter(self.text.split(" -- ")[0].split()[1:])
        for word in words:
            if word in VALUED:
                next(words, None)
            elif not word.startswith("-"):
                found.append(word)
        return found

    @property
    def namespace(self) -> str:
        found = re.search(r"(?:-n|--namespace)[ =](\S+)", self.piped or self.text)
        return found.group(1) if found else ""

    def rights(self) -> list[Right]:
        """What it has to be allowed beside looking."""
        verb, *rest = self.words
        of = rest[0] if rest else ""
        if verb in READS or (verb == "rollout" and of in ("status", "history")):
            return []
        if verb in ENTERS:
            return [(each, "", ENTERS[verb]) for each in ("get", "create")]
        if verb == "rollout" and of in ("restart", "undo") and len(rest) > 1:
            return [("patch", *kind(rest[1]))]
        if verb == "delete" or (verb == "create" and of):
            return [(verb, *kind(of))]
        if verb in CHANGES:
            return [("patch", *kind(of))]
        if verb == "scale":
            return [("patch", "*", f"{of}/scale")]
        if verb == "apply" and self.piped:
            return [("create", *kind(Command(page="", text=self.piped, near="").words[1]))]
        if verb in ("drain", "cordon", "uncordon"):
            return [("patch", "*", "nodes")]
        if verb in ("apply", "create"):
            return [UNKNOWN]
        raise AssertionError(f"{self.page}: {self.text}: this test does not know what it needs")

    def pods(self) -> list[str]:
        """The names of the pods that it may enter, none where they are not known."""
        name = next((w.split("/", 1)[1] for w in self.words if w.startswith("statefulset/")), "")
        return [f"{name}-{number}" for number in range(PODS)] if name else []

    def may(self, right: Right) -> bool:
        verb, group, resource = right
        return any(
            verb in rule["verbs"]
            and group in rule["apiGroups"]
            and resource in rule["resources"]
            and self._named(rule.get("resourceNames"))
            for rule in GRANTED.get(self.namespace, [])
        )

    def _named(self, names: list[str] | None) -> bool:
        """Whether a rule about these names is about all pods that kubectl may choose."""
        return names is None or (bool(self.pods()) and set(self.pods()) <= set(names))


def kind(word: str) -> tuple[str, str]:
    return KINDS.get(word.split("/")[0].removesuffix("s"), ("*", word))


def commands(page: str, text: str) -> Iterator[Command]:
    """Every kubectl of a page, in its blocks and in its lines."""
    intro, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    for section in (intro, *sections):
        near = intro + section
        for block in re.findall(r"```bash\n(.*?)```", section, re.DOTALL):
            lines = re.sub(r"\\\n\s*", "", block)
            made = re.search(r"kubectl [^|;&\n]*--dry-run=client[^|\n]*", lines)
            for found in re.findall(r"\bkubectl [^|;&\n]*", lines):
                piped = made.group(0) if made and " apply " in found else ""
                yield Command(page=page, text=found.strip(), near=near, piped=piped)
        prose = re.sub(r"```.*?```", "", section, flags=re.DOTALL)
        for found in re.findall(r"`(kubectl [^`]*)`", prose):
            yield Command(page=page, text=found, near=near)


EVERY = [
    command
    for path in sorted(RUNBOOKS.glob("*.md"))
    for command in commands(path.stem, path.read_text(encoding="utf-8"))
]
ASKING = [command for command in EVERY if command.words and command.rights()]


@pytest.mark.parametrize("command", ASKING, ids=lambda each: f"{each.page}: {each.text[:60]}")
def test_on_call_may_do_what_a_runbook_says_or_reads_there_which_role_may(command: Command):
    refused = [right for right in command.rights() if not command.may(right)]
    assert not refused or any(said in command.near for said in STRONGER), (
        f"{command.page}: at night `{command.text}` ends in Forbidden: {refused}; give it to "
        f"components/kubernetes/guardrails/responders.py, or name {STRONGER[0]} in that section"
    )


def test_the_commands_of_the_runbooks_are_found():
    assert len(EVERY) > 100
    entered = {command.page for command in ASKING if command.words[0] == "exec"}
    assert len(entered) >= 17, "the test no longer reads the pages"


def test_on_call_may_nothing_that_no_runbook_asks():
    asked = {(command.namespace, *right) for command in ASKING for right in command.rights()}
    granted = {
        (namespace, verb, group, resource)
        for namespace, rules in GRANTED.items()
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted - asked == set(), "a right that nobody uses is only an intruder's"


def test_looking_needs_no_role_because_on_call_sees_everything():
    assert POLICIES["responder"] == POLICIES["admin-view"]


def test_the_policy_pack_excuses_what_the_role_has_and_no_more():
    assert (responders.NAME, GROUPS["responder"]) == (RESPONDER, RESPONDERS)
    granted = {
        (resource, verb)
        for rule in responders.application()
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    excused = {(resource, verb) for resource, verbs in RESPONSES.items() for verb in verbs}
    assert excused <= granted
    assert {resource for resource, _ in granted - excused} <= {"pods", "jobs"}, "deletions"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('kubectl -n "$NS" get secret x', False),
        ('kubectl -n "$NS" exec deployment/archesai-pooler -c pgbouncer -- psql', False),
        ("kubectl -n monitoring exec statefulset/prometheus-monitoring -- promtool", False),
        ("kubectl -n monitoring exec deployment/grafana -- sh", True),
        ("kubectl -n kube-system exec deployment/coredns -- sh", True),
        ('kubectl -n "$NS" delete secret x', True),
        ('kubectl -n "$NS" annotate externalsecrets x force-sync=1', True),
        ('kubectl -n "$NS" rollout undo deployment/archesai-api', False),
        ('kubectl -n "$NS" scale deployment archesai-api --replicas=0', True),
        ("kubectl -n monitoring rollout restart deployment/grafana", True),
        ("kubectl drain n1", True),
        ("kubectl apply -f -", True),
    ],
)
def test_a_command_is_held_against_the_role(text: str, refused: bool):
    command = Command(page="x", text=text, near="")
    assert any(not command.may(right) for right in command.rights()) is refused
