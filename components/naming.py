"""Names and tags: the few physical names that people or other systems must know, in one place.

Everything else is named by Pulumi. A name that is too long is cut and ends in a hash, so that two
long names never meet.
"""

from __future__ import annotations

import hashlib

HASH_LENGTH = 5


def cut(text: str, limit: int) -> str:
    """`text` itself where it fits into `limit` characters, else its start, a hyphen and a hash."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
    return f"{text[: limit - HASH_LENGTH - 1].rstrip('-')}-{digest}"


def physical(project: str, stack: str, noun: str, *, limit: int = 64) -> str:
    """The name `<project>-<stack>-<noun>`, cut to the service's limit of characters."""
    return cut(f"{project}-{stack}-{noun}", limit)


def bucket(project: str, stack: str, noun: str, account_id: str, region: str) -> str:
    """A globally unique bucket name of at most 63 characters (S3 user guide, naming rules).

    The account and the region come first in what may not be cut away: another account that took
    the name would otherwise block the deployment (refusal S1).
    """
    tail = f"-{account_id}-{region}"
    return cut(f"{project}-{stack}-{noun}", 63 - len(tail)) + tail


def buckets(project: str, stack: str, account_id: str, region: str) -> str:
    """The pattern that each of a stack's names of `bucket` fits, for policies."""
    tail = f"-{account_id}-{region}"
    kept = 63 - len(tail) - HASH_LENGTH - 1  # of a name that is cut
    return f"{project}-{stack}"[:kept].rstrip("-") + "-*" + tail
