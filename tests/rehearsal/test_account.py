"""The account on disk: what is made stays made, secrets stay secret, nothing is overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rehearsal.account import DAY_ZERO, Account, AccountError, Resource
from rehearsal.wire import UNKNOWN, Secret

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
CANARY = "canary-b1946ac92492d234"


@pytest.fixture
def account() -> Iterator[Account]:
    opened = Account(":memory:")
    yield opened
    opened.close()


def _make(account: Account, type_: str, id_: str, **changed: Any) -> Resource:
    values: dict[str, Any] = {"region": "eu-central-1", "inputs": {}, "outputs": {}, **changed}
    return account.make(type_, id_, urn=f"urn:pulumi:prod::arches::{type_}::{id_}", **values)


# -- looking -------------------------------------------------------------------------------------
def test_what_was_made_survives_the_run(tmp_path: Path) -> None:
    path = tmp_path / "prod" / "account.db"
    first = Account(path)
    made = _make(
        first,
        VPC,
        "vpc-0123456789abcdef0",
        inputs={"cidrBlock": "10.20.0.0/16", "list": [1, {"a": None}]},
        outputs={"arn": "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0123456789abcdef0"},
    )
    first.pass_time(90)
    first.close()
    second = Account(path)
    assert second.all() == [made]
    assert second.now == DAY_ZERO + timedelta(seconds=90)
    second.close()


def test_resources_come_in_order_of_creation_by_type_and_region(account: Account) -> None:
    here = _make(account, VPC, "vpc-00000001")
    there = _make(account, VPC, "vpc-00000002", region="eu-west-1")
    bucket = _make(account, BUCKET, "dumps")
    assert account.all() == [here, there, bucket]
    assert account.all(VPC) == [here, there]
    assert account.all(VPC, "eu-west-1") == [there]
    assert account.all("aws:ec2/eip:Eip") == []


def test_find_compares_inputs_first_and_outputs_where_no_input_was_given(account: Account) -> None:
    one = _make(
        account, SUBNET, "subnet-00000001", inputs={"vpcId": "vpc-1"}, outputs={"zone": "a"}
    )
    _make(account, SUBNET, "subnet-00000002", inputs={"vpcId": "vpc-2"}, outputs={"zone": "a"})
    assert account.find(SUBNET, vpcId="vpc-1", zone="a") == [one]
    assert account.find(SUBNET, vpcId="vpc-1", zone="b") == []
    assert account.find(SUBNET, "eu-west-1", vpcId="vpc-1") == []


def test_a_resource_is_known_by_id_and_by_arn(account: Account) -> None:
    arn = "arn:aws:s3:::dumps"
    bucket = _make(account, BUCKET, "dumps", outputs={"arn": arn})
    policy = _make(account, POLICY, "dumps")
    assert account.by_id(arn) == bucket
    assert account.by_id("dumps", POLICY) == policy
    assert account.by_id("dumps") == bucket, "the first that was made"
    assert account.by_id("logs") is None
    assert account.by_id("dumps", VPC) is None


def test_what_aws_made_on_its_own_exists_too(account: Account) -> None:
    group = "sg-0123456789abcdef0"
    master = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-1-abc"
    vpc = _make(account, VPC, "vpc-00000001", outputs={"defaultSecurityGroupId": group})
    _make(
        account,
        "aws:rds/instance:Instance",
        "database",
        outputs={"masterUserSecrets": [{"secretArn": master}]},
    )
    assert account.exists("vpc-00000001")
    assert account.exists(group)
    assert account.exists(master)
    account.remove(vpc)
    assert not account.exists("vpc-00000001")
    assert not account.exists(group)


def test_a_name_in_somebodys_inputs_does_not_make_the_thing_exist(account: Account) -> None:
    _make(account, SUBNET, "subnet-00000001", inputs={"vpcId": "vpc-0123456789abcdef0"})
    assert not account.exists("vpc-0123456789abcdef0"), "a dangling reference would pass"


def test_referring_finds_ids_and_arns_alone_and_inside_documents(account: Account) -> None:
    arn = "arn:aws:s3:::dumps"
    bucket = _make(account, BUCKET, "dumps", outputs={"arn": arn})
    by_id = _make(account, POLICY, "dumps", inputs={"bucket": "dumps"})
    document = f'{{"Statement": [{{"Resource": ["{arn}", "{arn}/*"]}}]}}'
    by_document = _make(account, "aws:iam/policy:Policy", "reads", inputs={"policy": document})
    only_objects = f'{{"Resource": "{arn}/*"}}'
    by_objects = _make(account, "aws:iam/policy:Policy", "objects", inputs={"policy": only_objects})
    _make(account, "aws:iam/policy:Policy", "other", inputs={"policy": f'{{"Resource":"{arn}-2"}}'})
    assert account.referring(bucket) == [by_id, by_document, by_objects]


def test_an_output_that_names_a_resource_does_not_refer_to_it(account: Account) -> None:
    vpc = _make(account, VPC, "vpc-0123456789abcdef0")
    _make(account, SUBNET, "subnet-00000001", outputs={"vpcId": "vpc-0123456789abcdef0"})
    assert account.referring(vpc) == [], "deleting it would be refused for ever"


# -- changing ------------------------------------------------------------------------------------
def test_a_change_replaces_inputs_outputs_and_what_it_refers_to(account: Account) -> None:
    old = _make(account, VPC, "vpc-0000000a")
    new = _make(account, VPC, "vpc-0000000b")
    subnet = _make(account, SUBNET, "subnet-00000001", inputs={"vpcId": old.id})
    account.pass_time(60)
    changed = account.change(subnet, inputs={"vpcId": new.id}, outputs={"arn": "arn:aws:x:::s"})
    assert changed.inputs == {"vpcId": new.id}
    assert changed.created == DAY_ZERO
    assert changed.updated == DAY_ZERO + timedelta(seconds=60)
    assert account.by_id("arn:aws:x:::s") == changed
    assert account.referring(old) == []
    assert account.referring(new) == [changed]


def test_a_change_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "account.db"
    first = Account(path)
    made = _make(first, VPC, "vpc-00000001", inputs={"a": 1})
    first.change(made, inputs={"a": 2}, outputs={})
    second = Account(path)  # the first one was killed: it was never closed
    assert second.all()[0].inputs == {"a": 2}
    second.close()
    first.close()


def test_the_dead_are_remembered_newest_first(account: Account) -> None:
    for number in (1, 2):
        made = _make(account, "aws:kms/key:Key", f"key-{number}", inputs={"n": number})
        account.remove(made)
        account.pass_time(3600)
    graves = account.graves("aws:kms/key:Key")
    assert [(g.id, g.inputs, g.region) for g in graves] == [
        ("key-2", {"n": 2}, "eu-central-1"),
        ("key-1", {"n": 1}, "eu-central-1"),
    ]
    assert graves[1].deleted == DAY_ZERO
    assert [g.id for g in account.graves("aws:kms/key:Key", timedelta(hours=1))] == ["key-2"]
    assert account.graves(VPC) == []
    assert account.all() == []


def test_many_threads_make_and_remove_without_losing_any(account: Account) -> None:
    def work(number: int) -> None:
        made = _make(account, VPC, f"vpc-{number:08x}")
        if number % 2:
            account.remove(made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(80)))
    assert sorted(r.id for r in account.all()) == [f"vpc-{n:08x}" for n in range(0, 80, 2)]
    assert len(account.graves(VPC)) == 40


# -- secrets -------------------------------------------------------------------------------------
def test_a_planted_canary_never_stands_in_the_files_bytes(tmp_path: Path) -> None:
    path = tmp_path / "account.db"
    account = Account(path)
    inputs = {
        "secretString": Secret(CANARY),
        "nested": {"list": ["open", Secret({"password": CANARY})]},
    }
    made = _make(account, SECRET_VERSION, "one", inputs=inputs, outputs={"o": Secret(CANARY)})
    account.change(made, inputs=inputs, outputs={"o": Secret(CANARY)})
    account.remove(_make(account, SECRET_VERSION, "two", inputs=inputs))
    files = list(tmp_path.iterdir())
    assert len(files) > 1, "the write-ahead log is looked at as well"
    account.close()
    for file in [*files, *tmp_path.iterdir()]:
        if file.exists():
            assert CANARY.encode() not in file.read_bytes(), f"{file.name} tells a password"


def test_equal_secrets_are_equal_in_one_account_and_differ_between_two(tmp_path: Path) -> None:
    one, two = Account(tmp_path / "one.db"), Account(tmp_path / "two.db")
    assert one.digest("x") == one.digest("x")
    assert one.digest("x") != one.digest("y")
    assert one.digest("x") != two.digest("x"), "a table of digests would open every account"
    one.close()
    assert Account(tmp_path / "one.db").digest("x") != two.digest("x")
    two.close()


def test_a_secret_inside_a_secret_still_tells_a_change(account: Account) -> None:
    assert account.digest({"a": Secret("x")}) != account.digest({"a": Secret("y")})
    assert account.digest({"a": Secret("x")}) == account.digest({"a": "x"})


def test_a_sealed_value_opens_with_what_the_engine_remembers(account: Account) -> None:
    value = {"a": Secret("x"), "b": [Secret({"c": 1}), "open"]}
    sealed = account.sealed(value)
    assert account.unsealed(sealed, value) == value
    assert account.unsealed(sealed, {"a": "x", "b": [{"c": 1}, "open"]}) == value


def test_a_secret_changed_behind_the_engines_back_equals_nothing(account: Account) -> None:
    sealed = account.sealed({"a": Secret("new"), "b": [Secret("new")]})
    opened = account.unsealed(sealed, {"a": Secret("old"), "b": []})
    assert opened["a"] == Secret("changed outside of this program")
    assert opened["b"] == [Secret("changed outside of this program")]


def test_an_unknown_value_cannot_be_kept(account: Account) -> None:
    with pytest.raises(ValueError, match="unknown"):
        _make(account, VPC, "vpc-00000001", inputs={"a": [UNKNOWN]})
    assert account.all() == []


# -- damage --------------------------------------------------------------------------------------
def _filled(path: Path) -> bytes:
    account = Account(path)
    for number in range(200):
        _make(account, VPC, f"vpc-{number:08x}", inputs={"filling": "x" * 100})
    account.close()
    return path.read_bytes()


def _garbage(_whole: bytes) -> bytes:
    return b"this is no database, and it never was one\n" * 100


def _truncated(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def _scrambled(whole: bytes) -> bytes:
    return whole.replace(b'{"filling": "', b'["filling": \x00')


@pytest.mark.parametrize("damage", [_garbage, _truncated, _scrambled])
def test_a_damaged_file_is_kept_aside_whole_and_the_next_run_begins_anew(
    tmp_path: Path, damage: Any
) -> None:
    path = tmp_path / "account.db"
    damaged = damage(_filled(path))
    path.write_bytes(damaged)
    with pytest.raises(AccountError) as error:
        Account(path)
    said = str(error.value)
    assert "\n" not in said
    assert said.startswith("the account file account.db is damaged (")
    assert said.endswith("run the command again to begin with an empty account")
    (aside,) = tmp_path.glob("damaged-*")
    assert str(aside) in said, "nobody would find what is left of the account"
    assert (aside / "account.db").read_bytes() == damaged
    assert not path.exists()
    fresh = Account(path)
    assert fresh.all() == []
    fresh.close()


def test_a_second_damage_in_the_same_second_does_not_overwrite_the_first(tmp_path: Path) -> None:
    path = tmp_path / "account.db"
    contents = [f"garbage {n}\n".encode() * 200 for n in range(3)]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(AccountError):
            Account(path)
    kept = sorted(file.read_bytes() for file in tmp_path.glob("damaged-*/account.db"))
    assert kept == contents


def test_the_log_of_a_damaged_file_is_kept_aside_with_it(tmp_path: Path) -> None:
    path = tmp_path / "account.db"
    path.write_bytes(b"garbage\n" * 200)
    path.with_name("account.db-wal").write_bytes(b"the last changes")
    with pytest.raises(AccountError):
        Account(path)
    assert not path.with_name("account.db-wal").exists(), (
        "SQLite would play an old log into a new file"
    )


def test_what_means_nothing_without_the_account_is_kept_aside_with_it(tmp_path: Path) -> None:
    path = tmp_path / "account.db"
    path.write_bytes(b"garbage\n" * 200)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "prod.json").write_text("full")
    (tmp_path / "home").mkdir()
    with pytest.raises(AccountError) as error:
        Account(path, companions=("state", "cluster"))
    (aside,) = tmp_path.glob("damaged-*")
    assert (aside / "state" / "prod.json").read_text() == "full", "nothing may be lost"
    assert sorted(each.name for each in tmp_path.iterdir()) == [aside.name, "home"], (
        "a full state over an empty account makes every later command fail"
    )
    assert f"{aside}, with state beside it; " in str(error.value)


def test_another_format_is_kept_aside_as_well(tmp_path: Path) -> None:
    path = tmp_path / "account.db"
    _filled(path)
    with sqlite3.connect(path) as database:
        database.execute("update about set format = 99")
    database.close()
    with pytest.raises(AccountError, match=r"is damaged \(another format\); it was kept aside in"):
        Account(path)
    assert len(list(tmp_path.glob("damaged-*/account.db"))) == 1


def test_a_file_that_somebody_else_holds_is_not_taken_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "account.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.executescript("pragma journal_mode=delete; create table x (y); begin exclusive;")
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: real(*a, **k, timeout=0))
    with pytest.raises(AccountError) as error:
        Account(path)
    other.close()
    assert "cannot be used (database is locked); nothing was changed" in str(error.value)
    assert [f.name for f in tmp_path.glob("account*.db")] == ["account.db"]


def test_a_place_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "account.db"
    folder.mkdir()
    with pytest.raises(AccountError, match=r"^the account file account\.db cannot be used \("):
        Account(folder)
    assert folder.is_dir()
