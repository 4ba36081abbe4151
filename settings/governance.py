"""What watches the account, what it may cost, and who may deploy from where.

AWS allows one GuardDuty detector, one Config recorder and one GitHub identity provider per account
(refusals G1, G4, I13), five trails per region (T4), and several environments may share an account.
So each account-wide thing is made `here` or is there already, `elsewhere`; "off" cannot be said.
Answers AUDIT-03, GEN-03, CICD-12.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.alarms import Email
from settings.core import Section, clash, setting

Owner = Literal["here", "elsewhere"]
Feature = Literal["s3", "eksAuditLogs", "malware", "rds", "lambda", "runtime"]
Digits = Annotated[str, Field(pattern=r"^[1-9]\d{0,18}$")]

# CloudWatch Logs accepts these only (refusal O3); below a year FSBP and CIS are not met.
RETENTION_DAYS = (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

_OWNER = "here (this environment makes it) or elsewhere (the account has it already)"


class GovernanceSettings(Section):
    """Account-wide things, budget, delivery."""

    cloud_trail: Owner = setting(allowed=_OWNER, example="here")
    trail_data_events: bool = setting(
        False,
        allowed="true records every read and write of an object in the dumps, Velero and files "
        "buckets too (billed per event), else false",
        example=True,
    )
    trail_insights: bool = setting(
        False,
        allowed="true lets CloudTrail report unusual call and error rates (billed), else false",
        example=True,
    )
    audit_retention_days: int = setting(
        365, allowed="one of " + ", ".join(map(str, RETENTION_DAYS)) + " days", example=365
    )
    guard_duty: Owner = setting(allowed=_OWNER, example="here")
    # `runtime` is no default: its agent makes an interface endpoint and a security group in the
    # VPC that no program owns, and the VPC cannot be deleted while they exist (refusal N7).
    guard_duty_features: tuple[Feature, ...] = setting(
        ("eksAuditLogs", "malware", "rds", "s3"),
        allowed="a list of eksAuditLogs, lambda, malware, rds, runtime, s3, with eksAuditLogs, "
        "rds and s3 among them",
        example=["eksAuditLogs", "malware", "rds", "s3"],
    )
    config: Owner = setting(allowed=_OWNER, example="here")
    access_analyzer: Owner = setting(allowed=_OWNER, example="here")
    # Encryption of every new volume of the account in this region.
    ebs_encryption: Owner = setting(allowed=_OWNER, example="here")

    budget_usd: int = setting(
        allowed="whole US dollars a month from 10 to 1,000,000", example=3000, ge=10, le=1_000_000
    )
    # Refusal P6: a notice takes at most five addresses beside its topic.
    budget_emails: tuple[Email, ...] = setting(
        allowed="a list of 1 to 5 e-mail addresses",
        example=["finance@archesai.com"],
        min_length=1,
        max_length=5,
    )
    # A tag can be activated only after billing has seen it, up to 24 h after the first `up`;
    # a budget over a tag that is not active counts nothing and never speaks.
    cost_tag: Literal["unseen", "activate", "active"] = setting(
        "unseen",
        allowed="unseen (billing does not know the tag yet: the budget watches the whole account), "
        "activate (this environment activates it) or active (activated elsewhere)",
        example="active",
    )

    github_provider: Owner = setting(allowed=_OWNER, example="here")
    github_repository: str = setting(
        allowed="owner/name of the repository whose workflows preview and deploy",
        example="archesai/infrastructure",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$",
    )
    # Repositories made or renamed from 15 July 2026 on have both ids in their tokens' subject
    # (GitHub changelog 2026-04-23, immutable subject claims); older ones may opt in.
    github_owner_id: Digits | None = setting(
        None,
        allowed="the owner's numeric id as text, where the repository's tokens carry ids; "
        "together with githubRepositoryId",
        example="123456",
    )
    github_repository_id: Digits | None = setting(
        None,
        allowed="the repository's numeric id as text, where its tokens carry ids; together with "
        "githubOwnerId",
        example="456789",
    )
    github_environment: str = setting(
        allowed="the GitHub environment (with its reviewers) that alone may deploy",
        example="production",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
    )
    preview_session_hours: int = setting(
        1, allowed="whole hours from 1 to 4", example=1, ge=1, le=4
    )
    # Longer than a first deployment with one retry: credentials must not end before the run.
    deploy_session_hours: int = setting(
        2, allowed="whole hours from 1 to 12 (the limit of IAM)", example=2, ge=1, le=12
    )
    state_bucket: str | None = setting(
        None,
        allowed="the bucket that holds Pulumi's state, where the backend is S3",
        example="archesai-pulumi-state",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    )
    state_key_arn: str | None = setting(
        None,
        allowed="the ARN of the KMS key of the stack's secrets, where KMS is the secrets provider",
        example="arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$",
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.audit_retention_days not in RETENTION_DAYS:
            raise clash(
                "auditRetentionDays",
                got=self.audit_retention_days,
                allowed="one of " + ", ".join(map(str, RETENTION_DAYS)),
                example=365,
            )
        missing = {"eksAuditLogs", "rds", "s3"} - set(self.guard_duty_features)
        if missing or len(set(self.guard_duty_features)) != len(self.guard_duty_features):
            raise clash(
                "guardDutyFeatures",
                got=", ".join(self.guard_duty_features) or "an empty list",
                allowed="each once, with eksAuditLogs, rds and s3 among them",
                example='["eksAuditLogs", "malware", "rds", "s3"]',
            )
        if (self.github_owner_id is None) != (self.github_repository_id is None):
            raise clash(
                "githubRepositoryId" if self.github_repository_id is None else "githubOwnerId",
                got="nothing, while the other id is given",
                allowed="both ids or none",
                example='"456789"',
            )
        return self
