"""What an environment may decide about its buckets.

Encryption, versions, privacy, TLS, object lock and the block of public access are not here: nobody
needs a bucket without them. What is here is time, cost and the one account-wide choice. How long
each thing lives beside the promise to erase people's data is computed in `settings/lifetimes.py`.
Meets BAK-03, BAK-04, LB-25, AUDIT-03, DR-02 and GDPR-04 in their part of the settings.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from settings.core import Section, clash, setting

# Amazon S3 user guide, "Transitioning objects": an infrequent-access class takes objects of at
# least this age, and bills for at least as long (refusal S12).
INFREQUENT_ACCESS_DAYS = 30
# Backups and logs that hold personal data are gone after a month (BAK-04, LB-25, GDPR-04).
LONGEST_PERSONAL_DAYS = 30
# S3 acts at the midnight after a period, so 29 days end on the thirtieth (S3 user guide,
# "Lifecycle rules based on the age of an object").
LONGEST_NONCURRENT_DAYS = LONGEST_PERSONAL_DAYS - 1
# Velero deletes what it no longer needs; a week is left to undo a mistake.
VELERO_GRACE_DAYS = 7


class StorageSettings(Section):
    """Answers the guide's backup directory, its log retention and its file storage."""

    dump_days: int = setting(
        30,
        allowed="whole days from 7 to 30 that a database dump is kept and locked (the guide says "
        "30; longer would outlive the promise to erase)",
        example=30,
        ge=7,
        le=LONGEST_PERSONAL_DAYS,
    )
    access_log_days: int = setting(
        30,
        allowed="whole days from 7 to 30 that access logs, which hold addresses, are kept",
        example=30,
        ge=7,
        le=LONGEST_PERSONAL_DAYS,
    )
    audit_days: int = setting(
        365,
        allowed="whole days from 365 to 3,650 that the audit trail is kept and locked",
        example=365,
        ge=365,
        le=3650,
    )
    noncurrent_days: int = setting(
        LONGEST_NONCURRENT_DAYS,
        allowed="whole days from 7 to 29 in which an overwritten or deleted file can be brought "
        "back; it is gone for good on the day after",
        example=29,
        ge=7,
        le=LONGEST_NONCURRENT_DAYS,
    )
    files_infrequent_after_days: int | None = setting(
        None,
        allowed="null, or whole days from 30 to 3,650 after which a file moves to the cheaper "
        "class for files that are rarely read",
        example=90,
        ge=INFREQUENT_ACCESS_DAYS,
        le=3650,
    )
    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] = setting(
        "GOVERNANCE",
        allowed="GOVERNANCE, or COMPLIANCE, which nobody can lift, not even AWS: neither a dump "
        "nor the audit trail can then be deleted before its time",
        example="GOVERNANCE",
    )
    replicate: bool = setting(
        True,
        allowed="true for a second copy of dumps and files in backupRegion; false only where "
        "servesCustomers is false",
        example=True,
    )
    replication_time_control: bool = setting(
        True,
        allowed="true where the second copy must follow within 15 minutes and be watched (it "
        "costs more for each GB), false for best effort; needs replicate",
        example=True,
    )
    account_public_access_block: bool = setting(
        False,
        allowed="true in exactly one environment of an account: the block is the account's, so "
        "two owners would overwrite each other and one `destroy` would open both",
        example=True,
    )
    state_bucket: bool = setting(
        False,
        allowed="true to make a bucket for the Pulumi state of other environments; this "
        "environment's own state cannot live in a bucket that it makes itself",
        example=False,
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.replication_time_control and not self.replicate:
            raise clash(
                "replicationTimeControl",
                got="true while replicate is false",
                allowed="false where nothing is replicated",
                example="false",
            )
        return self
