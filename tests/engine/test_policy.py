"""A preview that breaks a rule fails, and says which rule, where, and what to do.

And what people may set: levels and waivers do what they say, and a mistake in them is one line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from rehearsal.session import Run
from reports.run import Finding, finding
from tests.engine import programs
from tests.engine.conftest import Command, Open
from tests.engine.seen import lines

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
    rule = "  mandatory: security-group-no-open-ingress on "
    found = [line for line in done.stdout.splitlines() if line.startswith(rule)]
    assert len(found) == 2, f"the doors of two stores are open: {found}"
    for line, name in zip(found, ("cache-from-nodes", "database-from-nodes"), strict=True):
        assert line.startswith(f"{rule}{name}: ")
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
        run = opened.run("up", "--yes", check=False)
        assert run.code != 0
        broken = {(each.rule, each.level) for each in _found(run)}
        assert ("bucket-public-access-blocked", "mandatory") in broken, broken
        blocks = opened.account.all("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
        assert blocks == [], "the open bucket's setting was made all the same"


def test_the_engines_own_configuration_of_packs_is_refused(
    open_stack: Open, tmp_path: Path
) -> None:
    """No event of the engine carries it: a report could not tell that somebody disabled a rule."""
    program = programs.tiny(tmp_path / "program", _IMAGES)
    given = tmp_path / "given.json"
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        for written, refused in (
            ({}, ""),
            ({"ecr-scan-on-push": "disabled"}, "changes ecr-scan-on-push: allowed: none; levels"),
            ({"all": "advisory"}, "changes access-analyzer-made: allowed: none; levels"),
        ):
            given.write_text(json.dumps(written))
            run = opened.run("preview", "--policy-pack-config", str(given), check=False)
            if refused:
                assert len(lines(run.stderr)) == 1, run.stderr
                assert refused in run.stderr
            else:
                assert ("ecr-scan-on-push", "mandatory") in {(e.rule, e.level) for e in _found(run)}


# -- what people may set -------------------------------------------------------------------------
_IMAGES = """
    aws.ecr.Repository(
        "images", image_scanning_configuration={"scan_on_push": False}, opts=on
    )
    """
_TEMPLATE = """
    aws.ec2.LaunchTemplate("nodes", metadata_options={"http_tokens": "optional"}, opts=on)
    """
_WAIVER = {
    "rule": "ecr-scan-on-push",
    "resource": "aws:ecr/repository:Repository::images",
    "stack": programs.STACK,
    "reason": "the scanner of the partner looks at these images",
    "owner": "platform-team",
    "ticket": "OPS-1",
    "expires": "2027-01-31",
}


def _found(run: Run) -> set[Finding]:
    return {finding(event["policyEvent"]) for event in run.events if "policyEvent" in event}


def _told(run: Run) -> set[tuple[str, str, str, str]]:
    """(rule, resource, level, text without what to do about it)."""
    return {
        (each.rule, each.urn.split("::", 3)[3], each.level, each.text.partition("; ")[0])
        for each in _found(run)
    }


def _set(folder: Path, *, waiver: Mapping[str, str] | None = None, **levels: str) -> None:
    """The pack's files in a project: only the rules that are named bind."""
    here = {"all": "disabled", **{rule.replace("_", "-"): level for rule, level in levels.items()}}
    kept = [{**_WAIVER, **waiver}] if waiver is not None else []
    (folder / "policies" / "levels.yaml").write_text(yaml.safe_dump({programs.STACK: here}))
    (folder / "policies" / "waivers.yaml").write_text(yaml.safe_dump(kept))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "waivers.yaml",
            yaml.safe_dump([_WAIVER | {"rule": "ecr-scan"}]),
            "waiver 1: no rule is named 'ecr-scan'; see `make rules`",
        ),
        (
            "waivers.yaml",
            yaml.safe_dump([{k: v for k, v in _WAIVER.items() if k != "expires"}]),
            "waiver 1: expires: field required; needed are rule, resource (<type>::<name>), stack, "
            "reason (20 characters or more), owner, ticket, expires (YYYY-MM-DD); and finding (its "
            "words), where the resource is the stack",
        ),
        (
            "levels.yaml",
            "staging: {all: disabled, levels-kept: disabled}",
            "staging: levels-kept guards what this file may say and is mandatory always, whatever "
            "`all` is; take the line away",
        ),
        (
            "levels.yaml",
            "staging: {ecr-scan: advisory}",
            "staging: no rule is named 'ecr-scan'; allowed are `all` and the names that `make "
            "rules` prints",
        ),
        (
            "types.yaml",
            "excused: {}",
            "allowed are `excused` and `must_be_judged`, each a mapping of reasons to lists of "
            "types: 'must_be_judged'",
        ),
    ],
    ids=[
        "a waiver of no rule",
        "a waiver without an end",
        "a guard that is switched off",
        "a level of no rule",
        "half of types",
    ],
)
def test_a_mistake_in_the_packs_files_is_one_line(
    file: str, text: str, said: str, command: Command, tmp_path: Path
) -> None:
    project = programs.edited(tmp_path / "project")
    (project / "policies" / file).write_text(text)
    done = command("preview", "staging", project=project, home=tmp_path / "home")
    assert done.returncode == 1
    assert lines(done.stderr) == [f"error: policies/{file}: {said}"]
    assert "policy:" not in done.stdout, "nothing was judged, and the output counts verdicts"


def test_a_rule_that_breaks_stops_the_run_and_names_rule_and_resource(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", _IMAGES)
    _set(program, ecr_scan_on_push="advisory", account_pinned="advisory")
    broken = '{sign}\n    raise ValueError("canary")\n'
    for file, sign in (
        ("registry.py", "def _scanned(props: Props) -> Iterator[str]:"),
        ("stack.py", "def _one_account(provider: Item, _stack: Stack) -> Iterator[str]:"),
    ):
        (room,) = (program / "policies").rglob(file)
        programs.edit(room.parent, (file, sign, broken.format(sign=sign)))
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        run = opened.run("preview", check=False)
    assert run.code != 0, "a rule that cannot judge let the run pass"
    assert {(each.rule, each.urn.split("::", 3)[3], each.level) for each in _found(run)} == {
        ("ecr-scan-on-push", "images", "mandatory"),
        ("account-pinned", "aws", "mandatory"),
    }
    for each in _found(run):
        assert each.outcome == "error"
        assert each.text.startswith("the rule itself failed: ValueError in line ")
    assert "canary" not in run.stdout + run.stderr, "the words of an exception may hold a value"


def test_a_waiver_holds_until_its_day_and_is_refused_where_nothing_needs_it(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", _IMAGES)
    today = datetime.now(UTC).date()
    soon, gone = (today + timedelta(days=30)).isoformat(), (today - timedelta(days=1)).isoformat()
    binding = {"ecr_scan_on_push": "mandatory", "waivers_kept": "mandatory"}
    finding_, root = "images are not scanned on push", f"tiny-{programs.STACK}"
    of = f"the waiver of ecr-scan-on-push on {_WAIVER['resource']} (OPS-1)"
    other = of.replace("::images", "::pictures")
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        _set(program, waiver={"expires": soon}, **binding)
        run = opened.run("preview")
        assert _told(run) == {
            (
                "ecr-scan-on-push", "images", "advisory",
                f"waived until {soon} (platform-team, OPS-1): {finding_}",
            )
        }  # fmt: skip

        _set(program, waiver={"expires": gone}, **binding)
        run = opened.run("preview", check=False)
        assert run.code != 0
        assert _told(run) == {
            ("ecr-scan-on-push", "images", "mandatory", finding_),
            ("waivers-kept", root, "mandatory", f"{of} expired on {gone}"),
        }

        unused = {"expires": soon, "resource": "aws:ecr/repository:Repository::pictures"}
        _set(program, waiver=unused, ecr_scan_on_push="disabled", waivers_kept="mandatory")
        run = opened.run("preview", check=False)
        assert run.code != 0
        assert _told(run) == {
            (
                "waivers-kept", root, "mandatory",
                f"{other} is not needed: what it covers is not in this stack",
            )
        }  # fmt: skip


def test_a_checklists_rule_may_be_lowered_only_where_no_customers_are_served(
    open_stack: Open, tmp_path: Path
) -> None:
    """That production refuses it is test_checklist's."""
    program = programs.tiny(tmp_path / "program", _IMAGES)
    _set(program, ecr_scan_on_push="advisory", levels_kept="mandatory")
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        run = opened.run("preview")
    assert _told(run) == {
        ("ecr-scan-on-push", "images", "advisory", "images are not scanned on push")
    }


def test_a_remedy_changes_what_is_made_where_the_environment_asks_for_it(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", _TEMPLATE)
    _set(program, node_imdsv2="remediate")
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        opened.run("up", "--yes", "--skip-preview")
        (made,) = opened.account.all("aws:ec2/launchTemplate:LaunchTemplate")
        assert made.inputs["metadataOptions"] == {"httpTokens": "required"}

        _set(program, node_imdsv2="mandatory")
        run = opened.run("preview", check=False)
        assert run.code != 0, "the rule mends where nobody asked for it"


def test_a_resource_that_holds_data_and_has_no_rule_is_refused(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", 'aws.sqs.Queue("letters", opts=on)\n')
    _set(program, types_covered="mandatory")
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        run = opened.run("preview", check=False)
    assert run.code != 0
    ((rule, _, level, text),) = _told(run)
    assert (rule, level) == ("types-covered", "mandatory")
    assert text.startswith("aws:sqs/queue:Queue (1 resource) "), text
    assert text.endswith(" and no rule judges it"), text
