"""A preview that breaks a rule fails, and says which rule, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine import programs
from tests.engine.conftest import Command, Open

pytestmark = pytest.mark.engine


def test_an_open_store_fails_the_preview_with_rule_resource_and_fix(
    command: Command, tmp_path: Path
) -> None:
    project = programs.edited(
        tmp_path / "project",
        (
            "components/door.py",
            "referenced_security_group_id=cluster.nodes_security_group_id",
            'cidr_ipv4="0.0.0.0/0"',
        ),
    )
    done = command("preview", "staging", project=project, home=tmp_path / "home")
    assert done.returncode == 1, done.stdout
    found = [line for line in done.stdout.splitlines() if line.startswith("  mandatory: ")]
    assert len(found) == 2, f"the doors of two stores are open: {found}"
    for line, name in zip(found, ("cache-from-nodes", "database-from-nodes"), strict=True):
        assert f"security-group-no-open-ingress on {name}: " in line
        assert "name the CIDR block, prefix list or security group that needs the port" in line


def test_a_public_bucket_is_refused_before_it_is_made(open_stack: Open, tmp_path: Path) -> None:
    program = programs.tiny(
        tmp_path / "program",
        """
        bucket = aws.s3.Bucket("open", opts=on)
        aws.s3.BucketPublicAccessBlock(
            "open", bucket=bucket.id, block_public_acls=False, block_public_policy=True,
            ignore_public_acls=True, restrict_public_buckets=True, opts=on,
        )
        """,
    )
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        run = opened.run("up", "--yes", "--skip-preview", check=False)
        assert run.code != 0
        broken = {
            (event["policyEvent"]["policyName"], event["policyEvent"]["enforcementLevel"])
            for event in run.events
            if "policyEvent" in event
        }
        assert ("bucket-public-access-blocked", "mandatory") in broken, broken
        blocks = opened.account.all("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
        assert blocks == [], "the open bucket's setting was made all the same"
