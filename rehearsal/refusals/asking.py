"""Questions that several rooms of refusals ask of a request, of the account and of a document."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.table import Request
from rehearsal.wire import Secret, has_unknown, revealed

SUBNET = "aws:ec2/subnet:Subnet"

Network = ipaddress.IPv4Network


def siblings(
    request: Request, account: Account, type_: str, *, everywhere: bool = False, **where: Any
) -> list[Resource]:
    """Other resources of a type, in the request's region or everywhere, that equal `where`.

    At preview the resource of the same URN is left out as well: a replacement may delete it first.
    """
    region = None if everywhere else request.region
    return [
        r
        for r in account.find(type_, region, **where)
        if not (request.id and r.type == request.type and r.id == request.id)
        and not (request.preview and r.urn == request.urn)
    ]


def current(request: Request, account: Account) -> Resource | None:
    """The existing resource that an update or a delete is about."""
    return account.by_id(request.id, request.type) if request.id else None


def known_list(request: Request, path: str) -> list[Any] | None:
    """The list at `path`, None unless every item is known; absent is empty."""
    value = request.value(path, [])
    if not isinstance(value, list) or has_unknown(value):
        return None
    return list(revealed(value))


def objects(request: Request, path: str) -> list[Mapping[str, Any]]:
    """Those objects of the list at `path` that are known; parts of them may still be unknown."""
    value = request.value(path, [])
    if not isinstance(value, list):
        return []
    opened = (each.value if isinstance(each, Secret) else each for each in value)
    return [each for each in opened if isinstance(each, Mapping)]


def given(request: Request, path: str) -> bool:
    """Whether something stands at `path`, be it known or not."""
    return request.value(path) not in (None, "", [])


def subnets(account: Account, ids: list[Any]) -> list[Resource]:
    """Those of the subnets that the account holds."""
    found = (account.by_id(str(each), SUBNET) for each in ids)
    return [subnet for subnet in found if subnet is not None]


def zones(account: Account, ids: list[Any] | None) -> list[str] | None:
    """The zones of these subnets, sorted; None unless all are known."""
    if not ids:
        return None
    there = subnets(account, ids)
    names = {str(each.get("availabilityZone", "")) for each in there}
    if len(there) < len(ids) or "" in names:
        return None
    return sorted(names)


@lru_cache(maxsize=1024)
def block(text: str) -> Network | None:
    """An IPv4 block, or None where the text is none."""
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def account_of(arn: str) -> str:
    """The account's number in an ARN, "" where it has none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


def minor(version: Any) -> tuple[int, int] | None:
    """Major and minor of "1.34" or "v1.34.1-eksbuild.2"."""
    head = str(version).removeprefix("v").split("-")[0].split(".")
    if len(head) < 2 or not (head[0].isdigit() and head[1].isdigit()):
        return None
    return int(head[0]), int(head[1])


# -- policy documents ---------------------------------------------------------------------------
@lru_cache(maxsize=1024)
def document(text: str) -> dict[str, Any] | None:
    """A JSON policy document, or None where the text is none."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def statements(text: Any) -> list[dict[str, Any]]:
    """The statements of a document; none where it is unknown or no document."""
    parsed = document(text) if isinstance(text, str) else None
    if parsed is None:
        return []
    return [each for each in listed(parsed.get("Statement")) if isinstance(each, dict)]


def listed(value: Any) -> list[Any]:
    """A value that a document may write alone or in a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def principals(statement: dict[str, Any], kind: str) -> list[str]:
    """Principals of a kind ("AWS", "Service"); a bare "*" counts as AWS."""
    value = statement.get("Principal")
    if value == "*":
        return ["*"] if kind == "AWS" else []
    return [str(each) for each in listed((value or {}).get(kind))]


def trusts(text: Any, service: str) -> bool:
    """Whether a trust policy lets a service assume the role."""
    return any(
        each.get("Effect") == "Allow" and service in principals(each, "Service")
        for each in statements(text)
    )


def missing_principals(account: Account, text: Any) -> Iterator[str]:
    """Roles and users of this account that a document names as principals and that do not exist.

    What only appears in a condition is not resolved by AWS and may be missing.
    """
    for each in statements(text):
        for arn in principals(each, "AWS"):
            kind, _, path = arn.split(":", 5)[-1].partition("/")
            if account_of(arn) != account.account_id or kind not in ("role", "user"):
                continue
            name = path.rsplit("/", 1)[-1]
            types = (
                ("aws:iam/user:User",)
                if kind == "user"
                else ("aws:iam/role:Role", "aws:iam/serviceLinkedRole:ServiceLinkedRole")
            )
            if arn in account.given:
                continue
            if not any(account.by_id(n, t) for t in types for n in (name, arn)):
                yield arn


def letters(text: str) -> int:
    """The size of a document as IAM counts it: without white space."""
    return len("".join(text.split()))


def permits(
    text: Any, service: str, action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether a resource's policy lets a service do `action` on `resource`.

    context: what AWS would send as condition keys. A condition on any other key counts as met, and
    so does a policy that cannot be read here (a secret, or no JSON): what is unknown is not judged.
    """
    if not isinstance(text, str) or document(text) is None:
        return True
    sent = {key.lower(): value for key, value in (context or {}).items()}
    return any(
        each.get("Effect") == "Allow"
        and _names(each, service)
        and _matches(action.lower(), [str(a).lower() for a in listed(each.get("Action"))])
        and _matches(resource, listed(each.get("Resource")))
        and _conditions_met(each.get("Condition") or {}, sent)
        for each in statements(text)
    )


def _names(statement: dict[str, Any], service: str) -> bool:
    return service in principals(statement, "Service") or "*" in principals(statement, "AWS")


def _matches(value: str, patterns: list[Any]) -> bool:
    return any(fnmatchcase(value, str(pattern)) for pattern in patterns)


def _conditions_met(conditions: Mapping[str, Any], sent: Mapping[str, str]) -> bool:
    for operator, tests in conditions.items():
        plain = operator.removeprefix("ForAnyValue:").removesuffix("IfExists")
        if plain not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
            continue
        for key, allowed in tests.items():
            value = sent.get(key.lower())
            if value is None:
                continue
            exact = plain == "StringEquals"
            wanted = [str(each) for each in listed(allowed)]
            if not (value in wanted if exact else _matches(value, wanted)):
                return False
    return True
