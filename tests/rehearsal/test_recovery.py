"""After a killed run: what was made is taken in, what was not is dropped, nothing is made twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rehearsal import recovery
from rehearsal.account import Account
from rehearsal.providers.standin import Call, Refused
from rehearsal.wire import Secret

VPC = "aws:ec2/vpc:Vpc"
SECRET = "aws:secretsmanager/secret:Secret"
AGREED = "nothing was pending; state and account agree"
CIPHER = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "c"}


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::arches::{type_}::{name}"


class Session:
    """A session's face, with the engine's part written down instead of run."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account
        self.stack = "prod"
        self.note: str | None = None
        self.standins: list[Any] = []
        self.deployment: dict[str, Any] = {"resources": [], "pending_operations": []}
        self.ran: list[tuple[str, ...]] = []

    def state(self) -> dict[str, Any]:
        return {"deployment": self.deployment}

    def pulumi(self, *arguments: str, stdin: str | None = None) -> str:
        self.ran.append(arguments)
        if stdin is not None:
            self.deployment = json.loads(stdin)["deployment"]
        return ""

    def run(self, *arguments: str) -> None:
        self.ran.append(arguments)

    def pending(self, type_: str, name: str, kind: str = "creating", /, **inputs: Any) -> None:
        self.deployment["pending_operations"].append(
            {"type": kind, "resource": {"urn": urn(type_, name), "type": type_, "inputs": inputs}}
        )

    def make(self, type_: str, name: str, id_: str, /, **inputs: Any) -> None:
        self.account.make(
            type_, id_, urn=urn(type_, name), region="eu-central-1", inputs=inputs, outputs={}
        )


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    account = Account(":memory:")
    yield Session(tmp_path, account)
    account.close()


def recover(session: Session) -> list[str]:
    return recovery.recover(cast(Any, session))


def test_nothing_pending_is_said_and_nothing_is_run(session: Session) -> None:
    assert recover(session) == [AGREED]
    assert session.ran == []


def test_what_was_made_is_taken_into_the_state(session: Session) -> None:
    session.pending(VPC, "network", cidrBlock="10.20.0.0/16")
    session.make(VPC, "network", "vpc-1", cidrBlock="10.20.0.0/16")
    assert recover(session) == [
        "network: was made as vpc-1; taken into the state",
        "recovered: state and account agree",
    ]
    assert session.ran == [
        ("stack", "import", "--stack", "prod"),
        ("refresh", "--yes", "--skip-preview", "--run-program=false"),
    ]
    assert session.deployment["pending_operations"] == []
    assert [(r["urn"], r["id"]) for r in session.deployment["resources"]] == [
        (urn(VPC, "network"), "vpc-1")
    ]
    assert len(session.account.all()) == 1, "nothing is made twice"


def test_what_was_never_made_is_dropped(session: Session) -> None:
    session.pending(VPC, "network", cidrBlock="10.20.0.0/16")
    session.make(VPC, "other", "vpc-1", cidrBlock="10.99.0.0/16")
    session.deployment["resources"].append({"urn": urn(VPC, "other"), "type": VPC, "id": "vpc-1"})
    assert recover(session) == [
        "network: was never made; dropped",
        "recovered: state and account agree",
    ]
    assert session.deployment["pending_operations"] == []
    assert len(session.deployment["resources"]) == 1


def test_of_equal_things_made_at_once_each_is_taken_in_under_its_own_name(
    session: Session,
) -> None:
    address = "aws:ec2/eip:Eip"
    for name in ("a", "b", "c"):
        session.pending(address, name, domain="vpc")
    session.make(address, "c", "eipalloc-c", domain="vpc")
    session.make(address, "a", "eipalloc-a", domain="vpc")
    assert recover(session) == [
        "a: was made as eipalloc-a; taken into the state",
        "b: was never made; dropped",
        "c: was made as eipalloc-c; taken into the state",
        "recovered: state and account agree",
    ], "two resources of the state would be one address"


def test_what_the_state_knows_already_is_not_taken_in_again(session: Session) -> None:
    session.pending(VPC, "second", cidrBlock="10.20.0.0/16")
    session.make(VPC, "first", "vpc-1", cidrBlock="10.20.0.0/16")
    session.deployment["resources"].append({"urn": urn(VPC, "first"), "type": VPC, "id": "vpc-1"})
    assert recover(session)[0] == "second: was never made; dropped"


def test_a_secret_input_does_not_hide_what_was_made(session: Session) -> None:
    session.pending(SECRET, "jwt", name="jwt", value=CIPHER, nested={"list": [CIPHER]})
    session.make(
        SECRET, "jwt", "arn:1", name="jwt", value=Secret("x"), nested={"list": [Secret("y")]}
    )
    assert recover(session)[0] == "jwt: was made as arn:1; taken into the state"


def test_one_made_and_one_not_are_settled_together(session: Session) -> None:
    session.pending(VPC, "made", cidrBlock="10.20.0.0/16")
    session.pending(VPC, "lost", cidrBlock="10.30.0.0/16")
    session.make(VPC, "made", "vpc-1", cidrBlock="10.20.0.0/16")
    assert recover(session) == [
        "made: was made as vpc-1; taken into the state",
        "lost: was never made; dropped",
        "recovered: state and account agree",
    ]
    assert [r["id"] for r in session.deployment["resources"]] == ["vpc-1"]


def test_what_was_made_to_replace_something_stands_before_it(session: Session) -> None:
    session.pending(VPC, "network", cidrBlock="10.30.0.0/16")
    session.make(VPC, "network", "vpc-old", cidrBlock="10.20.0.0/16")
    session.make(VPC, "network", "vpc-new", cidrBlock="10.30.0.0/16")
    session.deployment["resources"] += [
        {"urn": urn(VPC, "network"), "type": VPC, "id": "vpc-old"},
        {"urn": urn("aws:ec2/subnet:Subnet", "a"), "type": "aws:ec2/subnet:Subnet", "id": "s-1"},
    ]
    recover(session)
    assert [(r["id"], r.get("delete", False)) for r in session.deployment["resources"]] == [
        ("vpc-new", False),
        ("vpc-old", True),
        ("s-1", False),
    ], "the old one must wait for its deletion, and two live ones of one URN break the state"


def test_a_component_is_dropped_without_a_word(session: Session) -> None:
    session.pending("arches:index:Network", "network")
    session.deployment["pending_operations"][0]["resource"]["custom"] = False
    assert recover(session) == ["recovered: state and account agree"]


def test_other_operations_are_left_to_the_refresh(session: Session) -> None:
    session.pending(VPC, "network", "deleting", cidrBlock="10.20.0.0/16")
    assert recover(session) == ["recovered: state and account agree"]
    assert session.ran[-1][:2] == ("refresh", "--yes")


def test_the_engines_own_lock_is_let_go_first(session: Session) -> None:
    (session.folder / "state" / ".pulumi" / "locks").mkdir(parents=True)
    assert recover(session) == [AGREED]
    assert session.ran == [("cancel", "--yes", "--stack", "prod")]


def test_the_note_of_the_killed_run_stands_first(session: Session) -> None:
    session.note = "the run `make up` ended without letting go of its lock"
    assert recover(session)[0] == ("note: the run `make up` ended without letting go of its lock")


def test_what_no_state_knows_is_taken_away_and_its_name_is_free(session: Session) -> None:
    session.make(VPC, "network", "vpc-1")
    session.make(SECRET, "jwt", "arn:1", name="jwt")
    session.deployment["resources"].append({"urn": urn(VPC, "network"), "type": VPC, "id": "vpc-1"})
    assert recover(session) == [
        f"jwt: {SECRET} arn:1 was in no state; taken away, the next `up` makes it (on AWS: "
        "docs/runbooks/interrupted-up.md, Orphans)",
        "recovered: state and account agree",
    ]
    assert [r.id for r in session.account.all()] == ["vpc-1"]
    assert session.account.graves(SECRET) == [], "its name would be taken for thirty days"
    assert recover(session) == [AGREED]


def test_what_cannot_be_taken_away_is_no_agreement(session: Session) -> None:
    class Cluster:
        package = "kubernetes"

        def delete(self, call: Call, id_: str, _: Any) -> None:
            raise Refused(f"{call.name} {id_}: no")

    session.standins = [Cluster()]
    session.make("kubernetes:core/v1:Secret", "jwt", "apps/jwt")
    with pytest.raises(Refused, match="jwt apps/jwt: no"):
        recover(session)


def test_what_the_account_has_lost_is_forgotten(session: Session) -> None:
    session.deployment["resources"] += [
        {"urn": urn(VPC, "network"), "type": VPC, "id": "vpc-1"},
        {"urn": urn(VPC, "replaced"), "type": VPC, "id": "vpc-0", "delete": True},
        {"urn": urn("random:index/id", "digits"), "type": "random:index/id", "id": "7"},
    ]
    assert recover(session) == [
        "network: is not in the account any more; forgotten",
        "recovered: state and account agree",
    ], "every later run would fail at what is not there"
    assert session.ran == [("refresh", "--yes", "--skip-preview", "--run-program=false")]


def test_components_without_an_id_are_no_orphans(session: Session) -> None:
    session.deployment["resources"].append(
        {"urn": urn("arches:index:Network", "network"), "type": "arches:index:Network"}
    )
    assert recovery.orphans(cast(Any, session)) == []
