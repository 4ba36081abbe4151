"""What breaks the pooler and its budget."""

from __future__ import annotations

import re
from typing import Any

from rules.data.pooler import HPA
from rules.data.stores import CONFIG_MAP, DATABASE, DEPLOYMENT

from tests.policies.mutation import Change, Mutant, drop, edit, put, several, unlink

_INI = "pgbouncer_etc-pooler_pgbouncer.ini"
_ROLES = "roles_bootstrap_roles.sql"
_POOLER, _API = "platform-pooler", "platform-application-api"


def _rewrite(name: str, key: str, pattern: str, text: str) -> Change:
    def change(values: dict[str, Any]) -> None:
        before = values["data"][key]
        values["data"][key] = re.sub(pattern, text, before, flags=re.MULTILINE)
        assert values["data"][key] != before, f"nothing in {key} fits {pattern}"

    return edit(CONFIG_MAP, change, name)


def _set(key: str, value: str) -> Change:
    return _rewrite(_POOLER, _INI, rf"^{key} = .*$", f"{key} = {value}")


def _unset(key: str) -> Change:
    return _rewrite(_POOLER, _INI, rf"^{key} = .*\n", "")


def _limit(role: str, limit: str) -> Change:
    pattern = rf"(ALTER ROLE {role} LOGIN[^;]*) CONNECTION LIMIT \d+"
    return _rewrite("platform-database-roles", _ROLES, pattern, rf"\1{limit}")


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _userlist(values: dict[str, Any]) -> None:
    values["data"]["pgbouncer_etc-pgbouncer_userlist.txt"] = '"archesai_app" "..."\n'


def _no_secret(values: dict[str, Any]) -> None:
    for volume in values["spec"]["template"]["spec"]["volumes"]:
        if volume.pop("secret", None):
            volume["configMap"] = {"name": "userlist"}


_AT = "database-instance"

MUTANTS: tuple[Mutant, ...] = (
    _broken("pooler-scram", "the guide's", _set("auth_type", "md5"), "clients authenticate by md5"),
    _broken("pooler-scram", "trust", _set("auth_type", "trust"), "clients authenticate by trust"),
    _broken("pooler-scram", "not said", _unset("auth_type"), "clients authenticate by md5"),
    _broken(
        "pooler-verifies-database", "any certificate", _set("server_tls_sslmode", "require"),
        "the database's certificate is not verified: server_tls_sslmode is require",
    ),
    _broken(
        "pooler-verifies-database", "any name", _set("server_tls_sslmode", "verify-ca"),
        "the database's certificate is not verified: server_tls_sslmode is verify-ca",
    ),
    _broken(
        "pooler-verifies-database", "no authorities", _unset("server_tls_ca_file"),
        "no authorities are named for the database's certificate",
    ),
    _broken(
        "pooler-transaction-mode", "a connection for each client", _set("pool_mode", "session"),
        "a client keeps its connection for a whole session",
    ),
    _broken(
        "pooler-transaction-mode", "no prepared statements", _set("max_prepared_statements", "0"),
        "prepared statements fail, and the application prepares all of them",
    ),
    _broken(
        "pooler-waits-briefly", "two minutes", _unset("query_wait_timeout"),
        "a client waits up to 120 s for a connection",
    ),
    _broken(
        "pooler-waits-briefly", "for ever", _set("query_wait_timeout", "0"),
        "a client waits up to endless s for a connection",
    ),
    _broken(
        "pooler-userlist-secret", "in a ConfigMap", edit(CONFIG_MAP, _userlist, _POOLER),
        "the list of users and passwords is in a ConfigMap",
    ),
    _broken(
        "pooler-userlist-secret", "mounted from a ConfigMap", edit(DEPLOYMENT, _no_secret, _POOLER),
        "auth_file is not in a mounted Secret",
        at=_POOLER,
    ),
    _broken(
        "db-connection-budget", "one pod more", put(DEPLOYMENT, "spec.replicas", 4, _POOLER),
        "the pooler may open 150 connections and its login 120",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "a rollout with two pods more",
        put(DEPLOYMENT, "spec.strategy.rollingUpdate.maxSurge", 1, _POOLER),
        "the pooler may open 150 connections and its login 120",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "a rollout that nobody bounds",
        drop(DEPLOYMENT, "spec.strategy", _POOLER),
        "the pooler may open 150 connections and its login 120",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "a larger pool",
        several(_set("default_pool_size", "50"), _unset("max_db_connections")),
        "the pooler may open 220 connections and its login 120",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "autoscaled poolers",
        put(HPA, "spec.scaleTargetRef.name", "archesai-pooler", _API),
        "the pooler may open 330 connections and its login 120",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "people may open a hundred",
        _limit("archesai_readonly", " CONNECTION LIMIT 100"),
        "the logins may open 228 connections of 195 usable ones",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "a login without a limit", _limit("archesai_dump", ""),
        "logins without a limit of connections: archesai_dump",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "nobody is limited",
        _rewrite("platform-database-roles", _ROLES, r"ALTER ROLE \w+ LOGIN", "-- login"),
        "no login has a limit of connections",
        at=_AT,
    ),
    _broken(
        "db-client-budget", "three times as many pods",
        put(HPA, "spec.maxReplicas", 30, _API),
        "1550 clients may come, and one pod of the pooler takes 1000",
        at=_AT,
    ),
    _broken(
        "db-client-budget", "PgBouncer's own number", _unset("max_client_conn"),
        "550 clients may come, and one pod of the pooler takes 100",
        at=_AT,
    ),
    _broken(
        "db-connection-budget", "a group that nobody knows",
        unlink(DATABASE, "parameterGroupName"),
        "nothing says how many connections it has",
        at=_AT,
    ),
)  # fmt: skip
