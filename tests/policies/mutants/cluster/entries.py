"""Too many who may change the cluster, and secrets that can be guessed."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, drop, put

_ASSOCIATION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
_ENTRY = "aws:eks/accessEntry:AccessEntry"
_PASSWORD = "random:index/randomPassword:RandomPassword"
_BYTES = "random:index/randomBytes:RandomBytes"
_POLICY = "arn:aws:eks::aws:cluster-access-policy/"
_ONE_OF_THREE = "one of 3 roles that may change everything in the cluster"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="eks-few-administrators",
        title="on-call may change everything",
        change=put(_ASSOCIATION, "policyArn", f"{_POLICY}AmazonEKSAdminPolicy", "*on-call*"),
        says=(_ONE_OF_THREE,) * 3,
    ),
    Mutant(
        rule="eks-few-administrators",
        title="a third role, which edits every namespace",
        change=add(
            _ASSOCIATION,
            "third",
            {"policyArn": f"{_POLICY}AmazonEKSEditPolicy", "accessScope": {"type": "cluster"}},
            {"principalArn": (_ENTRY, "*engineers*")},
        ),
        says=(_ONE_OF_THREE,) * 3,
    ),
    Mutant(
        rule="generated-password-strong",
        title="a password of 16 letters",
        change=put(_PASSWORD, "length", 16),
        says=("16 signs can be found by trying, 22 cannot",),
    ),
    Mutant(
        rule="generated-password-strong",
        title="a password without a length",
        change=drop(_PASSWORD, "length"),
        says=("0 signs can be found by trying, 22 cannot",),
    ),
    Mutant(
        rule="generated-key-strong",
        title="a key of 8 bytes",
        change=put(_BYTES, "length", 8),
        says=("8 bytes can be found by trying, 16 cannot",),
    ),
)
