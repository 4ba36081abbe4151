"""What an environment may decide about the inside of its database.

The Jobs that use it are components/kubernetes/data/bootstrap.py.

Meets PG-16 to PG-19 (table names are configuration, A12), MIG-01 and MIG-02 (the application's
migrations are an image and a command), ENV-07 (the authorities that sign RDS's certificate).

The authorities are a file of the repository: RDS signs with authorities of its own, which no image
trusts. Refused: fetching them when a pod starts (every restart would need the internet, and would
trust whatever it got) and the bundle of all regions (165 kB in every pod's ConfigMap, and a
certificate of any region would be believed).
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting
from settings.images import DIGEST, IMAGE

ROOT = Path(__file__).resolve().parents[1]
BUNDLES = "https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem"
# The first whose libpq can refuse a login other than SCRAM (PGREQUIREAUTH).
OLDEST_CLIENT = 16
# `goose status` exits with 0 while migrations are pending (MIG-02, checked).
MIGRATE = """\
goose up
if goose status 2>&1 | grep -w Pending; then echo "migrations are pending" >&2; exit 1; fi
"""

Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]


class Tables(Section):
    """What the application calls the tables of the guide; one that is absent is left out."""

    users: Name = setting("user", allowed="a table's name, unquoted", example="users")
    organizations: Name = setting(
        "organization", allowed="a table's name, unquoted", example="organizations"
    )
    sessions: Name = setting("session", allowed="a table's name, unquoted", example="sessions")
    accounts: Name = setting("account", allowed="a table's name, unquoted", example="accounts")
    invitations: Name = setting(
        "invitation", allowed="a table's name, unquoted", example="invitations"
    )
    api_keys: Name = setting("api_key", allowed="a table's name, unquoted", example="api_keys")


class Migrations(Section):
    """The application's migrations. They find GOOSE_* and PG* in their environment."""

    image: str = setting(
        allowed="the application's migrations by digest, with what the command needs",
        example="ghcr.io/archesai/migrations:1.0.0@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    command: tuple[str, ...] = setting(
        ("sh", "-ec", MIGRATE),
        allowed="program and arguments that migrate, and fail unless nothing is pending",
        example=["sh", "-ec", "goose up"],
        min_length=1,
    )
    directory: str = setting(
        "/migrations",
        allowed="an absolute path inside the image",
        example="/migrations",
        pattern=r"^/",
    )
    deadline_minutes: int = setting(
        30, allowed="whole minutes from 1 to 240", example=30, ge=1, le=240
    )


class BootstrapSettings(Section):
    """Answers the guide's extensions, indexes and migrations."""

    image: str = setting(
        allowed="PostgreSQL's psql, pg_dump and pg_restore by digest, of the database's major "
        f"version (of {OLDEST_CLIENT} for an older one), with a shell and sha256sum",
        example="public.ecr.aws/docker/library/postgres:17@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    certificates: str = setting(
        allowed=f"a PEM file of the repository with the region's authorities, from {BUNDLES}",
        example="certificates/rds-eu-central-1.pem",
    )
    migrations: Migrations = setting(
        allowed="a mapping with the image of the migrations",
        example={"image": "ghcr.io/archesai/migrations:1.0.0@sha256:" + DIGEST},
    )
    tables: Tables = setting(
        Tables(), allowed="a mapping of the application's table names", example={"users": "user"}
    )
    # As long as the API itself may take for an answer (A18). A pooler's pod that stops waits as
    # long, and three of them, one by one, end within the 10 minutes that Pulumi gives a rollout.
    statement_timeout_seconds: int = setting(
        30,
        allowed="whole seconds from 1 to 120 that a statement of the application may take; each "
        "pod of the pooler waits as long when it stops",
        example=30,
        ge=1,
        le=120,
    )

    @property
    def authorities(self) -> str:
        """The certificates that the database's own is checked against, as PEM."""
        return (ROOT / self.certificates).read_text(encoding="utf-8")

    @model_validator(mode="after")
    def _certificates_are_authorities_in_force(self) -> Self:
        fault = _fault(ROOT / self.certificates)
        if fault:
            raise clash(
                "certificates",
                got=f"{self.certificates}, {fault}",
                # Never `-o` with what was given: it may be another file by mistake.
                allowed="a PEM file of the repository with the region's authorities; get it with "
                f"curl -o certificates/rds-<region>.pem {BUNDLES}",
                example="certificates/rds-eu-central-1.pem",
            )
        return self


def bootstrap_refusals(
    bootstrap: BootstrapSettings, *, database_major: int
) -> Iterator[PydanticCustomError]:
    """What no section can see alone; keys are paths from the environment's root.

    An older pg_dump refuses the server, and what a newer one dumps an older server may refuse
    (pg_dump's manual, "Notes"). Known only where the image's tag begins with its version.
    """
    wanted = max(database_major, OLDEST_CLIENT)
    tag = re.search(r":(\d+)[\w.-]*@", bootstrap.image)
    if tag and int(tag[1]) != wanted:
        yield clash(
            "bootstrap.image",
            got=f"{bootstrap.image.partition('@')[0]} while the database is {database_major}",
            allowed=f"psql, pg_dump and pg_restore {wanted} by digest",
            example=f"docker.io/library/postgres:{wanted}@sha256:{DIGEST}",
        )


def _fault(path: Path) -> str:
    """Why a file cannot prove who the database is; empty where it can."""
    if not path.is_file():
        return "which does not exist"
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        trusted.load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "which holds no certificate"
    found = trusted.get_ca_certs()
    if not found:
        return "which holds no certificate of an authority"
    expired = [
        each for each in found if ssl.cert_time_to_seconds(str(each["notAfter"])) < time.time()
    ]
    return f"in which a certificate expired on {expired[0]['notAfter']}" if expired else ""
