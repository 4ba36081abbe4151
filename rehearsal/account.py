"""The account on disk: what the stand-ins have made, in a SQLite file that survives runs.

Refresh, drift, import and destroy are real against it. Deleted resources go to a graveyard with
their virtual date, because some names stay taken. Secret values are kept as salted digests only:
the file can be read by anybody without learning one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any

from rehearsal.wire import UNKNOWN, Secret, revealed

FORMAT = 1
# The virtual calendar starts here, so that a rehearsal prints the same dates on every day.
DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)

_DIGEST = "\u0000digest:"

_TABLES = """
create table about (format integer not null, salt text not null, now real not null);
create table resource (
    handle integer primary key,
    type text not null, id text not null, urn text not null, region text not null,
    inputs text not null, outputs text not null,
    created real not null, updated real not null
);
create index resource_type on resource (type);
create index resource_id on resource (id);
create table grave (
    type text not null, id text not null, region text not null, inputs text not null,
    deleted real not null
);
create index grave_type on grave (type);
"""


# The file is whole and somebody else's hand is on it, or the disk is full or read-only.
_NOT_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


class AccountError(Exception):
    """The account file cannot be used; the message is one line with the remedy."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that exists. Inputs and outputs are camelCase; secrets are digests."""

    handle: int
    type: str
    id: str
    urn: str
    region: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    created: datetime = DAY_ZERO
    updated: datetime = DAY_ZERO

    @property
    def arn(self) -> str:
        return str(self.outputs.get("arn", ""))

    def get(self, name: str, default: Any = None) -> Any:
        """An input where it was given, else the output of that name."""
        value = self.inputs.get(name)
        return value if value is not None else self.outputs.get(name, default)


@dataclass(frozen=True, kw_only=True)
class Grave:
    """A resource that was deleted, with the virtual time of its deletion."""

    type: str
    id: str
    region: str
    inputs: Mapping[str, Any]
    deleted: datetime


class Account:
    """One AWS account (or cluster), on disk at `path` or in memory for `":memory:"`.

    account_id: 12 digits. given: a text (the stack's settings); identifiers in it belong to things
    that were there before and are taken to exist, as a brought VPC or a role of the organisation.
    companions: files and folders beside it that mean nothing without it.
    All methods may be called from several threads.
    Raises AccountError: the file is damaged or of another format; it is kept aside with its
    companions, never overwritten, and the message says where. Or it cannot be used, and stays where
    it is.
    """

    def __init__(
        self,
        path: Path | str,
        account_id: str = "111122223333",
        given: str = "",
        companions: Sequence[str] = (),
    ) -> None:
        self.account_id = account_id
        self.given = given
        self._lock = threading.RLock()
        self._path = path
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        fresh = path == ":memory:" or not Path(path).exists() or Path(path).stat().st_size == 0
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise AccountError(_unusable(path, error)) from None
        try:
            if fresh:
                self._begin()
            row = self._db.execute("select format, salt, now from about").fetchone()
            if row is None or row[0] != FORMAT:
                raise sqlite3.DatabaseError("another format")
            if self._db.execute("pragma quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("pages do not fit together")
            rows = self._db.execute("select * from resource order by handle").fetchall()
            resources = [_resource(found) for found in rows]
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            self._db.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGE:
                raise AccountError(_unusable(path, error)) from None
            raise AccountError(_set_aside(Path(path), companions, error)) from None
        self._salt = row[1]
        self._now = row[2]
        # One process at a time opens the file (locks.held), so what is read once stays true.
        self._resources: dict[int, Resource] = {}
        self._of_type: defaultdict[str, dict[int, Resource]] = defaultdict(dict)
        self._named: defaultdict[str, dict[int, Resource]] = defaultdict(dict)
        self._mentioning: defaultdict[str, set[int]] = defaultdict(set)
        for found in resources:
            self._remember(found)

    def _begin(self) -> None:
        self._db.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + _TABLES)
        self._db.execute("insert into about values (?, ?, 0)", (FORMAT, os.urandom(16).hex()))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- time -----------------------------------------------------------------------------------
    @property
    def now(self) -> datetime:
        """The virtual time of the account."""
        return DAY_ZERO + timedelta(seconds=self._now)

    def pass_time(self, seconds: float) -> None:
        """Move the virtual clock on."""
        with self._lock:
            self._now += seconds
            self._db.execute("update about set now = ?", (self._now,))

    # -- looking --------------------------------------------------------------------------------
    def all(self, type_: str | None = None, region: str | None = None) -> list[Resource]:
        """Every resource of a type (and region), in order of creation."""
        with self._lock:
            held = self._resources if type_ is None else self._of_type[type_]
            found = [held[handle] for handle in sorted(held)]
        return [r for r in found if region is None or r.region == region]

    def find(self, type_: str, region: str | None = None, **where: Any) -> list[Resource]:
        """Resources of a type whose inputs (or outputs) equal every `where`."""
        return [
            r
            for r in self.all(type_, region)
            if all(r.get(name) == value for name, value in where.items())
        ]

    def by_id(self, id_or_arn: str, type_: str | None = None) -> Resource | None:
        """The first resource known by that id or ARN (of that type), or None."""
        with self._lock:
            named = self._named.get(id_or_arn, {})
            found = [named[handle] for handle in sorted(named)]
        return next((r for r in found if type_ is None or r.type == type_), None)

    def exists(self, identifier: str) -> bool:
        """Whether something of that id or ARN exists, also as a part that AWS made on its own."""
        with self._lock:
            return bool(self._named.get(identifier)) or any(
                identifier in _strings(self._resources[handle].outputs)
                for handle in self._mentioning.get(identifier, ())
            )

    def referring(self, resource: Resource) -> list[Resource]:
        """Resources whose inputs hold this resource's id or ARN, alone or inside a document."""
        with self._lock:
            handles: set[int] = set()
            for name in {resource.id, resource.arn} - {""}:
                handles |= self._mentioning.get(name, set())
            found = [self._resources[h] for h in sorted(handles - {resource.handle})]
        names = {resource.id, resource.arn} - {""}
        return [r for r in found if names & set(_mentions(r.inputs))]

    def _remember(self, resource: Resource) -> None:
        self._resources[resource.handle] = resource
        self._of_type[resource.type][resource.handle] = resource
        for name in {resource.id, resource.arn} - {""}:
            self._named[name][resource.handle] = resource
        for name in (*_mentions(resource.inputs), *_mentions(resource.outputs)):
            self._mentioning[name].add(resource.handle)

    def _forget(self, resource: Resource) -> None:
        old = self._resources.pop(resource.handle)
        self._of_type[old.type].pop(old.handle)
        for name in {old.id, old.arn} - {""}:
            self._named[name].pop(old.handle, None)
        for name in (*_mentions(old.inputs), *_mentions(old.outputs)):
            self._mentioning[name].discard(old.handle)

    def graves(self, type_: str, within: timedelta | None = None) -> list[Grave]:
        """Deleted resources of a type, at most `within` ago, newest first."""
        with self._lock:
            rows = self._db.execute(
                "select type, id, region, inputs, deleted from grave where type = ? "
                "order by deleted desc",
                (type_,),
            ).fetchall()
        graves = [
            Grave(
                type=r[0],
                id=r[1],
                region=r[2],
                inputs=json.loads(r[3]),
                deleted=DAY_ZERO + timedelta(seconds=r[4]),
            )
            for r in rows
        ]
        return [g for g in graves if within is None or self.now - g.deleted <= within]

    # -- changing -------------------------------------------------------------------------------
    def make(
        self,
        type_: str,
        id_: str,
        *,
        urn: str,
        region: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
    ) -> Resource:
        """Add a resource; committed when this returns."""
        with self._lock:
            cursor = self._db.execute(
                "insert into resource (type, id, urn, region, inputs, outputs, created, updated) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    type_,
                    id_,
                    urn,
                    region,
                    self._kept(inputs),
                    self._kept(outputs),
                    self._now,
                    self._now,
                ),
            )
            made = _resource(
                self._db.execute(
                    "select * from resource where handle = ?", (cursor.lastrowid,)
                ).fetchone()
            )
            self._remember(made)
            return made

    def change(
        self, resource: Resource, *, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
    ) -> Resource:
        """Replace inputs and outputs of a resource; committed when this returns."""
        with self._lock:
            self._db.execute(
                "update resource set inputs = ?, outputs = ?, updated = ? where handle = ?",
                (self._kept(inputs), self._kept(outputs), self._now, resource.handle),
            )
            changed = replace(
                resource,
                inputs=json.loads(self._kept(inputs)),
                outputs=json.loads(self._kept(outputs)),
                updated=self.now,
            )
            self._forget(resource)
            self._remember(changed)
            return changed

    def remove(self, resource: Resource) -> None:
        """Delete a resource and remember it in the graveyard."""
        with self._lock:
            self._db.execute("begin")
            self._db.execute("delete from resource where handle = ?", (resource.handle,))
            self._db.execute(
                "insert into grave values (?, ?, ?, ?, ?)",
                (
                    resource.type,
                    resource.id,
                    resource.region,
                    json.dumps(dict(resource.inputs), sort_keys=True),
                    self._now,
                ),
            )
            self._db.execute("commit")
            self._forget(resource)

    def undo(self, resource: Resource) -> None:
        """Take a resource away as if it had never been made: its name is free at once."""
        with self._lock:
            self._db.execute("delete from resource where handle = ?", (resource.handle,))
            self._forget(resource)

    # -- secrets --------------------------------------------------------------------------------
    def digest(self, value: Any) -> str:
        """How a secret value is kept: equal values of one account have equal digests."""
        text = json.dumps(revealed(value), sort_keys=True, default=str)
        return _DIGEST + hashlib.sha256((self._salt + text).encode()).hexdigest()

    def sealed(self, value: Any) -> Any:
        """`value` with every Secret as its digest."""
        if isinstance(value, Secret):
            return self.digest(value.value)
        if isinstance(value, Mapping):
            return {k: self.sealed(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.sealed(v) for v in value]
        if value is UNKNOWN:
            raise ValueError("an unknown value cannot be kept in the account")
        return value

    def unsealed(self, kept: Any, hint: Any) -> Any:
        """`kept` with digests turned back into the secrets that `hint` (the engine's state) has.

        A digest that fits nothing in the hint is a change made behind the engine's back: it comes
        back as a Secret that equals nothing.
        """
        if isinstance(kept, str) and kept.startswith(_DIGEST):
            if isinstance(hint, Secret) and self.digest(hint.value) == kept:
                return hint
            if not isinstance(hint, Secret) and self.digest(hint) == kept:
                return Secret(hint)
            return Secret("changed outside of this program")
        if isinstance(kept, Mapping):
            hints = hint if isinstance(hint, Mapping) else {}
            return {k: self.unsealed(v, hints.get(k)) for k, v in kept.items()}
        if isinstance(kept, list):
            hints_list = hint if isinstance(hint, list) and len(hint) == len(kept) else None
            return [
                self.unsealed(v, hints_list[i] if hints_list else None) for i, v in enumerate(kept)
            ]
        return kept

    def _kept(self, values: Mapping[str, Any]) -> str:
        return json.dumps(self.sealed(dict(values)), sort_keys=True)


def _unusable(path: Path | str, error: Exception) -> str:
    return (
        f"the account file {Path(path).name} cannot be used ({error}); nothing was changed; see "
        "who else has it open, and whether its disk can be written"
    )


def _set_aside(path: Path, companions: Sequence[str], error: Exception) -> str:
    """Move the file and its companions into a folder of their own; what is told about it.

    The file goes last: whoever is killed before that has it set aside again by the next run.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    names = chain([f"damaged-{stamp}"], (f"damaged-{stamp}-{again}" for again in count(2)))
    aside = next(folder for name in names if not (folder := path.with_name(name)).exists())
    aside.mkdir()
    beside = [name for name in companions if path.with_name(name).exists()]
    for name in (*beside, f"{path.name}-wal", f"{path.name}-shm", path.name):
        if path.with_name(name).exists():
            path.with_name(name).rename(aside / name)
    return (
        f"the account file {path.name} is damaged ({error}); it was kept aside in {aside}"
        f"{', with ' + ', '.join(beside) + ' beside it' if beside else ''}; run the command again "
        "to begin with an empty account"
    )


def _resource(row: tuple[Any, ...]) -> Resource:
    return Resource(
        handle=row[0],
        type=row[1],
        id=row[2],
        urn=row[3],
        region=row[4],
        inputs=json.loads(row[5]),
        outputs=json.loads(row[6]),
        created=DAY_ZERO + timedelta(seconds=row[7]),
        updated=DAY_ZERO + timedelta(seconds=row[8]),
    )


# An identifier inside a longer text (a policy document): an ARN, or an id with its prefix.
_IDENTIFIER = re.compile(r"arn:aws[\w-]*:[^\s\"',\]]+|\b[a-z]{2,8}-[0-9a-f]{8,17}\b")
_LONGEST_NAME = 512  # a string that is longer is a document, not a name


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _mentions(value: Any) -> set[str]:
    """Every string that may be another resource's id or ARN."""
    found: set[str] = set()
    for text in _strings(value):
        if len(text) <= _LONGEST_NAME:
            found.add(text)
        if len(text) > 12:
            found.update(match.rstrip("/*") for match in _IDENTIFIER.findall(text))
    return found
