"""IAM and resource policy documents as pure functions over plain values.

A document is a JSON string with sorted statements' keys, so that two builds are equal byte for
byte. Where a value is an output, build the document inside `.apply`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

VERSION = "2012-10-17"

Statement = dict[str, Any]


def statement(
    actions: Iterable[str],
    resources: Iterable[str] | str | None = None,
    *,
    sid: str | None = None,
    principals: Mapping[str, Iterable[str] | str] | str | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    effect: str = "Allow",
) -> Statement:
    """One statement; `resources=None` is for trust policies, which may not have any (I12)."""
    built: Statement = {"Effect": effect, "Action": sorted(actions)}
    if sid:
        built["Sid"] = sid
    if resources is not None:
        built["Resource"] = resources if isinstance(resources, str) else sorted(resources)
    if principals is not None:
        built["Principal"] = (
            principals
            if isinstance(principals, str)
            else {k: v if isinstance(v, str) else sorted(v) for k, v in principals.items()}
        )
    if conditions:
        built["Condition"] = {k: dict(v) for k, v in conditions.items()}
    return built


def document(*statements: Statement) -> str:
    """The policy document of these statements as JSON."""
    return json.dumps({"Version": VERSION, "Statement": list(statements)}, sort_keys=True)


def trust(service: str, *, conditions: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """A role's trust policy for one AWS service."""
    return document(
        statement(["sts:AssumeRole"], principals={"Service": service}, conditions=conditions)
    )


def pod_identity_trust() -> str:
    """Trust for EKS Pod Identity: it needs TagSession beside AssumeRole (EKS user guide)."""
    return document(
        statement(
            ["sts:AssumeRole", "sts:TagSession"], principals={"Service": "pods.eks.amazonaws.com"}
        )
    )


def tls_only(bucket_arn: str) -> Statement:
    """Refuses every request to a bucket that is not made over TLS."""
    return statement(
        ["s3:*"],
        [bucket_arn, f"{bucket_arn}/*"],
        sid="TlsOnly",
        principals="*",
        conditions={"Bool": {"aws:SecureTransport": "false"}},
        effect="Deny",
    )
