from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.errors import Fault, Nonsense
from jamlink.ledger.entry import entry_after
from jamlink.ledger.store import Ledger, read, verify
from jamlink.timing.units import Ns

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 30.0
"""An upper bound for a busy machine; nothing here is expected to take that long."""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that runs `code` with the package importable, its output line by line."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


# -- what is written can be read --------------------------------------------------------------------------------------


def test_entries_come_back_in_order_with_an_unbroken_chain(session_file):
    path = session_file(("header", {"n": 0}), ("heard", [1, 2]), ("decided", "ü"))
    entries = list(read(path))
    assert [(e.seq, e.kind, e.value, e.at) for e in entries] == [
        (0, "header", {"n": 0}, 0),
        (1, "heard", [1, 2], 10),
        (2, "decided", "ü", 20),
    ]
    assert [e.parent for e in entries[1:]] == [e.hash for e in entries[:-1]]
    verdict = verify(path)
    assert verdict.whole
    assert (verdict.entries, verdict.head) == (3, entries[-1].hash)
    assert verdict.sentence.startswith("Whole: 3 entries")


def test_a_closed_session_is_one_file_and_stays_one_when_it_is_read(session_file):
    path = session_file(("header", {}))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    entries = read(path)
    next(entries)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    entries.close()
    assert verify(path).whole
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_somebody_who_reads_on_does_not_hold_up_the_end_and_the_next_who_opens_it_finds_all(tmp_path):
    ledger = Ledger(tmp_path / "s.jam")
    ledger.append("header", {}, Ns(0), durable=True)
    assert ledger.settled(0, PATIENCE_S)
    entries = read(ledger.path)
    next(entries)
    ledger.append("heard", 1, Ns(1))
    assert ledger.close(timeout_s=PATIENCE_S)
    entries.close()
    assert verify(ledger.path).entries == 2
    ledger = Ledger(tmp_path / "s.jam")
    ledger.append("heard", 2, Ns(2))
    assert ledger.close(timeout_s=PATIENCE_S)
    assert verify(ledger.path).entries == 3
    assert [p.name for p in tmp_path.iterdir()] == ["s.jam"]


def test_a_session_goes_on_where_it_stopped(session_file, tmp_path):
    session_file(("header", {}), ("heard", 1))
    ledger = Ledger(tmp_path / "session.jam")
    assert ledger.acknowledged == 1
    assert ledger.append("heard", 2, Ns(30)) == 2
    assert ledger.close(PATIENCE_S)
    assert verify(ledger.path).entries == 3
    assert verify(ledger.path).whole


def test_a_durable_entry_is_acknowledged_without_waiting_for_company(tmp_path, monkeypatch):
    monkeypatch.setattr("jamlink.ledger.store.GROUP_S", 1e6)
    acknowledged: list[int] = []
    ledger = Ledger(tmp_path / "s.jam", on_acknowledged=acknowledged.append)
    ledger.append("heard", 1, Ns(0))
    seq = ledger.append("decided", 2, Ns(0), durable=True)
    assert ledger.settled(seq, PATIENCE_S)
    assert ledger.acknowledged == 1
    assert [e.kind for e in read(ledger.path)] == ["heard", "decided"], "and it takes along what came before it"
    assert ledger.close(PATIENCE_S)
    assert acknowledged[-1] == 1


def test_entries_that_are_not_durable_are_written_without_being_asked(tmp_path):
    ledger = Ledger(tmp_path / "s.jam")
    assert ledger.settled(ledger.append("heard", 1, Ns(0)), PATIENCE_S)
    assert ledger.close(PATIENCE_S)


def test_a_session_can_be_read_while_it_is_written(tmp_path):
    ledger = Ledger(tmp_path / "s.jam")
    for n in range(5):
        assert ledger.settled(ledger.append("heard", n, Ns(n), durable=True), PATIENCE_S)
        assert verify(ledger.path).entries == n + 1
    assert ledger.close(PATIENCE_S)


def test_a_payload_that_cannot_be_recorded_is_refused_where_it_was_made_and_harms_nothing(tmp_path):
    ledger = Ledger(tmp_path / "s.jam")
    with pytest.raises(Fault):
        ledger.append("heard", {1, 2}, Ns(0))
    assert ledger.append("heard", "\udcff lone surrogate", Ns(0)) == 0
    assert ledger.close(PATIENCE_S)
    assert verify(ledger.path).whole


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_dies_of_a_bug_does_not_die_unseen(tmp_path):
    def bug(seq: int) -> None:
        raise ZeroDivisionError

    ledger = Ledger(tmp_path / "s.jam", on_acknowledged=bug)
    ledger.append("decided", 1, Ns(0), durable=True)
    assert ledger.close(PATIENCE_S)
    assert "no longer being saved" in (ledger.trouble or "")


# -- whatever happens, nothing acknowledged is lost -------------------------------------------------------------------

WRITER = """
    import sys
    from pathlib import Path
    from jamlink.ledger.store import Ledger
    ledger = Ledger(Path(sys.argv[1]), on_acknowledged=lambda seq: print(seq, flush=True))
    for n in range(1_000_000):
        seq = ledger.append("decided" if n % 7 == 0 else "heard", {"n": n, "text": "x" * (n % 300)}, n, durable=n % 7 == 0)
        if n % 7 == 0:
            ledger.settled(seq, 60)
"""


@pytest.mark.parametrize("seed", range(20))
def test_kill_9_while_writing_loses_nothing_acknowledged(tmp_path, seed):
    path = tmp_path / "s.jam"
    with child(WRITER, str(path)) as writer:
        assert writer.stdout is not None
        for _ in range(random.Random(seed).randint(1, 40)):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged = max([acknowledged, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
    verdict = verify(path)
    assert verdict.whole
    assert verdict.entries > acknowledged
    assert [e.value["n"] for e in read(path)] == list(range(verdict.entries))
    ledger = Ledger(path)
    assert ledger.set_aside is None
    assert ledger.append("heard", "after", Ns(0)) == verdict.entries
    assert ledger.close(PATIENCE_S)


def test_a_power_cut_inside_the_log_leaves_a_beginning_of_the_record(tmp_path):
    """The log (-wal) cut at any byte, as a disk may leave it: what is there is whole, and begins at the beginning."""
    ledger = Ledger(tmp_path / "s.jam")
    for n in range(30):
        assert ledger.settled(ledger.append("decided", {"n": n}, Ns(n), durable=True), PATIENCE_S)
    log = (tmp_path / "s.jam-wal").read_bytes()
    dice, found = random.Random(2), set()
    for cut in [0, len(log), *(dice.randrange(len(log)) for _ in range(60))]:
        (tmp_path / "cut.jam-shm").unlink(missing_ok=True)
        shutil.copy(ledger.path, tmp_path / "cut.jam")
        (tmp_path / "cut.jam-wal").write_bytes(log[:cut])
        verdict = verify(tmp_path / "cut.jam")
        assert verdict.whole
        found.add(verdict.entries)
    assert {0, 30} <= found
    assert len(found) > 10
    assert ledger.close(PATIENCE_S)


FULL_DISK = """
    import resource, sys
    from pathlib import Path
    from jamlink.ledger.store import Ledger
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    ledger = Ledger(Path(sys.argv[1]))
    n = 0
    while ledger.trouble is None and n < 10_000:
        seq = ledger.append("decided", {"n": n, "text": "x" * 1000}, n, durable=True)
        n += 1
        while not ledger.settled(seq, 0.01) and ledger.trouble is None:
            pass
    print(ledger.trouble, flush=True)
    print(ledger.acknowledged < n - 1, flush=True)
    for more in range(50):
        ledger.append("heard", {"n": n + more}, n, durable=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(ledger.settled(n + 49, 60), ledger.trouble, ledger.close(60), n + 50, flush=True)
"""


def test_a_full_disk_is_said_and_nothing_is_lost_when_there_is_room_again(tmp_path):
    path = tmp_path / "s.jam"
    with child(FULL_DISK, str(path)) as writer:
        assert writer.stdout is not None
        trouble, waiting, later = writer.stdout.read().splitlines()
    assert "not being saved" in trouble
    assert "nothing is lost while jamlink runs" in trouble
    assert waiting == "True"
    settled, trouble_later, closed, entries = later.split()
    assert (settled, trouble_later, closed) == ("True", "None", "True")
    verdict = verify(path)
    assert verdict.whole
    assert verdict.entries == int(entries)


def test_a_folder_that_cannot_be_written_is_said_and_tried_again(tmp_path, monkeypatch):
    """A file stands where the folder should be; later the folder is there."""
    monkeypatch.setattr("jamlink.ledger.store.RETRY_S", 0.01)
    (tmp_path / "sessions").write_text("not a folder")
    ledger = Ledger(tmp_path / "sessions" / "s.jam")
    seq = ledger.append("decided", 1, Ns(0), durable=True)
    assert not ledger.settled(seq, 0.3)
    assert ledger.acknowledged == -1
    assert "not being saved" in (ledger.trouble or "")
    (tmp_path / "sessions").unlink()
    assert ledger.settled(seq, PATIENCE_S)
    assert ledger.trouble is None
    assert ledger.close(PATIENCE_S)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """A regular file stands where the folder's parent should be: permissions bind nobody who is root, this does."""
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "sessions"
    ledger = Ledger(folder / "s.jam")
    ledger.append("decided", 1, Ns(0), durable=True)
    assert not ledger.close(PATIENCE_S)
    assert str(folder) in (ledger.trouble or "")


def test_closing_while_the_disk_refuses_returns_and_says_that_it_is_not_safe(tmp_path):
    (tmp_path / "file").write_text("")
    ledger = Ledger(tmp_path / "file" / "s.jam")
    ledger.append("decided", 1, Ns(0), durable=True)
    assert not ledger.close(PATIENCE_S)


def test_two_writers_of_one_file_never_mix(tmp_path):
    first, second = Ledger(tmp_path / "s.jam"), Ledger(tmp_path / "s.jam")
    assert first.settled(first.append("decided", "first", Ns(0), durable=True), PATIENCE_S)
    second.append("decided", "second", Ns(0), durable=True)
    assert not second.close(PATIENCE_S)
    assert "Another session" in (second.trouble or "")
    assert first.close(PATIENCE_S)
    assert [e.value for e in read(first.path)] == ["first"]


# -- what is damaged is found -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "s.jam")
    for n in range(12):
        ledger.append("header" if n == 0 else "heard", {"n": n, "bytes": "90 3c 64"}, Ns(n * 1000))
    assert ledger.close(PATIENCE_S)
    return ledger.path


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seq=st.integers(0, 11),
    column=st.sampled_from(["payload", "hash", "parent", "kind"]),
    place=st.integers(0),
    flip=st.integers(1, 255),
)
def test_every_flipped_byte_is_found_and_its_entry_named(original, tmp_path, seq, column, place, flip):
    path = Path(shutil.copy(original, tmp_path / "tampered.jam"))
    with closing(sqlite3.connect(path)) as database, database:
        (text,) = database.execute(f"SELECT CAST({column} AS BLOB) FROM entry WHERE seq = ?", (seq,)).fetchone()
        changed = bytearray(text)
        changed[place % len(changed)] ^= flip
        database.execute(f"UPDATE entry SET {column} = CAST(? AS TEXT) WHERE seq = ?", (bytes(changed), seq))
    verdict = verify(path)
    assert verdict.first_bad == seq
    assert f"entry {seq} " in verdict.sentence


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seq=st.integers(0, 11), column=st.sampled_from(["seq", "at"]), bit=st.integers(0, 62))
def test_every_flipped_bit_of_a_number_is_found(original, tmp_path, seq, column, bit):
    path = Path(shutil.copy(original, tmp_path / "tampered.jam"))
    with closing(sqlite3.connect(path)) as database, database:
        changed = numbers(original, seq)[column] ^ 1 << bit
        if column == "seq":
            database.execute("DELETE FROM entry WHERE seq = ?", (changed,))
        database.execute(f"UPDATE entry SET {column} = ? WHERE seq = ?", (changed, seq))
    assert not verify(path).whole


def numbers(path: Path, seq: int) -> dict[str, int]:
    entry = list(read(path))[seq]
    return {"seq": entry.seq, "at": entry.at}


def test_a_missing_entry_is_named(original, tmp_path):
    path = Path(shutil.copy(original, tmp_path / "tampered.jam"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM entry WHERE seq = 5")
    assert verify(path).sentence == "Not whole: entry 5 is missing. The 5 entries before it are good."


def test_a_forged_entry_with_a_fitting_hash_is_betrayed_by_the_next_one(original, tmp_path):
    path = Path(shutil.copy(original, tmp_path / "tampered.jam"))
    old = list(read(original))[5]
    forged = entry_after(5, old.parent, old.kind, {"n": 500}, old.at)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entry SET payload = ?, hash = ? WHERE seq = 5", (forged.payload, forged.hash))
    assert verify(path).first_bad == 6
    assert "does not follow" in verify(path).sentence


def test_bytes_flipped_anywhere_in_the_file_are_found_or_harmless(original, tmp_path):
    data, entries = original.read_bytes(), list(read(original))
    dice, path = random.Random(1), tmp_path / "flipped.jam"
    found = 0
    for _ in range(400):
        flipped = bytearray(data)
        flipped[dice.randrange(len(data))] ^= dice.randint(1, 255)
        path.write_bytes(flipped)
        try:
            whole = verify(path).whole
        except Nonsense:
            whole = False
        found += not whole
        assert not whole or list(read(path)) == entries
    assert found > 50


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(session_file, tmp_path):
    path = session_file(("header", {}), ("heard", 1))
    path.write_bytes(path.read_bytes()[:3000])
    for name in ("session.jam.bad", "session.jam.bad1"):
        ledger = Ledger(path)
        assert ledger.set_aside == tmp_path / name
        assert ledger.append("header", {}, Ns(0)) == 0
        assert ledger.close(PATIENCE_S)
        assert verify(path).entries == 1
        path.write_bytes(b"SQLite format 3\0 and then nonsense" * 40)


def test_a_file_with_a_changed_entry_is_set_aside_too(original, tmp_path):
    path = Path(shutil.copy(original, tmp_path / "s.jam"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entry SET kind = 'felt' WHERE seq = 3")
    ledger = Ledger(path)
    assert ledger.set_aside == tmp_path / "s.jam.bad"
    assert verify(ledger.set_aside).first_bad == 3
    assert ledger.close(PATIENCE_S)


def test_what_is_no_session_is_refused_in_one_sentence_and_left_alone(tmp_path, original):
    stranger, newer = tmp_path / "stranger.db", Path(shutil.copy(original, tmp_path / "newer.jam"))
    with closing(sqlite3.connect(stranger)) as database, database:
        database.execute("CREATE TABLE songs (name)")
    with closing(sqlite3.connect(newer)) as database, database:
        database.execute("PRAGMA user_version = 99")
    for path, what in (
        (stranger, "not a jamlink session"),
        (newer, "newer jamlink"),
        (tmp_path / "none", "no session"),
    ):
        for use in (verify, lambda path: list(read(path))):
            with pytest.raises(Nonsense, match=what):
                use(path)
    for path in (stranger, newer):
        with pytest.raises(Nonsense):
            Ledger(path)
        assert path.exists()


def test_a_text_file_is_no_session(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 100)
    with pytest.raises(Nonsense, match="cannot be read"):
        verify(path)
