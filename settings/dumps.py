"""What an environment may decide about the daily logical dump of its database.

The programs that dump and restore are those of `bootstrap.image`. How long dumps are kept is
`storage.dumpDays`; where they go and under which key is not a choice. Meets BAK-01 and BAK-05 in
their part of the settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting
from settings.images import DIGEST, IMAGE
from settings.retention import RetentionSettings

# What a node needs of its disk for images and logs beside the scratch of one dump.
NODE_RESERVE_GIB = 20


class DumpsSettings(Section):
    """Answers the guide's `backup.sh` (BAK-01 to BAK-05)."""

    upload_image: str = setting(
        allowed="AWS CLI 2 by digest, with a shell",
        example="public.ecr.aws/aws-cli/aws-cli@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    schedule: str = setting(
        "0 2 * * *",
        allowed="a time of every day in UTC: minute and hour, then three stars",
        example="0 2 * * *",
        pattern=r"^([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*$",
    )
    minimum_kib: int = setting(
        8,
        allowed="KiB from 4 to 1,073,741,824; a smaller archive fails. Raise it as data grows",
        example=1024,
        ge=4,
        le=1073741824,
    )
    scratch_gib: int = setting(
        20,
        allowed="GiB from 1 to 900 of a node's encrypted disk for the compressed archive, at least "
        "20 GiB less than cluster.nodes.diskGib",
        example=20,
        ge=1,
        le=900,
    )
    deadline_minutes: int = setting(
        120,
        allowed="minutes from 10 to 720 after which a dump has failed",
        example=120,
        ge=10,
        le=720,
    )


def dumps_refusals(
    dumps: DumpsSettings, retention: RetentionSettings, *, disk_gib: int
) -> Iterator[PydanticCustomError]:
    """What no section can see alone; keys are paths from the environment's root.

    disk_gib: of a node.
    """
    if dumps.scratch_gib > disk_gib - NODE_RESERVE_GIB:
        yield clash(
            "dumps.scratchGib",
            got=f"{dumps.scratch_gib} of a node's {disk_gib} GiB",
            allowed=f"at most {disk_gib - NODE_RESERVE_GIB}, or a larger cluster.nodes.diskGib",
            example=max(disk_gib - NODE_RESERVE_GIB, 1),
        )
    if _minute(retention.schedule) >= _minute(dumps.schedule):
        yield clash(
            "retention.schedule",
            got=f"{retention.schedule}, not before the dump of {dumps.schedule}",
            allowed="a time before dumps.schedule: else every dump holds what is erased after it",
            example="0 1 * * *",
        )


def _minute(schedule: str) -> int:
    """The minute of the day."""
    minute, hour = schedule.split()[:2]
    return int(hour) * 60 + int(minute)
