"""What breaks PostgreSQL's parameters."""

from __future__ import annotations

from typing import Any

from rules.data.parameters import GUIDE
from rules.data.stores import DATABASE, PARAMETERS

from tests.policies.mutation import Change, Mutant, edit, put


def _set(name: str, value: str | None) -> Change:
    """One row of the group; None takes it away."""

    def change(values: dict[str, Any]) -> None:
        rows = [row for row in values["parameters"] if row["name"] != name]
        values["parameters"] = rows if value is None else [*rows, {"name": name, "value": value}]

    return edit(PARAMETERS, change)


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "rds-tls-forced", "off", _set("rds.force_ssl", "0"),
        "connections without TLS are accepted",
    ),
    _broken(
        "rds-tls-forced", "not said", _set("rds.force_ssl", None),
        "connections without TLS are accepted",
    ),
    _broken(
        "rds-tls-forced", "no parameters", put(PARAMETERS, "parameters", []),
        "connections without TLS are accepted",
    ),
    _broken(
        "rds-passwords-scram", "md5", _set("password_encryption", "md5"),
        "passwords are not kept as SCRAM",
    ),
    _broken(
        "rds-connections-logged", "no log of who comes", _set("log_connections", "0"),
        "who comes is not logged",
    ),
    _broken(
        "rds-connections-logged", "no log of who goes", _set("log_disconnections", None),
        "who goes is not logged",
    ),
    _broken(
        "rds-audited", "not loaded", _set("shared_preload_libraries", "pg_stat_statements"),
        "pgaudit is not loaded",
    ),
    _broken(
        "rds-audited", "without rights", _set("pgaudit.log", "ddl"),
        "pgaudit does not record role",
    ),
    _broken(
        "rds-statistics-loaded", "not loaded", _set("shared_preload_libraries", "pgaudit"),
        "pg_stat_statements is not loaded, so its view fails",
    ),
    _broken(
        "rds-extensions-listed", "everything", _set("rds.allowed_extensions", None),
        "every extension may be created",
    ),
    _broken(
        "rds-extensions-listed", "no pgvector",
        _set("rds.allowed_extensions", "pg_stat_statements,plpgsql"),
        "what the application needs may not be created: vector",
    ),
    _broken(
        "rds-slow-statements-logged", "never", _set("log_min_duration_statement", "-1"),
        "statements slower than 5000 ms are not logged",
    ),
    _broken(
        "rds-slow-statements-logged", "after a minute", _set("log_min_duration_statement", "60000"),
        "statements slower than 5000 ms are not logged",
    ),
    _broken(
        "rds-no-values-logged", "bind values", _set("log_parameter_max_length", None),
        "bind values of statements are logged",
    ),
    _broken(
        "rds-no-values-logged", "every statement", _set("log_statement", "all"),
        "log_statement is all, which logs passwords and people's data",
    ),
    *(
        _broken(
            "rds-guide-parameters", f"{name} left to RDS", _set(name, None),
            f"the guide's parameters are left to RDS: {name}",
        )
        for name in GUIDE
    ),
    _broken(
        "rds-guide-parameters", "a formula",
        _set("shared_buffers", "{DBInstanceClassMemory/32768}"),
        "a formula hides the number: shared_buffers",
    ),
    _broken(
        "rds-parameters-fit", "half of the class", put(DATABASE, "instanceClass", "db.t4g.medium"),
        "shared buffers of 2048 MiB are not 20 to 30 % of 4096 MiB",
        "7040 MiB may be taken at once, and db.t4g.medium has 4096",
    ),
    _broken(
        "rds-parameters-fit", "a class nobody knows", put(DATABASE, "instanceClass", "db.z9.huge"),
        "the memory of db.z9.huge is not known to this rule",
    ),
    _broken(
        "rds-parameters-fit", "buffers of half the memory", _set("shared_buffers", "524288"),
        "shared buffers of 4096 MiB are not 20 to 30 % of 8192 MiB",
        "9088 MiB may be taken at once, and db.m7g.large has 8192",
        at="database-instance",
    ),
    _broken(
        "rds-parameters-fit", "work_mem in MiB", _set("work_mem", "65536"),
        "28544 MiB may be taken at once, and db.m7g.large has 8192",
        at="database-instance",
    ),
)  # fmt: skip
