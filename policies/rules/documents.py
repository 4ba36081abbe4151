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

# Everything of its kind in the account: "*", "arn:...:*", "arn:...:role/*", "arn:...:role*" and
# "arn:aws:s3:::*/*"; what stands before the first slash of an S3 ARN is a bucket's name, no kind.
_WIDE = re.compile(
    r"\*+|arn:[^:]*:(?:[^:]*:[^:]*:[^:]*:[*?]+(?:/[*?]+)?"
    r"|(?!s3:)[^:]*:[^:]*:[^:]*:[a-z-]+[:/]?[*?]+(?:/[*?]+)?)"
)
# Operators that refuse what they name, or pass where the key is missing.
_NO_BOND = ("NotEquals", "NotLike", "NotEqualsIgnoreCase", "IfExists")
# Values that are hardly more than wildcards, and every service of AWS.
_ANYTHING = re.compile(r"[*?:/.]*|alias/[*?]+|[*?]+\.amazonaws\.com(?:\.cn)?")
# A caller of ours: the pattern of AWS's own managed keys (KMS developer guide, "kms:ViaService" and
# "kms:CallerAccount").
CALLERS = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "kms:calleraccount",
)

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
    """Whether a condition on one of these keys (small letters, maybe `*`) names what it admits."""
    wanted = tuple(keys)
    return any(
        any(fnmatchcase(key, each) for each in wanted)
        and operator.removeprefix("ForAnyValue:").startswith(("String", "Arn"))
        and not operator.endswith(_NO_BOND)
        and values
        and all(_names(key, each) for each in values)
        for operator, key, values in tests(statement)
    )


def _names(key: str, value: str) -> bool:
    """Whether a condition's value says who or what is meant: an ARN of any account does not."""
    if value.startswith("arn:") or key.endswith("arn"):
        account, name = value.split(":", 5)[4:] if value.count(":") > 4 else ("*", "")
        # A bucket's ARN has no account; its name stands for one.
        return not set(account) & set("*?") if account else not _ANYTHING.fullmatch(name)
    if key.endswith(("account", "orgid")):
        return not set(value) & set("*?")
    return not _ANYTHING.fullmatch(value)


def everybody(statement: Statement) -> bool:
    """Whether a statement speaks of all the world; what allows all but some allows the world."""
    if "NotPrincipal" in statement:
        return statement.get("Effect") == "Allow"
    principal = statement.get("Principal")
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


def accounts(statement: Statement) -> list[str]:
    """The AWS accounts whose users and roles a statement names."""
    return [
        each.split(":")[4] if each.count(":") > 4 else each
        for each in principals(statement, "AWS")
        if each != "*"
    ]


def refusing(
    document: Mapping[str, Any], operator: str, key: str, value: str = ""
) -> list[Statement]:
    """The denials for everybody under this condition and no second one.

    A denial holds where all its conditions do: each further one lets somebody through. AWS's own
    services may be let through; they act for the account itself.
    """
    services = ("Bool", "aws:principalisawsservice", ["false"])

    def found(statement: Statement) -> bool:
        given = [
            (how.removesuffix("IfExists"), of, [each.lower() for each in values])
            for how, of, values in tests(statement)
        ]
        bonds = [test for test in given if test != services]
        return [test[:2] for test in bonds] == [(operator, key)] and (
            not value or bonds[0][2] == [value]
        )

    return [each for each in statements(document, "Deny") if everybody(each) and found(each)]


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
