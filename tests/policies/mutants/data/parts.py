"""Parts that no rule would find: inside their owner, tied to it by hand, or written twice."""

from __future__ import annotations

from typing import Any

from rules.data.objects import VERSIONING
from rules.data.parts import INSIDE, TOPIC, TOPIC_POLICY
from rules.data.storage import BLOCK, FLAGS, POLICY
from rules.data.stores import BUCKET
from rules.documents import ATTACHMENT, ROLE_POLICY
from rules.network.doors import INGRESS

from tests.policies.mutation import Mutant, add, put, unlink

_FILES = "storage-files"
_OPEN = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}'
_ONE_ALREADY = f"{_FILES} has one already, and the last that is written counts"


def _inside(key: str) -> Any:
    return {"policy": _OPEN, "acl": "public-read", "versioning": {"enabled": False}}.get(key, [{}])


MUTANTS: tuple[Mutant, ...] = (
    *(
        Mutant(
            rule="parts-apart",
            title=f"a bucket with its {key} inside",
            change=put(BUCKET, key, _inside(key), _FILES),
            says=(f"{key} stands inside, where no rule looks",),
        )
        for key in INSIDE
    ),
    Mutant(
        rule="parts-apart",
        title="a topic for everybody by its own policy",
        change=put(TOPIC, "policy", _OPEN, "alarms-critical"),
        says=("policy stands inside, where no rule looks",),
    ),
    *(
        Mutant(
            rule="parts-linked",
            title=f"{type_.rpartition(':')[2]} by hand",
            change=add(type_, "by-hand", props),
            says=(f"its {name} is written by hand, so no rule knows whose it is",),
            at="by-hand",
        )
        for type_, name, props in (
            (BLOCK, "bucket", {"bucket": "arches-prod-files", **dict.fromkeys(FLAGS, False)}),
            (ROLE_POLICY, "role", {"role": "arches-prod-dumps", "policy": _OPEN}),
            (ATTACHMENT, "role", {"role": "arches-prod-dumps", "policyArn": "arn:aws:iam::aws:x"}),
            (INGRESS, "securityGroupId", {"securityGroupId": "sg-1", "cidrIpv4": "10.0.0.0/8"}),
            (TOPIC_POLICY, "arn", {"arn": "arn:aws:sns:eu-central-1:1:alarms", "policy": _OPEN}),
            (
                *("aws:eks/podIdentityAssociation:PodIdentityAssociation", "clusterName"),
                {"clusterName": "arches-prod-cluster", "roleArn": "arn:aws:iam::1:role/admin"},
            ),
        )
    ),
    Mutant(
        rule="parts-linked",
        title="a policy that lost its bucket",
        change=unlink(POLICY, "bucket", f"{_FILES}-policy"),
        says=("its bucket is written by hand, so no rule knows whose it is",),
        at=f"{_FILES}-policy",
    ),
    Mutant(
        rule="parts-linked",
        title="a second versioning that suspends the first",
        change=add(
            VERSIONING,
            "second",
            {"versioningConfiguration": {"status": "Suspended"}},
            {"bucket": (BUCKET, _FILES)},
        ),
        says=(_ONE_ALREADY,),
        at="second",
    ),
    Mutant(
        rule="parts-linked",
        title="a second policy",
        change=add(POLICY, "second", {"policy": "{}"}, {"bucket": (BUCKET, _FILES)}),
        says=(_ONE_ALREADY,),
        at="second",
    ),
)
