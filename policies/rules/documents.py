"""IAM and resource policy documents: what a statement grants, to whom, on what, under what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rules.model import Item, Props, Stack, Undecided

POLICY = "aws:iam/policy:Policy"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ROLE = "aws:iam/role:Role"

# A permissions boundary grants nothing by itself. It is known by this path, and a policy with this
# path may not be attached (iam-boundary-not-granted).
BOUNDARY_PATH = "/boundary/"

# Verbs that change nothing (service authorization reference, access level List and Read).
READS = ("BatchCheck", "BatchGet", "Check", "Describe", "Get", "Head", "List", "Lookup", "View")

# Everything of its kind in the account: "*", "arn:...:*", "arn:...:role/*"; what stands before the
# first slash of an S3 ARN is a bucket's name and no kind.
_WIDE = re.compile(
    r"\*+|arn:[^:]*:(?:[^:]*:[^:]*:[^:]*:\*+|(?!s3:)[^:]*:[^:]*:[^:]*:[a-z-]+[:/]\*+)"
)
# Operators that refuse what they name, or pass where the key is missing.
_NO_BOND = ("NotEquals", "NotLike", "NotEqualsIgnoreCase", "IfExists")

Statement = Mapping[str, Any]


def listed(value: Any) -> list[Any]:
    """A value that may stand alone or in a list, as IAM has it."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def statements(document: Mapping[str, Any], effect: str = "Allow") -> list[Statement]:
    """The statements of a document that allow, or that deny."""
    return [s for s in listed(document.get("Statement")) if s.get("Effect") == effect]


def granted(props: Props) -> list[Statement]:
    """What an identity's policy allows; a permissions boundary allows nothing. Raises Undecided."""
    return [] if props.at("path") == BOUNDARY_PATH else statements(props.document("policy"))


def actions(statement: Statement) -> list[str]:
    return [str(each) for each in listed(statement.get("Action"))]


def resources(statement: Statement) -> list[str]:
    return [str(each) for each in listed(statement.get("Resource"))]


def covers(statement: Statement, action: str) -> bool:
    """Whether a statement speaks of an action; IAM knows no case, and `*` and `?` in actions."""
    named = [*actions(statement), *listed(statement.get("NotAction"))]
    hit = any(fnmatchcase(action.lower(), str(each).lower()) for each in named)
    return hit is not ("NotAction" in statement)


def wide(statement: Statement) -> bool:
    """Whether it reaches everything of a kind in the account."""
    return "NotResource" in statement or any(_WIDE.fullmatch(each) for each in resources(statement))


def reads(action: str) -> bool:
    """Whether an action changes nothing, by its verb."""
    return action.partition(":")[2].startswith(READS)


def tests(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    """The conditions: (operator, key in small letters, values)."""
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key.lower(), [str(each) for each in listed(values)]


def bound_by(statement: Statement, keys: Iterable[str]) -> bool:
    """Whether a condition on one of these keys (small letters) names what it admits."""
    wanted = set(keys)
    return any(
        key in wanted
        and operator.removeprefix("ForAnyValue:").startswith(("String", "Arn"))
        and not operator.endswith(_NO_BOND)
        and values
        and not any(set(each) <= {"*"} for each in values)
        for operator, key, values in tests(statement)
    )


def everybody(principal: Any) -> bool:
    """Whether a statement's principal is all the world, as text, alone or in a list."""
    if isinstance(principal, Mapping):
        return any("*" in listed(value) for value in principal.values())
    return "*" in listed(principal)


def said(props: Props, path: str) -> bool:
    """Whether a property is set; "", 0 and [] are what a provider answers for one that is not."""
    try:
        return bool(props.at(path))
    except Undecided:
        return True


def principals(statement: Statement, kind: str) -> list[str]:
    """The principals of one kind ("AWS", "Service", "Federated") that a statement names."""
    principal = statement.get("Principal")
    named = principal.get(kind) if isinstance(principal, Mapping) else None
    return [str(each) for each in listed(named)]


def known(props: Props, path: str) -> str:
    """The text at a path, "" where there is none or it is not known."""
    try:
        return str(props.at(path, ""))
    except Undecided:
        return ""


def named(stack: Stack, type_: str, path: str) -> Mapping[str, list[Item]]:
    """The items of a type by the text at a path, found once for each stack."""
    kept: dict[tuple[str, str], dict[str, list[Item]]] = vars(stack).setdefault("_named", {})
    if (type_, path) not in kept:
        index = kept[type_, path] = {}
        for item in stack.of(type_):
            index.setdefault(known(item.props, path), []).append(item)
    return kept[type_, path]


# -- who holds what --------------------------------------------------------------------------------
def bounded(role: Item) -> bool:
    """Whether a role has a permissions boundary."""
    return said(role.props, "permissionsBoundary")


def holders(policy: Item, stack: Stack) -> list[Item]:
    """The roles of the stack that a policy is attached to."""
    if policy.type == ROLE_POLICY:
        return stack.sources(policy, "role", ROLE)
    attachments = stack.parts(ATTACHMENT, "policyArn", policy)
    return [role for each in attachments for role in stack.sources(each, "role", ROLE)]


def policies(role: Item, stack: Stack) -> list[Item]:
    """The stack's own policies that a role holds."""
    attached = [
        policy
        for each in stack.parts(ATTACHMENT, "role", role)
        for policy in stack.sources(each, "policyArn", POLICY)
    ]
    return [*attached, *stack.parts(ROLE_POLICY, "role", role)]


def foreign(role: Item, stack: Stack) -> list[str]:
    """The names of the policies that a role holds and the stack does not make: AWS's own."""
    return [
        str(each.props.at("policyArn", "")).rsplit("/", 1)[-1]
        for each in stack.parts(ATTACHMENT, "role", role)
        if not stack.sources(each, "policyArn", POLICY)
    ]
