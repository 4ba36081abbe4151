"""The stack as a whole: tags, and every resource on a provider that was made on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Rule, StackRule, default_tags, of_type

REQUIRED_TAGS = ("project", "stack", "owner", "cost-center", "serves-customers")


def _tags(items: list[Item]) -> Iterator[tuple[str, str]]:
    for provider, tags in default_tags(items):
        missing = [tag for tag in REQUIRED_TAGS if not tags.get(tag)]
        if missing:
            yield provider.urn, f"resources would lack the tags {', '.join(missing)}"


def _no_default_provider(items: list[Item]) -> Iterator[tuple[str, str]]:
    for provider in items:
        if provider.type.startswith("pulumi:providers:") and provider.name.startswith("default"):
            yield provider.urn, f"resources use {provider.name}, which has no tags and no region"


def _one_account(items: list[Item]) -> Iterator[tuple[str, str]]:
    for provider in of_type(items, "pulumi:providers:aws"):
        # Provider settings that are no scalars arrive as JSON text.
        if provider.props.at("allowedAccountIds", "[]") in ("", "[]", []):
            yield provider.urn, "an `up` with the wrong credentials would change another account"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="required-tags",
        sentence="Everything carries the tags that say whose it is and what it costs.",
        severity="medium",
        requirements=("GEN-03",),
        fix=f"give the provider's default_tags {', '.join(REQUIRED_TAGS)}",
        judge=_tags,
    ),
    StackRule(
        name="explicit-providers",
        sentence="No resource uses a provider that nobody configured.",
        severity="high",
        requirements=("GEN-03",),
        fix="pass the provider through the component's opts",
        judge=_no_default_provider,
    ),
    StackRule(
        name="account-pinned",
        sentence="The provider refuses any other account.",
        severity="high",
        requirements=("GEN-01",),
        fix="set allowed_account_ids",
        judge=_one_account,
    ),
)
