"""A trail with holes."""

from __future__ import annotations

from tests.policies.mutation import Mutant, drop, put, without

_TRAIL = "aws:cloudtrail/trail:Trail"
_BLIND = "who changed the account is not recorded, only what was read"
_UNSEARCHABLE = "nobody can search it or be alarmed by it"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="cloudtrail-made",
        title="no trail",
        change=without(_TRAIL),
        says=("no audit trail records this account",),
        at="arches-prod",
    ),
    Mutant(
        rule="cloudtrail-everywhere",
        title="one region",
        change=put(_TRAIL, "isMultiRegionTrail", False),
        says=("other regions are not recorded",),
    ),
    Mutant(
        rule="cloudtrail-everywhere",
        title="AWS's default, without IAM",
        change=put(_TRAIL, "includeGlobalServiceEvents", False),
        says=("what is done in IAM is not recorded",),
    ),
    Mutant(
        rule="cloudtrail-logging",
        title="switched off",
        change=put(_TRAIL, "enableLogging", False),
        says=("the trail is switched off",),
    ),
    Mutant(
        rule="cloudtrail-management-events",
        title="only objects of buckets",
        change=put(
            _TRAIL,
            "advancedEventSelectors",
            [
                {
                    "name": "data",
                    "fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}],
                }
            ],
        ),
        says=(_BLIND,),
    ),
    Mutant(
        rule="cloudtrail-management-events",
        title="only objects, the old way",
        change=put(_TRAIL, "eventSelectors", [{"includeManagementEvents": False}]),
        says=(_BLIND,),
    ),
    Mutant(
        rule="cloudtrail-validated",
        title="no validation",
        change=put(_TRAIL, "enableLogFileValidation", False),
        says=("a changed log file would not be noticed",),
    ),
    Mutant(
        rule="cloudtrail-validated",
        title="AWS's default",
        change=drop(_TRAIL, "enableLogFileValidation"),
        says=("a changed log file would not be noticed",),
    ),
    Mutant(
        rule="cloudtrail-encrypted",
        title="AWS's own key",
        change=drop(_TRAIL, "kmsKeyId"),
        says=("the trail is not encrypted with a key of ours",),
    ),
    Mutant(
        rule="cloudtrail-searchable",
        title="files only",
        change=drop(_TRAIL, "cloudWatchLogsGroupArn"),
        says=(_UNSEARCHABLE,),
    ),
    Mutant(
        rule="cloudtrail-searchable",
        title="nobody may write into the group",
        change=put(_TRAIL, "cloudWatchLogsRoleArn", ""),
        says=(_UNSEARCHABLE,),
    ),
    Mutant(
        rule="cloudtrail-bucket-private",
        title="a bucket that may be made public",
        change=without("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "storage-audit*"),
        says=("its bucket may be made public",),
        at="governance-audit-trail",
    ),
    Mutant(
        rule="cloudtrail-bucket-logged",
        title="a bucket that anybody reads unseen",
        change=without("aws:s3/bucketLogging:BucketLogging", "storage-audit*"),
        says=("nobody could tell who read it",),
        at="governance-audit-trail",
    ),
)
