"""What an environment may decide about the inside of its database, and what it is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from settings.bootstrap import BootstrapSettings, bootstrap_refusals
from settings.core import refusals

DIGEST = "@sha256:" + "a" * 64
PLAIN: dict[str, Any] = {
    "image": f"docker.io/library/postgres:17{DIGEST}",
    "certificates": "certificates/rds-eu-central-1.pem",
    "migrations": {"image": f"ghcr.io/arches/migrations:1{DIGEST}"},
}


def settings(**changed: Any) -> BootstrapSettings:
    return BootstrapSettings.model_validate_json(json.dumps({**PLAIN, **changed}))


def refused(**changed: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**changed)
    [line] = refusals(BootstrapSettings, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


def test_the_applications_own_table_names_are_the_default():
    """PG-16, A12."""
    assert settings().tables.model_dump() == {
        "users": "user",
        "organizations": "organization",
        "sessions": "session",
        "accounts": "account",
        "invitations": "invitation",
        "api_keys": "api_key",
    }
    assert settings(tables={"users": "users"}).tables.users == "users"


def test_migrations_fail_unless_nothing_is_pending():
    """MIG-02: `goose status` by itself exits with 0."""
    assert settings().migrations.command == (
        "sh",
        "-ec",
        "goose up\n"
        "if goose status 2>&1 | grep -w Pending; then "
        'echo "migrations are pending" >&2; exit 1; fi\n',
    )


def test_the_authorities_of_the_region_are_three_and_the_ones_that_amazon_publishes():
    """ENV-07: of RSA with 2,048 and 4,096 bits and of the curve P-384, each signed by itself."""
    named = [line for line in settings().authorities.splitlines() if line.startswith("# Amazon")]
    assert named == [
        "# Amazon RDS eu-central-1 Root CA ECC384 G1",
        "# Amazon RDS eu-central-1 Root CA RSA2048 G1",
        "# Amazon RDS eu-central-1 Root CA RSA4096 G1",
    ]
    assert settings().authorities.count("BEGIN CERTIFICATE") == 3


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"image": "docker.io/library/postgres:17"}, 'image: got "docker.io/library/postgres:17"'),
        ({"certificates": "certificates/rds-mars.pem"}, "which does not exist"),
        ({"certificates": "README.md"}, "README.md, which holds no certificate"),
        ({"tables": {"users": 'user"; DROP'}}, "tables.users: got"),
        ({"migrations": {}}, "migrations.image: got nothing"),
        ({"statementTimeoutSeconds": 0}, "statementTimeoutSeconds: got 0"),
    ],
)
def test_what_could_not_work_is_refused_by_its_key(changed: dict[str, Any], says: str):
    line = refused(**changed)
    assert says in line
    assert "for example" in line


@pytest.mark.parametrize(
    ("tag", "database", "fits"),
    [
        (":17", 17, True),
        (":17.6-alpine", 17, True),
        (":17.6-alpine", 18, False),
        (":18", 17, False),
        (":16", 15, True),
        (":15", 15, False),
        ("", 17, True),
        (":client", 17, True),
    ],
)
def test_the_clients_are_of_the_databases_major_version(tag: str, database: int, fits: bool):
    """BAK-01: else no dump is made from the night of the upgrade on."""
    image = f"registry.archesai.com:5000/postgres{tag}{DIGEST}"
    found = list(bootstrap_refusals(settings(image=image), database_major=database))
    assert (found == []) is fits


def test_a_missing_file_says_where_to_get_it():
    assert refused(certificates="certificates/rds-mars.pem") == (
        "certificates: got certificates/rds-mars.pem, which does not exist; allowed: a PEM file of "
        "the repository with the region's authorities; get it with curl -o "
        "certificates/rds-<region>.pem "
        "https://truststore.pki.rds.amazonaws.com/<region>/<region>-bundle.pem; for example "
        '"certificates/rds-eu-central-1.pem"'
    )


@pytest.mark.parametrize(
    ("authority", "until", "says"),
    [
        (
            "CA:TRUE",
            "20200102000000Z",
            "in which a certificate expired on Jan  2 00:00:00 2020 GMT",
        ),
        ("CA:FALSE", "21200102000000Z", "which holds no certificate of an authority"),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused(
    tmp_path: Path, authority: str, until: str, says: str
):
    """An expired authority would cut off every client at the next connection."""
    made = tmp_path / "made.pem"
    configuration = tmp_path / "openssl.cnf"
    configuration.write_text(
        f"[ca]\ndefault_ca = it\n[it]\ndatabase = {tmp_path}/index\nnew_certs_dir = {tmp_path}\n"
        "rand_serial = yes\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n"
        f"[req]\ndistinguished_name = name\n[name]\n[of]\nbasicConstraints = critical,{authority}\n"
    )
    (tmp_path / "index").touch()
    key, request = tmp_path / "key", tmp_path / "request"
    for argv in (
        ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=made", "-config",
         configuration, "-keyout", key, "-out", request),
        ("ca", "-selfsign", "-batch", "-notext", "-config", configuration, "-keyfile", key, "-in",
         request, "-out", made, "-startdate", "20200101000000Z", "-enddate", until,
         "-extensions", "of"),
    ):  # fmt: skip
        subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True)
    assert says in refused(certificates=str(made))
