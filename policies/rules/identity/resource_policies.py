"""Policy documents wherever they stand: rules can read them, and they let our own account in only.

Who may use one kind of thing is judged where that kind is: keys.py, secrets.py, rules/data and
rules/observability.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules import provider
from rules.data.backup import VAULT_POLICY
from rules.data.storage import POLICY as BUCKET_POLICY
from rules.documents import (
    CALLERS,
    POLICY,
    ROLE,
    ROLE_POLICY,
    accounts,
    actions,
    bound_by,
    everybody,
    known,
    principals,
    statements,
    wide,
)
from rules.identity.keys import KEY
from rules.identity.secrets import SECRET_TYPE
from rules.model import SECRET, Item, NotApplicable, Props, Rule, Stack, StackRule, Undecided
from rules.network.doors import ENDPOINT
from rules.observability.observability import TOPIC_POLICY

LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
# Where each kind of resource has its document.
PATHS = ("assumeRolePolicy", "policy", "policyDocument")


def _readable(props: Props) -> Iterator[str]:
    for path in PATHS:
        if known(props, path) == SECRET:
            yield f"{path} is marked secret, so no rule can read it"


def _not_public(props: Props) -> Iterator[str]:
    if not props.given("policy"):
        raise NotApplicable("it has no policy of its own")
    for statement in statements(props.document("policy")):
        if everybody(statement) and wide(statement) and not bound_by(statement, CALLERS):
            yield f"everybody may {', '.join(actions(statement)) or 'do all but what it names'}"


def _own_account(item: Item, stack: Stack) -> Iterator[str]:
    ours = stack.once(provider.accounts)
    for statement in statements(item.props.document("policy")):
        named = accounts(statement)
        if named and not ours:
            raise Undecided("the account, which no AWS provider names in allowed_account_ids")
        for account in named:
            if account not in ours:
                yield f"account {account} may {', '.join(actions(statement))}"
        if principals(statement, "CanonicalUser"):
            yield f"a user whose account nobody can tell may {', '.join(actions(statement))}"


_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="policy-document-readable",
        sentence="No policy document is hidden as a secret.",
        types=(
            *(POLICY, ROLE_POLICY, ROLE, KEY, SECRET_TYPE, BUCKET_POLICY, TOPIC_POLICY),
            *(VAULT_POLICY, LOG_POLICY, REPOSITORY_POLICY, ENDPOINT),
        ),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("SOC2 CC6.3", "ISO27001 A.5.18"),
        why="Rights that neither a rule nor a reviewer can read could be anything.",
        fix="take the secret out of the document; it should name things, not hold values",
        url="https://www.pulumi.com/docs/iac/concepts/secrets/",
        evidence=("name", *PATHS),
        judge=_readable,
    ),
    Rule(
        name="resource-policy-not-public",
        sentence="No vault and no endpoint is for everybody.",
        types=(VAULT_POLICY, ENDPOINT),
        severity="high",
        requirements=("BAK-03", "CHK-SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.15"),
        why="Strangers could take backups away, or carry data out past every security group.",
        fix="name the principals, or bind the statement by aws:PrincipalAccount",
        url=f"{_GUIDE}/access_policies_identity-vs-resource.html",
        evidence=("policy",),
        judge=_not_public,
    ),
    StackRule(
        name="resource-policy-own-account",
        sentence="What we keep is open to no other account.",
        types=(KEY, BUCKET_POLICY, SECRET_TYPE, VAULT_POLICY, REPOSITORY_POLICY),
        severity="critical",
        requirements=("BAK-03", "SEC-06", "CHK-SEC-04"),
        controls=("FSBP S3.6", "CHECKOV CKV_AWS_70", "SOC2 CC6.1", "ISO27001 A.5.15", "GDPR 32"),
        why="Who may read it would be decided by people whom nobody here knows.",
        fix="name principals of the account that the AWS provider deploys to",
        url=f"{_GUIDE}/reference_policies_evaluation-logic-cross-account.html",
        evidence=("policy",),
        judge=_own_account,
    ),
)
