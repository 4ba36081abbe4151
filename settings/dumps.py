"""What an environment may decide about the daily logical dump of its database.

How long dumps are kept is `storage.dumpDays`; where they go and under which key is not a choice.
Meets BAK-01, BAK-02 and BAK-05 in their part of the settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from settings import postgres
from settings.core import Section, clash, setting

IMAGE = r"^[a-z0-9][a-z0-9.:/_-]*[a-z0-9](:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}$"
IDENTIFIER = r"^[a-z_][a-z0-9_]{0,62}$"
# What a node needs of its disk for images and logs beside the emptyDir of one dump.
NODE_RESERVE_GIB = 20


class DumpsSettings(Section):
    """Answers the guide's `backup.sh` (BAK-01 to BAK-05)."""

    # Two images, because no public one has both programs; each is its project's own.
    image: str = setting(
        allowed="an image with sh, psql, pg_dump and pg_restore of the database's major version or "
        "a later one, by digest; scripts of the database run in it",
        example="public.ecr.aws/docker/library/postgres:17@sha256:" + "0" * 64,
        pattern=IMAGE,
    )
    upload_image: str = setting(
        allowed="an image with sh and AWS CLI 2, by digest",
        example="public.ecr.aws/aws-cli/aws-cli@sha256:" + "0" * 64,
        pattern=IMAGE,
    )
    client_major: int = setting(
        17,
        allowed="the major version of pg_dump in `image`, from 15 to 18 and not below the "
        "database's",
        example=17,
        ge=15,
        le=18,
    )
    schedule: str = setting(
        "0 2 * * *",
        allowed="a time of every day in UTC: minute and hour, then three stars",
        example="0 2 * * *",
        pattern=r"^([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*$",
    )
    schema_name: str = setting(
        "public", allowed="the schema of `tables`", example="public", pattern=IDENTIFIER
    )
    tables: tuple[Annotated[str, Field(pattern=IDENTIFIER)], ...] = setting(
        ("user", "organization"),
        allowed="at least one table that every dump must hold; names as PostgreSQL keeps them",
        example=["user", "organization"],
        min_length=1,
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
    dumps: DumpsSettings, *, engine_version: str, disk_gib: int
) -> Iterator[PydanticCustomError]:
    """What the section cannot see alone; keys are paths from the environment's root.

    engine_version: the database's. disk_gib: of a node.
    """
    server = postgres.major(engine_version)
    if dumps.client_major < server:
        yield clash(
            "dumps.clientMajor",
            got=f"{dumps.client_major} for a database of version {server}",
            allowed="the database's major version or a later one: an older pg_dump refuses the "
            "server",
            example=server,
        )
    if dumps.scratch_gib > disk_gib - NODE_RESERVE_GIB:
        yield clash(
            "dumps.scratchGib",
            got=f"{dumps.scratch_gib} of a node's {disk_gib} GiB",
            allowed=f"at most {disk_gib - NODE_RESERVE_GIB}, or a larger cluster.nodes.diskGib",
            example=max(disk_gib - NODE_RESERVE_GIB, 1),
        )
