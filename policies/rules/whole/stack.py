"""The stack as a whole: tags, and every resource on a provider that was made on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import ROOT, Item, Rule, Stack, StackRule

REQUIRED_TAGS = ("project", "stack", "owner", "cost-center", "serves-customers")


def _tags(provider: Item, stack: Stack) -> Iterator[str]:
    tags = next(tags for each, tags in stack.tags if each is provider)
    missing = [tag for tag in REQUIRED_TAGS if not tags.get(tag)]
    if missing:
        yield f"resources would lack the tags {', '.join(missing)}"


def _no_default_provider(_root: Item, stack: Stack) -> Iterator[str]:
    for provider in stack.items:
        if provider.type.startswith("pulumi:providers:") and provider.name.startswith("default"):
            yield f"resources use {provider.name}, which has no tags and no region"


def _one_account(provider: Item, _stack: Stack) -> Iterator[str]:
    # Provider settings that are no scalars arrive as JSON text.
    if provider.props.at("allowedAccountIds", "[]") in ("", "[]", []):
        yield "an `up` with the wrong credentials would change another account"


def _levels(_root: Item, stack: Stack) -> Iterator[str]:
    from rules import CHECKLIST

    for rule in sorted(CHECKLIST) if stack.serves_customers else ():
        level = stack.levels.get(rule, "mandatory")
        if level not in ("mandatory", "remediate"):
            yield f"{rule} guards the security checklist and is only {level} here"


def _waivers(_root: Item, stack: Stack) -> Iterator[str]:
    yield from stack.audit(stack)


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="required-tags",
        sentence="Everything carries the tags that say whose it is and what it costs.",
        types=("pulumi:providers:aws",),
        severity="medium",
        requirements=("GEN-03",),
        controls=("ISO27001 A.5.9",),
        why="Nobody can be asked about what says neither whose it is nor what it is for.",
        fix=f"give the provider's default_tags {', '.join(REQUIRED_TAGS)}",
        url="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
        evidence=("defaultTags",),
        judge=_tags,
    ),
    StackRule(
        name="explicit-providers",
        sentence="No resource uses a provider that nobody configured.",
        types=(ROOT,),
        severity="high",
        requirements=("GEN-03",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.9"),
        why="What it makes has no tags, and stands in whatever region the shell names.",
        fix="pass the provider through the component's opts",
        url="https://www.pulumi.com/docs/iac/concepts/providers/#explicit-provider-configuration",
        judge=_no_default_provider,
    ),
    StackRule(
        name="account-pinned",
        sentence="The provider refuses any other account.",
        types=("pulumi:providers:aws",),
        severity="high",
        requirements=("GEN-01",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.31", "ISO27001 A.8.32"),
        why="With the wrong credentials at hand, production would be built over another account.",
        fix="set allowed_account_ids",
        url="https://www.pulumi.com/registry/packages/aws/installation-configuration/",
        evidence=("allowedAccountIds",),
        judge=_one_account,
    ),
    StackRule(
        name="levels-kept",
        sentence="Where customers are served, every rule of the checklists binds.",
        types=(ROOT,),
        severity="critical",
        requirements=("CHK-SEC-01", "CHK-SEC-02", "CHK-SEC-03", "CHK-SEC-04"),
        controls=("SOC2 CC8.1", "ISO27001 A.8.9", "ISO27001 A.8.32"),
        why="A rule that only advises is read by nobody on the day on which it matters.",
        fix="raise it to mandatory in policies/levels.yaml",
        url="https://www.pulumi.com/docs/iac/guides/crossguard/core-concepts/",
        judge=_levels,
    ),
    # The last one: what became of a waiver is known once every other rule has been judged.
    StackRule(
        name="waivers-kept",
        sentence="Every waiver is in force, needed, and no wider than it must be.",
        types=(ROOT,),
        severity="high",
        requirements=("CHK-SEC-07",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="An exception that nobody needs any more hides the next mistake.",
        fix="remove it from policies/waivers.yaml, or have it reviewed again",
        url="https://www.pulumi.com/docs/iac/guides/crossguard/core-concepts/",
        judge=_waivers,
    ),
)
