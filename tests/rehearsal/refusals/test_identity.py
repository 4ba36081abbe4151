"""Each row about IAM says IAM's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from rehearsal.refusals.identity import (
    ATTACHMENT,
    ATTACHMENTS,
    LINKED_ROLE,
    OIDC,
    POLICY,
    PROFILE,
    ROLE,
    ROLE_POLICY,
    ROWS,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    create,
    delete,
    policy,
    thing,
    update,
)

ARN = f"arn:aws:iam::{ACCOUNT}"
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
WORKER = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"


def trust(**principal: object) -> str:
    return policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def long(size: int) -> str:
    return policy({**ALLOW, "Resource": "r" * (size - len(policy({**ALLOW, "Resource": ""})))})


FOR_EC2 = trust(Service="ec2.amazonaws.com")
NODES = thing(
    ROLE, "nodes", outputs={"arn": f"{ARN}:role/nodes"}, name="nodes", assumeRolePolicy=FOR_EC2
)
MONITOR = thing(
    ROLE,
    "monitor",
    outputs={"arn": f"{ARN}:role/monitor"},
    assumeRolePolicy=trust(Service=["monitoring.rds.amazonaws.com"]),
)
TEN = [thing(ATTACHMENT, f"a{i}", role="nodes", policyArn=f"{ARN}:policy/p{i}") for i in range(10)]
READ = thing(POLICY, f"{ARN}:policy/read", outputs={"arn": f"{ARN}:policy/read"}, name="read")
SAME_SID = policy({**ALLOW, "Sid": "Read"}, {**ALLOW, "Sid": "Read"})
MALFORMED = "MalformedPolicyDocument: "
WRONG_TRUST = (
    "InvalidParameterException: Role could not be assumed because the trusted entity is not correct"
)

CASES = [
    Case(
        row="I1",
        request=create(ROLE, name="app", assumeRolePolicy=trust(AWS=f"{ARN}:role/deploy")),
        says=MALFORMED + f'Invalid principal in policy: "AWS":"{ARN}:role/deploy"',
    ),
    Case(
        row="I1",
        have=[thing(ROLE, "deploy", name="deploy")],
        request=create(ROLE, name="app", assumeRolePolicy=trust(AWS=[f"{ARN}:role/ci/deploy"])),
    ),
    Case(
        row="I1",
        request=create(
            ROLE,
            name="app",
            assumeRolePolicy=trust(AWS=[f"{ARN}:root", "arn:aws:iam::999988887777:role/other"]),
        ),
    ),
    Case(
        row="I1",
        request=create(
            ROLE, preview=True, name="app", assumeRolePolicy=trust(AWS=f"{ARN}:role/deploy")
        ),
    ),
    Case(
        row="I2",
        request=create(POLICY, name="big", policy=long(6200)),
        says="LimitExceeded: Cannot exceed quota for PolicySize: 6144",
    ),
    Case(row="I2", request=create(POLICY, name="big", policy=long(6144))),
    Case(row="I2", request=create(POLICY, name="wide", policy="{" + " " * 9000 + "}")),
    Case(
        row="I3",
        request=create(ROLE, name="r", assumeRolePolicy=long(2100)),
        says="LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048",
    ),
    Case(row="I3", request=create(ROLE, name="r", assumeRolePolicy=long(2048))),
    Case(
        row="I4",
        have=[thing(ROLE_POLICY, "nodes:a", role="nodes", policy=long(6000))],
        request=create(ROLE_POLICY, role="nodes", name="b", policy=long(6000)),
        says="LimitExceeded: Maximum policy size of 10240 bytes exceeded for role nodes",
    ),
    Case(
        row="I4",
        have=[thing(ROLE_POLICY, "other:a", role="other", policy=long(6000))],
        request=create(ROLE_POLICY, role="nodes", name="b", policy=long(6000)),
    ),
    Case(
        row="I4",
        have=[thing(ROLE_POLICY, "nodes:a", role="nodes", policy=long(6000))],
        request=update(
            ROLE_POLICY, "nodes:a", {"role": "nodes", "policy": long(6000)}, policy=long(9000)
        ),
    ),
    Case(
        row="I5",
        have=TEN,
        request=create(ATTACHMENT, role="nodes", policyArn=WORKER),
        says="LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10",
    ),
    Case(
        row="I5",
        request=create(ROLE, name="r", managedPolicyArns=[f"{ARN}:policy/{i}" for i in range(11)]),
        says="LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10",
    ),
    Case(row="I5", have=TEN[1:], request=create(ATTACHMENT, role="nodes", policyArn=WORKER)),
    Case(row="I5", have=TEN, request=create(ATTACHMENT, role="other", policyArn=WORKER)),
    Case(
        row="I6",
        have=[NODES, TEN[0]],
        request=delete(ROLE, "nodes", name="nodes"),
        says="DeleteConflict: Cannot delete entity, must detach all policies first.",
    ),
    Case(
        row="I6",
        have=[NODES, thing(ATTACHMENTS, "x", policyArn=WORKER, roles=["nodes"])],
        request=delete(ROLE, "nodes", name="nodes"),
        says="DeleteConflict: Cannot delete entity, must detach all policies first.",
    ),
    Case(
        row="I6",
        have=[NODES, thing(ROLE_POLICY, "nodes:a", role="nodes", policy="{}")],
        request=delete(ROLE, "nodes", name="nodes"),
        says="DeleteConflict: Cannot delete entity, must delete policies first.",
    ),
    Case(
        row="I6",
        have=[NODES, thing(PROFILE, "p", role="nodes")],
        request=delete(ROLE, "nodes", name="nodes", forceDetachPolicies=True),
        says="DeleteConflict: Cannot delete entity, must remove roles from instance profile first.",
    ),
    Case(
        row="I6",
        have=[NODES, TEN[0]],
        request=delete(ROLE, "nodes", name="nodes", forceDetachPolicies=True),
    ),
    Case(row="I6", have=[NODES], request=delete(ROLE, "nodes", name="nodes")),
    Case(
        row="I7",
        have=[READ, thing(ATTACHMENT, "a", role="nodes", policyArn=READ.id)],
        request=delete(POLICY, READ.id, name="read"),
        says="DeleteConflict: Cannot delete a policy attached to entities.",
    ),
    Case(
        row="I7",
        have=[READ, thing(ROLE, "r", permissionsBoundary=READ.id)],
        request=delete(POLICY, READ.id, name="read"),
        says="DeleteConflict: Cannot delete a policy attached to entities.",
    ),
    Case(row="I7", have=[READ, NODES], request=delete(POLICY, READ.id, name="read")),
    Case(
        row="I9",
        have=[NODES],
        request=create(ROLE, name="Nodes", assumeRolePolicy=FOR_EC2),
        says="EntityAlreadyExists: Role with name Nodes already exists.",
    ),
    Case(
        row="I9",
        have=[thing(PROFILE, "nodes", name="nodes")],
        request=create(PROFILE, name="nodes"),
        says="EntityAlreadyExists: Instance Profile nodes already exists.",
    ),
    Case(
        row="I9",
        have=[READ],
        request=create(POLICY, name="read", policy=policy(ALLOW)),
        says=(
            "EntityAlreadyExists: A policy called read already exists. Duplicate names are not "
            "allowed."
        ),
    ),
    Case(
        row="I9",
        request=create(ROLE, namePrefix="x" * 39, assumeRolePolicy=FOR_EC2),
        says=("expected length of namePrefix to be in the range (1 - 38), got " + "x" * 39),
    ),
    Case(row="I9", have=[NODES], request=create(ROLE, name="nodes-2", assumeRolePolicy=FOR_EC2)),
    Case(
        row="I10",
        request=create(POLICY, name="p", policy=SAME_SID),
        says=MALFORMED + "Statement IDs (SID) in a single policy must be unique.",
    ),
    Case(
        row="I10",
        request=create(POLICY, name="p", policy=policy({**ALLOW, "Sid": "A"}, ALLOW, ALLOW)),
    ),
    Case(
        row="I11",
        request=create(POLICY, name="p", policy=policy({"Effect": "Allow", "Resource": "*"})),
        says=MALFORMED + "Policy statement must contain actions.",
    ),
    Case(
        row="I11",
        request=create(ROLE_POLICY, role="r", policy=policy({**ALLOW, "Resource": []})),
        says=MALFORMED + "Policy statement must contain resources.",
    ),
    Case(
        row="I11",
        request=create(POLICY, name="p", policy=policy({**ALLOW, "Action": ["GetObject"]})),
        says=(
            MALFORMED + "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        ),
    ),
    Case(row="I11", request=create(POLICY, name="p", policy=policy({**ALLOW, "Action": "*"}))),
    Case(row="I11", request=create(ROLE, name="r", assumeRolePolicy=FOR_EC2)),
    Case(
        row="I12",
        request=create(ROLE, name="r", assumeRolePolicy=policy(ALLOW)),
        says=MALFORMED + "Has prohibited field Resource.",
    ),
    Case(row="I12", request=create(ROLE, name="r", assumeRolePolicy=FOR_EC2)),
    Case(
        row="I13",
        have=[thing(OIDC, "o", url="token.actions.githubusercontent.com")],
        request=create(OIDC, url="https://token.actions.githubusercontent.com"),
        says=(
            "EntityAlreadyExists: Provider with url https://token.actions.githubusercontent.com "
            "already exists."
        ),
    ),
    Case(
        row="I13",
        have=[thing(OIDC, "o", url="https://oidc.eks.eu-central-1.amazonaws.com/id/1")],
        request=create(OIDC, url="https://token.actions.githubusercontent.com"),
    ),
    Case(
        row="I14",
        have=[thing(LINKED_ROLE, "s", awsServiceName="autoscaling.amazonaws.com")],
        request=create(LINKED_ROLE, awsServiceName="autoscaling.amazonaws.com"),
        says=(
            "InvalidInput: Service role name AWSServiceRoleForAutoScaling has been taken in this "
            "account, please try a different suffix."
        ),
    ),
    Case(
        row="I14",
        have=[thing(LINKED_ROLE, "s", awsServiceName="autoscaling.amazonaws.com")],
        request=create(
            LINKED_ROLE, awsServiceName="autoscaling.amazonaws.com", customSuffix="arches"
        ),
    ),
    Case(
        row="I15",
        have=[NODES],
        request=create("aws:eks/cluster:Cluster", name="c", roleArn=f"{ARN}:role/nodes"),
        says=WRONG_TRUST,
    ),
    Case(
        row="I15",
        have=[NODES],
        request=create("aws:rds/instance:Instance", monitoringRoleArn=f"{ARN}:role/nodes"),
        says=(
            "InvalidParameterValue: IAM role ARN value is invalid or does not include the required "
            "permissions for: ENHANCED_MONITORING"
        ),
    ),
    Case(
        row="I15",
        have=[NODES],
        request=create("aws:eks/nodeGroup:NodeGroup", nodeRoleArn=f"{ARN}:role/nodes"),
    ),
    Case(
        row="I15",
        have=[MONITOR],
        request=create("aws:rds/instance:Instance", monitoringRoleArn=f"{ARN}:role/monitor"),
    ),
    Case(row="I15", request=create("aws:eks/cluster:Cluster", roleArn=UNKNOWN)),
    Case(
        row="I16",
        request=create(ATTACHMENT, role="AWSServiceRoleForConfig", policyArn=WORKER),
        says=(
            "UnmodifiableEntity: Cannot perform the operation on the protected role "
            "'AWSServiceRoleForConfig' - this role is only modifiable by AWS"
        ),
    ),
    Case(row="I16", request=create(ATTACHMENT, role="nodes", policyArn=WORKER)),
]


def test_the_room_has_all_rows_of_the_reference_but_the_one_that_no_request_can_meet() -> None:
    assert [row.id for row in ROWS] == [f"I{i}" for i in range(1, 17) if i != 8]
