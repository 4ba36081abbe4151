"""What mutants cannot say of the rules about data: unknown values, schedules, shared tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from rules.adapter import findings
from rules.data import RULES, database, lifetimes, parameters, pooler, promises, support, velero
from rules.data.stores import directives, files, ini, longest_gap, minutes
from rules.model import UNKNOWN, Item, NotApplicable, Props, Rule, Stack, StackRule

from settings import backup, cache, eks, postgres, recovery
from settings.lifetimes import ERASURE_DAYS, MECHANICS_DAYS
from settings.storage import VELERO_GRACE_DAYS
from settings.velero import VeleroSettings
from tests.conftest import Recorded, config_of, run_program
from tests.policies.real import items_of, stack_of, told
from tests.recorder import once


def said_of(items: tuple[Item, ...]) -> Iterator[tuple[str, str, str, str]]:
    """(rule, resource, outcome, words) of everything that the rooms about data say."""
    stack = stack_of(items)
    for rule in RULES:
        for item, said in told(rule, stack):
            yield rule.name, item.name, said.outcome, said.text


# -- unknown values ------------------------------------------------------------------------------
# How values that AWS makes look in a recording.
_MADE = re.compile(r"^(arn:|(subnet|sg|vpc|rtb|igw|nat)-)|\.(rds|cache)\.amazonaws\.com|\"arn:")


def _unmade(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmade(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unmade(inner) for inner in value]
    return UNKNOWN if isinstance(value, str) and _MADE.search(value) else value


def _before_the_first(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """A stack of which nothing exists yet: what comes from another resource is not known."""
    return tuple(
        replace(
            item,
            props=Props(
                {
                    key: _unmade(value) if item.links.get(key) else value
                    for key, value in item.props._values.items()
                }
            ),
        )
        for item in items
    )


def test_before_the_first_deployment_only_documents_with_foreign_names_are_undecided(
    recorded: Recorded,
) -> None:
    said = list(said_of(_before_the_first(items_of(recorded.made, recorded.stack))))
    assert [each for each in said if each[2] != "unknown"] == [], "a new stack would be refused"
    about = {text.removeprefix("not known until deployed: ") for _, _, _, text in said}
    assert about == {
        "data.pgbouncer_etc-pooler_pgbouncer.ini",
        "data.cache-tunnel_etc-arches_haproxy.cfg",
        "policy",
    }, "every other rule asks whether something is given, not what it is"


def test_after_a_deployment_what_providers_fill_in_is_no_value() -> None:
    route = Item(
        type="aws:ec2/route:Route",
        name="local",
        urn="route",
        props=Props({"gatewayId": "", "natGatewayId": "", "destinationCidrBlock": "10.0.0.0/8"}),
        links={"routeTableId": frozenset({"table"})},
    )
    subnet = Item(type=database.SUBNET, name="a", urn="subnet", props=Props({}))
    table = Item(type=database.ROUTE_TABLE, name="t", urn="table", props=Props({}))
    association = Item(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        name="t-a",
        urn="association",
        props=Props({}),
        links={"subnetId": frozenset({"subnet"}), "routeTableId": frozenset({"table"})},
    )
    group = Item(
        type=database.SUBNET_GROUP,
        name="group",
        urn="group",
        props=Props({}),
        links={"subnetIds": frozenset({"subnet"})},
    )
    stack = stack_of((route, subnet, table, association, group))
    assert list(database._isolated(group, stack)) == []


def test_an_empty_stack_has_nothing_to_say_of_its_data() -> None:
    assert list(said_of(())) == []


def test_what_a_password_is_never_stands_in_a_finding(recorded: Recorded) -> None:
    broken = tuple(
        replace(item, props=Props({})) for item in items_of(recorded.made, recorded.stack)
    )
    told = [text for _, _, _, text in said_of(broken)]
    assert len(told) > 50, "with nothing said, nearly every rule has something to say"
    assert [text for text in told if "[secret]" in text or "{" in text or "\n" in text] == []
    assert [text for text in told if text.startswith("the rule itself failed")] == []


# -- schedules -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("*/30 * * * *", 30),
        ("0 */1 * * *", 60),
        ("5,50 * * * *", 45),
        ("0 2 * * *", 1440),
        ("0 2 * * 1-5", 3 * 1440),
        ("0 2 1 * *", 31 * 1440),
        ("0 2 1,15 * 1", 7 * 1440),
        ("30 1 * * SUN", 7 * 1440),
        ("cron(0 6 * * ? *)", 1440),
        ("cron(0 6 ? * MON-FRI *)", 3 * 1440),
        ("cron(0 6 ? * 1 *)", 7 * 1440),
        ("cron(0 8 1 * ? *)", 31 * 1440),
        ("rate(1 hour)", 60),
        ("rate(5 days)", 5 * 1440),
        ("@hourly", 60),
        ("@every 1h30m", 90),
    ],
)
def test_a_schedule_says_how_long_it_is_from_one_run_to_the_next(schedule: str, gap: int) -> None:
    assert longest_gap(schedule) == gap


@pytest.mark.parametrize(
    "schedule",
    ["", "daily", "* * * *", "61 * * * *", "0 0 31 2 *", "cron(0 6 * * ? 2027)", "0 6 L * *"],
)
def test_a_schedule_that_cannot_be_read_is_no_schedule(schedule: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each is another word of the standard library)
        longest_gap(schedule)


def test_a_duration_is_read_as_go_writes_it() -> None:
    assert [minutes(each) for each in ("720h", "720h0m0s", "1h30m", "90s")] == [43200, 43200, 90, 1]
    with pytest.raises(ValueError, match="30 days"):
        minutes("30 days")


# -- documents -----------------------------------------------------------------------------------
def test_a_file_is_found_by_its_name_and_not_by_its_ending() -> None:
    data = {"a_etc_redis.conf": "one", "redis.conf": "two", "not-redis.conf": "three"}
    assert files(Props({"data": data}), "redis.conf") == ["one", "two"]


def test_comments_and_sections_are_no_settings() -> None:
    assert ini("[pgbouncer]\n; auth_type = md5\nauth_type = scram-sha-256\n") == {
        "auth_type": "scram-sha-256"
    }
    assert directives("# appendonly no\nappendonly yes\n\nport 6379\n") == {
        "appendonly": "yes",
        "port": "6379",
    }


def test_a_secret_document_is_undecided_and_no_error() -> None:
    policy = Props({"policy": "[secret]"})
    rule = next(rule for rule in RULES if rule.name == "bucket-policy-not-public")
    assert isinstance(rule, Rule)
    assert [said.outcome for said in findings(rule, policy)] == ["unknown"]


# -- what the program says as well ---------------------------------------------------------------
def test_the_pack_and_the_settings_know_the_same_numbers() -> None:
    """The pack runs with its own import root, so these stand twice."""
    assert {name: parameters.memory_mib(name) for name in postgres.CLASS_MEMORY_GIB} == {
        name: gib * 1024 for name, gib in postgres.CLASS_MEMORY_GIB.items()
    }
    assert {name: size // 1024**2 for name, size in cache.MAXMEMORY.items()} == (
        import_module("rules.data.cache").MAXMEMORY_MIB
    )
    assert {minor: end.day for minor, end in support.KUBERNETES.items()} == dict(
        eks.STANDARD_SUPPORT_ENDS
    )
    assert {str(major) for major in postgres.MAJORS} <= set(support.POSTGRESQL)
    for major, known in postgres.MAJORS.items():
        assert database.VECTOR_MINORS.get(major, 0) in (known.vector_minor, 0)
    assert pooler.RESERVED_CONNECTIONS == postgres.RESERVED_CONNECTIONS
    assert (lifetimes.ERASURE_DAYS, lifetimes.MECHANICS_DAYS) == (ERASURE_DAYS, MECHANICS_DAYS)
    assert lifetimes.VELERO_GRACE_DAYS == VELERO_GRACE_DAYS
    assert VeleroSettings().copy_minutes == velero.COPY_MINUTES
    assert promises.OBJECTIVE_MINUTES == backup.OBJECTIVE_MINUTES


def test_bringing_the_database_back_takes_what_the_settings_estimate() -> None:
    mistake = next(each for each in recovery.RECOVERIES if each.loss == "data, by a mistake")
    alarm_and_answer = mistake.before[0][1]
    assert mistake.minutes - (alarm_and_answer - promises.ANSWER) == promises.BY_HAND_MINUTES


@once
def _with_a_cache_inside() -> Any:
    config = config_of("prod")
    digest = "@sha256:" + "a" * 64
    config["arches:cache"] |= {
        "kind": "sentinel",
        "sentinel": {
            "redisImage": f"docker.io/library/redis:7.4{digest}",
            "exporterImage": f"ghcr.io/oliver006/redis_exporter:v1.89.0{digest}",
        },
    }
    config["arches:guardrails"]["allowedRegistries"] += ["ghcr.io/oliver006"]
    return run_program("prod", config)


def test_a_whole_program_with_redis_and_sentinel_inside_keeps_every_rule() -> None:
    items = items_of(_with_a_cache_inside(), "prod")
    assert list(said_of(items)) == []


def test_redis_and_sentinel_inside_are_judged_by_their_own_rules() -> None:
    items = items_of(_with_a_cache_inside(), "prod")
    judged: list[str] = []
    for rule in import_module("rules.data.redis").RULES:
        for item in items:
            if isinstance(rule, Rule) and item.type in rule.types:
                try:
                    list(rule.judge(item.props))
                except NotApplicable:
                    continue
                judged.append(rule.name)
    assert judged == [
        "redis-conf-persistent",
        "redis-conf-bounded",
        "redis-conf-replicated",
        "redis-conf-authenticated",
        "redis-conf-authenticated",
    ], "one Redis and one Sentinel, each from one ConfigMap"


def test_a_stack_rule_stays_linear(recorded: Recorded) -> None:
    """Sixteen times the stack takes no more than some forty times the time."""
    items = items_of(recorded.made, recorded.stack)
    many = tuple(
        replace(
            item,
            urn=f"{item.urn}-{copy}",
            links={k: frozenset(f"{u}-{copy}" for u in urns) for k, urns in item.links.items()},
        )
        for copy in range(16)
        for item in items
    )
    looked = [0, 0]
    for place, each in enumerate((items, many)):
        stack = _Counting(items=each, today=stack_of(()).today)
        for rule in RULES:
            if isinstance(rule, StackRule):
                for subject in stack.of(*rule.types):
                    list(rule.judge(subject, stack))
        looked[place] = stack.looked
    assert looked[1] < 40 * looked[0], "some rule walks over the whole stack for each subject"


class _Counting(Stack):
    """A stack that counts the items it hands out."""

    looked: int = 0

    def of(self, *types: str) -> list[Item]:
        found = super().of(*types)
        self.looked += len(found)
        return found
