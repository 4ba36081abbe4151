"""PostgreSQL's parameters: TLS, passwords, logging, and the guide's numbers for their machine."""

from __future__ import annotations

from collections.abc import Iterator

from rules.data.stores import DATABASE, PARAMETERS, RDS_CONTROLS, number, parameters
from rules.model import Item, Props, Rule, Stack, StackRule

_GROUP = (PARAMETERS,)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
_MANUAL = "https://www.postgresql.org/docs/current"

# The guide's block (PG-02 to PG-12), which RDS would fill with other numbers of its own.
GUIDE = (
    "checkpoint_completion_target", "default_statistics_target", "effective_cache_size",
    "effective_io_concurrency", "maintenance_work_mem", "max_connections", "max_wal_size",
    "min_wal_size", "random_page_cost", "shared_buffers", "wal_buffers", "work_mem",
)  # fmt: skip
AUDITED = frozenset({"ddl", "role"})
# A statement that takes longer than this has to be in the log (ISSUE-04 says 1,000).
SLOWEST_UNLOGGED_MS = 5000
# `log_statement` of these writes CREATE ROLE with its password, or people's data, into the log.
TALKATIVE = ("ddl", "mod", "all")

# Memory of a class in GiB = vCPU x GiB per vCPU (RDS user guide, "Hardware specifications for DB
# instance classes").
_VCPUS = {
    "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48,
    "16xlarge": 64, "24xlarge": 96,
}  # fmt: skip
_BURSTABLE = {"medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
# PG-03: 25 % of the memory, give or take 5 points.
SHARED_BUFFERS_PERCENT = (20, 30)
# hash_mem_multiplier is 2 since PostgreSQL 15, autovacuum_max_workers 3: the engine's defaults.
HASH_MEM_MULTIPLIER = 2
AUTOVACUUM_WORKERS = 3


def memory_mib(instance_class: str) -> int:
    """Memory of an RDS instance class, 0 where it is not known here."""
    _, family, size = [*instance_class.split("."), "", ""][:3]
    if family in ("t3", "t4g"):
        return _BURSTABLE.get(size, 0) * 1024
    return _VCPUS.get(size, 0) * {"m": 4, "r": 8}.get(family[:1], 0) * 1024


def _on(value: str | None) -> bool:
    return (value or "").lower() in ("1", "on", "true", "all")


def _words(value: str | None) -> set[str]:
    return {word.strip() for word in (value or "").split(",")}


def _tls_forced(props: Props) -> Iterator[str]:
    if not _on(parameters(props).get("rds.force_ssl")):
        yield "connections without TLS are accepted"


def _scram(props: Props) -> Iterator[str]:
    if parameters(props).get("password_encryption") != "scram-sha-256":
        yield "passwords are not kept as SCRAM"


def _connections_logged(props: Props) -> Iterator[str]:
    given = parameters(props)
    for name, act in (("log_connections", "comes"), ("log_disconnections", "goes")):
        if not _on(given.get(name)):
            yield f"who {act} is not logged"


def _audited(props: Props) -> Iterator[str]:
    given = parameters(props)
    if "pgaudit" not in _words(given.get("shared_preload_libraries")):
        yield "pgaudit is not loaded"
    if missing := sorted(AUDITED - _words(given.get("pgaudit.log"))):
        yield f"pgaudit does not record {' and '.join(missing)}"


def _statistics(props: Props) -> Iterator[str]:
    if "pg_stat_statements" not in _words(parameters(props).get("shared_preload_libraries")):
        yield "pg_stat_statements is not loaded, so its view fails"


def _extensions(props: Props) -> Iterator[str]:
    allowed = parameters(props).get("rds.allowed_extensions", "*")
    if "*" in _words(allowed):
        yield "every extension may be created"
    elif missing := sorted({"pg_stat_statements", "vector"} - _words(allowed)):
        yield f"what the application needs may not be created: {', '.join(missing)}"


def _slow_logged(props: Props) -> Iterator[str]:
    slow = number(parameters(props).get("log_min_duration_statement", -1))
    if not 0 <= slow <= SLOWEST_UNLOGGED_MS:
        yield f"statements slower than {SLOWEST_UNLOGGED_MS} ms are not logged"


def _no_values(props: Props) -> Iterator[str]:
    given = parameters(props)
    if number(given.get("log_parameter_max_length", -1)) != 0:
        yield "bind values of statements are logged"
    if (kind := given.get("log_statement", "none")) in TALKATIVE:
        yield f"log_statement is {kind}, which logs passwords and people's data"


def _guide(props: Props) -> Iterator[str]:
    given = parameters(props)
    if missing := [name for name in GUIDE if name not in given]:
        yield f"the guide's parameters are left to RDS: {', '.join(missing)}"
    if formulas := [name for name in GUIDE if "{" in given.get(name, "")]:
        yield f"a formula hides the number: {', '.join(formulas)}"


def _fits(item: Item, stack: Stack) -> Iterator[str]:
    name = str(item.props.at("instanceClass", ""))
    memory = memory_mib(name)
    if not memory:
        yield f"the memory of {name or 'its class'} is not known to this rule"
        return
    for group in stack.sources(item, "parameterGroupName", PARAMETERS):
        given = parameters(group.props)
        if any(not value.isdigit() for key, value in given.items() if key in _SIZES):
            continue  # rds-guide-parameters says it
        size = {key: number(given.get(key)) for key in _SIZES}
        shared = size["shared_buffers"] * 8 // 1024
        low, high = SHARED_BUFFERS_PERCENT
        if not low <= 100 * shared // memory <= high:
            yield f"shared buffers of {shared} MiB are not {low} to {high} % of {memory} MiB"
        workers = AUTOVACUUM_WORKERS * (size["autovacuum_work_mem"] or size["maintenance_work_mem"])
        backends = size["max_connections"] * size["work_mem"] * HASH_MEM_MULTIPLIER
        most = shared - (-(backends + workers + size["maintenance_work_mem"]) // 1024)
        if most >= memory:
            yield f"{most} MiB may be taken at once, and {name} has {memory}"


_SIZES = (
    "autovacuum_work_mem", "maintenance_work_mem", "max_connections", "shared_buffers", "work_mem",
)  # fmt: skip

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="rds-tls-forced",
        sentence="The database refuses connections without TLS.",
        types=_GROUP,
        severity="critical",
        requirements=("CHK-SEC-01", "ENV-07"),
        controls=(
            "FSBP RDS.38", "CHECKOV CKV2_AWS_69", "SOC2 CC6.7", "ISO27001 A.8.24", "GDPR 32",
        ),
        why="A client that forgets TLS would send people's data readable through the network.",
        fix="set rds.force_ssl=1",
        url=f"{RDS_CONTROLS}#rds-38",
        evidence=("family", "parameters.*.name"),
        judge=_tls_forced,
    ),
    Rule(
        name="rds-passwords-scram",
        sentence="The database keeps passwords as SCRAM.",
        types=_GROUP,
        severity="high",
        requirements=("POOL-03", "CHK-SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="An md5 of a password is as good as the password to whoever steals it.",
        fix="set password_encryption=scram-sha-256",
        url=f"{_USER_GUIDE}/PostgreSQL_Password_Encryption_configuration.html",
        evidence=("parameters.*.name",),
        judge=_scram,
    ),
    Rule(
        name="rds-connections-logged",
        sentence="The database logs who comes and who goes.",
        types=_GROUP,
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Nobody could say afterwards who was in the database.",
        fix="set log_connections=1 and log_disconnections=1",
        url=f"{_MANUAL}/runtime-config-logging.html",
        evidence=("parameters.*.name",),
        judge=_connections_logged,
    ),
    Rule(
        name="rds-audited",
        sentence="The database records changes of its schema and of rights.",
        types=_GROUP,
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("SOC2 CC7.2", "ISO27001 A.8.15", "GDPR 32"),
        why="Whoever grants himself access to people's data would leave no trace.",
        fix="preload pgaudit and set pgaudit.log=ddl,role",
        url=f"{_USER_GUIDE}/Appendix.PostgreSQL.CommonDBATasks.pgaudit.html",
        evidence=("parameters.*.name",),
        judge=_audited,
    ),
    Rule(
        name="rds-statistics-loaded",
        sentence="The database counts what each statement costs.",
        types=_GROUP,
        severity="low",
        requirements=("PG-15", "ISSUE-03"),
        controls=("ISO27001 A.8.6",),
        why="The extension is created without it, and every query of its view then fails.",
        fix="put pg_stat_statements into shared_preload_libraries",
        url=f"{_MANUAL}/pgstatstatements.html",
        evidence=("parameters.*.name",),
        judge=_statistics,
    ),
    Rule(
        name="rds-extensions-listed",
        sentence="Only listed extensions can be created, pgvector among them.",
        types=_GROUP,
        severity="medium",
        requirements=("CHK-INFRA-02", "PG-14"),
        controls=("ISO27001 A.8.19",),
        why="An extension may reach files and networks; without pgvector searches do not work.",
        fix="set rds.allowed_extensions to what is needed, vector and pg_stat_statements included",
        url=f"{_USER_GUIDE}/CHAP_PostgreSQL.html",
        evidence=("parameters.*.name",),
        judge=_extensions,
    ),
    Rule(
        name="rds-slow-statements-logged",
        sentence="The database logs slow statements.",
        types=_GROUP,
        severity="low",
        requirements=("ISSUE-04",),
        controls=("CHECKOV CKV2_AWS_30", "ISO27001 A.8.15"),
        why="Nobody could say which statement made the application slow.",
        fix="set log_min_duration_statement, in milliseconds",
        url=f"{_MANUAL}/runtime-config-logging.html",
        evidence=("parameters.*.name",),
        judge=_slow_logged,
    ),
    Rule(
        name="rds-no-values-logged",
        sentence="The database's log holds no passwords and no bind values.",
        types=_GROUP,
        severity="high",
        requirements=("ISSUE-04", "LOG-04", "GDPR-04"),
        controls=("ISO27001 A.5.34", "ISO27001 A.8.12", "GDPR 5", "GDPR 25"),
        why="People's data would live on in a log long after it was erased from its table.",
        fix="set log_parameter_max_length=0 and leave log_statement out; pgaudit redacts passwords",
        url=f"{_MANUAL}/runtime-config-logging.html",
        evidence=("parameters.*.name",),
        judge=_no_values,
    ),
    Rule(
        name="rds-guide-parameters",
        sentence="The guide's twelve parameters are said, in numbers.",
        types=_GROUP,
        severity="medium",
        requirements=("PG-02", "PG-03", "PG-13"),
        controls=("ISO27001 A.8.9",),
        why="RDS would allow some 900 connections to 8 GiB, which is how a server is lost.",
        fix="say them in settings/postgres.py",
        url=f"{_USER_GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Parameters.html",
        evidence=("parameters.*.name",),
        judge=_guide,
    ),
    StackRule(
        name="rds-parameters-fit",
        sentence="The database's parameters fit the memory of its class.",
        types=(DATABASE,),
        severity="high",
        requirements=("PG-03", "PG-11", "PG-13"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="The kernel would kill the server under load, with every connection it has.",
        fix="change the class and the parameters together",
        url=f"{_USER_GUIDE}/Concepts.DBInstanceClass.Summary.html",
        evidence=("instanceClass", "parameterGroupName"),
        judge=_fits,
    ),
)  # fmt: skip
