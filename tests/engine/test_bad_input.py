"""Bad input ends in one clear line: from the settings before any plugin starts, from AWS's rules
with the resource's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.account import AccountError
from rehearsal.session import EngineFailed
from tests.engine import programs
from tests.engine.conftest import Command, Open
from tests.engine.seen import changes, disagreements, lines

pytestmark = pytest.mark.engine


def test_an_unknown_stack_is_refused_before_anything_starts(
    command: Command, tmp_path: Path
) -> None:
    done = command("preview", "prduction")
    assert done.returncode == 2
    assert len(lines(done.stderr)) == 1, done.stderr
    assert '"prduction"' in done.stderr
    assert "prod" in done.stderr, "the line must name the stacks that there are"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == [], "a refused run must leave nothing behind"


def test_a_bad_setting_is_refused_before_anything_starts(tmp_path: Path, command: Command) -> None:
    project = programs.edited(
        tmp_path / "project", ("Pulumi.staging.yaml", "cidr: 10.30.0.0/16", "cidr: 8.8.8.0/24")
    )
    home = tmp_path / "home"
    done = command("up", "staging", project=project, home=home)
    assert done.returncode == 2
    assert len(lines(done.stderr)) == 1, done.stderr
    for part in ("Pulumi.staging.yaml", "arches:network.cidr", "8.8.8.0/24", "allowed:"):
        assert part in done.stderr, f"the line must say {part}: {done.stderr}"
    assert not home.exists(), "a refused run must leave nothing behind"


def test_an_unknown_fault_is_refused_in_one_line(command: Command) -> None:
    done = command("up", "staging", "--fault", "explode:7")
    assert done.returncode == 2
    assert lines(done.stderr) == [
        'error: fault "explode:7": allowed: throttle:..., fail:..., timeout:..., lose-reply:..., '
        "kill:...; for example fail:7 or throttle:aws:rds/instance:Instance"
    ]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            'pulumi.CustomResource("aws:nowhere/thing:Thing", "thing", {"size": 1}, on)',
            ("aws:nowhere/thing:Thing", "thing"),
        ),
        (
            'pulumi.CustomResource("aws:sns/topic:Topic", "topic", {"colour": "red"}, on)',
            ("topic", "colour"),
        ),
        (
            'aws.ec2.Subnet("lost", vpc_id="vpc-0123456789abcdef0", cidr_block="10.0.0.0/24", '
            "opts=on)",
            ("lost", "vpcId", "vpc-0123456789abcdef0", "does not exist"),
        ),
    ],
    ids=["a type that does not exist", "a property that does not exist", "a reference to nothing"],
)
def test_a_mistake_in_the_program_is_one_clear_line(
    open_stack: Open, tmp_path: Path, body: str, parts: tuple[str, ...]
) -> None:
    program = programs.tiny(tmp_path / "program", body)
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        with pytest.raises(EngineFailed) as refused:
            opened.run("preview", policies=False)
        said = str(refused.value)
        assert said.count("\n") == 0, f"more than one line: {said}"
        assert "failed" not in said, f"the engine's closing words are no reason: {said}"
        for part in parts:
            assert part in said, f"the line must say {part}: {said}"


def test_deleting_what_is_still_in_use_is_refused(open_stack: Open, tmp_path: Path) -> None:
    vpc = 'vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=on)\n'
    program = programs.tiny(tmp_path / "program", vpc)
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        opened.run("up", "--yes", "--skip-preview", policies=False)
        vpc_id = opened.account.all("aws:ec2/vpc:Vpc")[0].id
        # The subnet names the VPC by its id alone, so the engine does not know the order.
        programs.tiny(
            tmp_path / "program",
            f'aws.ec2.Subnet("s", vpc_id="{vpc_id}", cidr_block="10.0.0.0/24", opts=on)',
        )
        with pytest.raises(EngineFailed) as refused:
            opened.run("up", "--yes", "--skip-preview", policies=False)
        assert "DependencyViolation" in str(refused.value)
        assert vpc_id in str(refused.value)
        assert len(opened.account.all("aws:ec2/vpc:Vpc")) == 1, "the VPC must still be there"


def test_after_a_damaged_account_the_next_run_really_begins_with_an_empty_one(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", 'aws.sns.Topic("news", opts=on)')
    folder = tmp_path / "dev"
    with open_stack(folder, programs.STACK, program=program) as opened:
        opened.run("up", "--yes", "--skip-preview", policies=False)
    damaged = b"this is no database" * 100
    (folder / "account.db").write_bytes(damaged)
    with (
        pytest.raises(AccountError) as told,
        open_stack(folder, programs.STACK, program=program),
    ):
        pytest.fail("a damaged account was used")
    assert len(lines(str(told.value))) == 1, told.value
    (aside,) = folder.glob("damaged-*")
    assert str(aside) in str(told.value)
    assert (aside / "account.db").read_bytes() == damaged, "the damaged file must be kept"
    assert list((aside / "state").rglob("dev.json")), "what the engine knew of it must be kept"
    with open_stack(folder, programs.STACK, program=program) as opened:
        done = opened.run("up", "--yes", "--skip-preview", policies=False)
        assert changes(done.events)["news"] == "create", "the promised remedy does not work"
        assert disagreements(opened) == []
