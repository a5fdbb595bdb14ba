"""Where a ledger lives: one SQLite file per session, written by a thread of its own.

What is promised, and how:

* `append` never waits: it makes the entry (about 15 µs) and hands it to the writer. Nothing is ever dropped; while the
  disk refuses, entries stay in memory, `trouble` says why in one sentence, and the writer tries again each second.
* `acknowledged` is the number of the last entry that a power cut cannot take away: the file is in WAL mode with
  synchronous=FULL, and the number moves only after the commit returned. A durable entry is committed at once, others
  together with what comes within a quarter of a second.
* The file is a chain (see `entry`): `verify` finds a changed byte in any entry and names it. A chain cannot show that
  its last entries were cut off; whoever wants that too keeps `Verdict.head`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from jamlink.errors import Nonsense, Unavailable
from jamlink.ledger.entry import NO_PARENT, LedgerEntry, digest, entry_after
from jamlink.timing.units import Ns

APPLICATION_ID = 0x6A616D31
"""Marks the file as ours in SQLite's header ("jam1")."""
FORMAT = 1
"""Rises when an older jamlink could not read the file."""

GROUP_S = 0.25
"""How long an entry that is not durable may wait for company."""
RETRY_S = 1.0
_LAST_PATIENCE_MS = 200

_SCHEMA = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY, parent TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
    payload TEXT NOT NULL, hash TEXT NOT NULL
);
COMMIT;
"""
"""One transaction, so that a file is either empty or ours."""
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises for a damaged file; the second where the damage is inside a name that it wants to report."""
_COLUMNS = "seq, parent, kind, payload, at, hash"


class Damaged(Nonsense):
    """The file is no longer what was written: not the database it was, or not readable at all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found. `first_bad` is the number of the first entry that does not fit, if any."""

    entries: int
    first_bad: int | None = None
    why: str = ""
    head: str = NO_PARENT
    """The hash of the last good entry: it stands for everything before it."""

    @property
    def whole(self) -> bool:
        """Whether every entry is as it was written."""
        return self.first_bad is None

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.whole:
            return f"Whole: {self.entries} entries, each as it was written; the last is {self.head}."
        return f"Not whole: entry {self.first_bad} {self.why}. The {self.entries} entries before it are good."


# -- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path, kinds: Sequence[str] = (), *, since: int = 0, newest_first: bool = False) -> Iterator[LedgerEntry]:
    """The entries, in order, as they stand in the file, which may be written meanwhile: of these `kinds` (none named:
    all), from number `since` on. Raises `Nonsense` for a file that is no session."""
    question, values = _question(kinds, since, newest_first)
    with closing(_open_to_read(path)) as database:
        try:
            for row in database.execute(question, values):
                yield LedgerEntry(*row)
        except _UNREADABLE as error:
            raise _damaged(path, error) from None


def _question(kinds: Sequence[str], since: int, newest_first: bool) -> tuple[str, Sequence[str | int]]:
    """A whole file is scanned, not searched from its first number on: searching a damaged one passes entries over."""
    conditions = [f"kind IN ({', '.join('?' * len(kinds))})"] if kinds else []
    conditions += ["seq >= ?"] if since else []
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    values: list[str | int] = [*kinds, *([since] if since else [])]
    return f"SELECT {_COLUMNS} FROM entry {where} ORDER BY seq {'DESC' if newest_first else 'ASC'}", values


def verify(path: Path) -> Verdict:
    """Recompute the chain from its first entry. Raises `Nonsense` only where no entry can be read at all."""
    good, head = 0, NO_PARENT
    try:
        for entry in read(path):
            why = _misfit(entry, good, head)
            if why:
                return Verdict(good, good, why, head)
            good, head = good + 1, entry.hash
    except Nonsense:
        if good == 0:
            raise
        return Verdict(good, good, "cannot be read", head)
    return Verdict(good, head=head)


def _misfit(entry: LedgerEntry, seq: int, parent: str) -> str:
    """What is wrong with an entry; empty where nothing is."""
    if entry.seq != seq:
        return "is missing" if isinstance(entry.seq, int) and entry.seq > seq else "has a number that is not its own"
    if entry.parent != parent:
        return "does not follow from the one before it"
    texts = (entry.kind, entry.payload)
    if not (isinstance(entry.at, int) and all(isinstance(text, str) for text in texts)):
        return "holds something that was never written"
    if digest(entry.seq, entry.parent, entry.kind, entry.payload, entry.at) != entry.hash:
        return "was changed after it was written"
    return ""


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise Nonsense(f"There is no session at {path}.", "Check the name.")
    try:
        database = _connect_to_read(path)
        (mark,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
    except _UNREADABLE as error:
        raise _damaged(path, error) from None
    if mark != APPLICATION_ID:
        database.close()
        raise Nonsense(f"{path} is not a jamlink session.", "Choose a session file.")
    if version > FORMAT:
        database.close()
        raise Nonsense(f"{path} was written by a newer jamlink.", "Update jamlink to read it.")
    return database


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Read-only. In a folder that cannot be written, a closed file must be opened as one that nobody writes."""
    try:
        return _connect_as(path, "mode=ro")
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise  # its newest entries are in there, and opening as unchanging would pass them over
        return _connect_as(path, "mode=ro&immutable=1")


def _connect_as(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)
    # A flipped bit may make a text that is no UTF-8; it must still be read to be found.
    database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        database.execute("SELECT count(*) FROM sqlite_master")
    except _UNREADABLE:
        database.close()
        raise
    return database


def _damaged(path: Path, error: Exception) -> Damaged:
    return Damaged(f"{path} cannot be read: {error}.", "It is damaged or no session; restore it from a copy.")


# -- writing ----------------------------------------------------------------------------------------------------------


class Ledger:
    """Writes one session's file. `append` and `close` belong to one thread; the rest may be asked from any.

    Opening continues a good file, sets a damaged one aside (`set_aside` names it) and begins a new one where there is
    none. It raises `Nonsense` for a file that is something else or of a newer jamlink. A folder that cannot be written
    is no error: the entries wait in memory, and `trouble` says so.
    """

    def __init__(self, path: Path, *, on_acknowledged: Callable[[int], None] = lambda seq: None) -> None:
        """`on_acknowledged` is called on the writer's thread after each commit, with the new `acknowledged`.

        It must not raise.
        """
        self.path = path
        self.set_aside: Path | None = None
        self._acknowledged, self._head = self._continue()
        self._next = self._acknowledged + 1
        self._on_acknowledged = on_acknowledged
        self._trouble: str | None = None
        self._settled = threading.Condition()
        self._inbox: SimpleQueue[tuple[LedgerEntry, bool] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._writer.start()

    def append(self, kind: str, payload: Any, at: Ns, durable: bool = False) -> int:
        """Record `payload` (numbers, strings, lists, dicts); its number. Never waits. Raises `Fault` for a payload that
        JSON cannot hold."""
        entry = entry_after(self._next, self._head, kind, payload, at)
        self._next, self._head = entry.seq + 1, entry.hash
        self._inbox.put((entry, durable))
        return entry.seq

    @property
    def acknowledged(self) -> int:
        """The number of the last entry that is safe on the disk; -1 before the first."""
        return self._acknowledged

    @property
    def trouble(self) -> str | None:
        """Why entries are waiting in memory, with what to do; None while all is well."""
        return self._trouble

    def settled(self, seq: int, timeout_s: float) -> bool:
        """Wait until entry `seq` is safe; whether it is. Not for threads that make music."""
        with self._settled:
            return self._settled.wait_for(lambda: self._acknowledged >= seq, timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what is left and end the writer, within `timeout_s`; whether everything is safe on the disk."""
        self._inbox.put(None)
        self._writer.join(timeout_s)
        return self._acknowledged == self._next - 1

    # -- opening

    def _continue(self) -> tuple[int, str]:
        """The number and hash of the last entry of the file that is there; (-1, NO_PARENT) where there is none."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return -1, NO_PARENT
        try:
            verdict = verify(self.path)
        except Damaged:
            verdict = Verdict(0, first_bad=0)
        if verdict.whole:
            return verdict.entries - 1, verdict.head
        self._put_aside()
        return -1, NO_PARENT

    def _put_aside(self) -> None:
        """A damaged file is kept, under a name that is free, with the parts that belong to it."""
        names = (self.path.with_name(f"{self.path.name}.bad{n or ''}") for n in count())
        aside = next(name for name in names if not name.exists())
        with contextlib.suppress(OSError):
            self.path.rename(aside)
            self.set_aside = aside
        for part in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                self.path.with_name(self.path.name + part).rename(aside.with_name(aside.name + part))

    # -- the writer's thread

    def _run(self) -> None:
        try:
            self._write_all()
        except BaseException as error:  # a bug of ours: the thread ends, and must not end unseen
            self._trouble = f"The session is no longer being saved ({error!r}). Start jamlink again."
            raise

    def _write_all(self) -> None:
        waiting: list[LedgerEntry] = []
        database: sqlite3.Connection | None = None
        closing_down = False
        while not (closing_down and (not waiting or self._trouble)):
            closing_down |= self._gather(waiting)
            if waiting:
                database = self._try_to_write(database, waiting)
        if database is not None:
            _leave_one_file(database)
            database.close()

    def _gather(self, waiting: list[LedgerEntry]) -> bool:
        """Add to `waiting` what should be written together; whether the ledger is closing."""
        patience = RETRY_S if self._trouble else GROUP_S
        until = monotonic() + patience if waiting else None
        while True:
            try:
                item = self._inbox.get(timeout=None if until is None else max(0.0, until - monotonic()))
            except Empty:
                return False
            if item is None:
                return True
            entry, durable = item
            waiting.append(entry)
            if durable and not self._trouble:
                until = monotonic()  # take along what is already there, and go
            until = until or monotonic() + patience

    def _try_to_write(
        self, database: sqlite3.Connection | None, waiting: list[LedgerEntry]
    ) -> sqlite3.Connection | None:
        """Commit everything that waits; where that fails, keep it all and let the connection go."""
        try:
            if database is None:
                database = self._connect(waiting)
            _commit(database, waiting)
        except Exception as error:  # whatever refuses, the entries stay and the screen says so
            self._trouble = _sentence(self.path, error)
            if database is not None:
                with contextlib.suppress(sqlite3.Error):
                    database.close()
            return None
        self._trouble = None
        self._acknowledge(waiting[-1].seq)
        waiting.clear()
        return database

    def _acknowledge(self, seq: int) -> None:
        with self._settled:
            self._acknowledged = seq
            self._settled.notify_all()
        self._on_acknowledged(seq)

    def _connect(self, waiting: Sequence[LedgerEntry]) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=RETRY_S, isolation_level=None)
        try:
            database.executescript(_SCHEMA)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA fullfsync = ON")  # macOS: otherwise the drive's own cache may lose it
            self._check_whose(database, waiting)
        except BaseException:
            database.close()
            raise
        return database

    def _check_whose(self, database: sqlite3.Connection, waiting: Sequence[LedgerEntry]) -> None:
        """The last entry of the file must be the last one acknowledged, or one of ours whose commit was in doubt."""
        last = database.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        ours = last in [(entry.seq, entry.hash) for entry in waiting]
        if not ours and (last[0] if last else -1) != self._acknowledged:
            raise Unavailable(f"Another session is writing to {self.path}.", "Close it, or start a new session.")


def _leave_one_file(database: sqlite3.Connection) -> None:
    """A session that is over lies in one file, and stays one when it is read: a database in WAL mode gets a log and an
    index beside it whenever somebody opens it. Somebody who reads it now keeps it as it is."""
    with contextlib.suppress(sqlite3.Error):
        database.execute(f"PRAGMA busy_timeout = {_LAST_PATIENCE_MS}")
        database.execute("PRAGMA journal_mode = DELETE")


def _commit(database: sqlite3.Connection, entries: Sequence[LedgerEntry]) -> None:
    rows = [(e.seq, e.parent, e.kind, e.payload, e.at, e.hash) for e in entries]
    database.execute("BEGIN IMMEDIATE")
    try:
        # Replace, because a commit that reported failure may have happened all the same.
        database.executemany(f"INSERT OR REPLACE INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _sentence(path: Path, error: Exception) -> str:
    """One sentence for the screen: what is wrong with the session file, and what to do."""
    if isinstance(error, Unavailable):
        return str(error)
    words = str(error)
    remedies = {
        "full": "Free some space on the disk.",
        "readonly": f"Allow writing to {path.parent}.",
        "unable to open": f"Allow writing to {path.parent}.",
        "Permission": f"Allow writing to {path.parent}.",
        "locked": "Close the other program that uses it.",
    }
    remedy = next((r for word, r in remedies.items() if word in words), "Check the disk.")
    return f"The session is not being saved ({words}); nothing is lost while jamlink runs. {remedy}"
