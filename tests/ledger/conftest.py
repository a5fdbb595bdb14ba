from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jamlink.ledger.entry import HEADER
from jamlink.ledger.store import Ledger
from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.runtime.offline import Offline
from jamlink.session.core import Session
from jamlink.session.inputs import Do, Heard, Repeat
from jamlink.session.proposal import Candidate
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header, record
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm


@pytest.fixture
def session_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a session file of the given (kind, payload) pairs, one each 10 ns, and closes it."""

    def write(*records: tuple[str, Any], name: str = "session.jam") -> Path:
        ledger = Ledger(tmp_path / name)
        for i, (kind, payload) in enumerate(records):
            ledger.append(kind, payload, Ns(10 * i))
        assert ledger.close(timeout_s=30.0)
        return ledger.path

    return write


BEAT = 500_000_000
UP = (72, 74, 76, 77, 79, 81, 83, 84, 86, 88, 89, 91)


class Changes:
    """Two bars: the chords in turn, and a melody note on each beat."""

    name = "changes"

    def __init__(self, *symbols):
        self.symbols = symbols

    def propose(self, request, cancelled):
        each = Ticks(request.slot.length // len(self.symbols))
        chords = tuple(ChordSpan(Ticks(i * each), each, parse_chord(symbol)) for i, symbol in enumerate(self.symbols))
        beats = range(request.slot.length // 960)
        melody = tuple(Note(Ticks(960 * i), UP[i % len(UP)], Ticks(960)) for i in beats)
        return [Candidate(chords, melody, (), 0.0, 0.0, self.name, 1)]


def when(bar, beat=1.0, beats=4):
    return Ns(ms(60) + round(((bar - 1) * beats + beat - 1) * BEAT))


@pytest.fixture
def jam(tmp_path: Path):
    """Plays a jam of two-bar slots at 120 and writes its session file."""

    def play(*symbols, notes=(), take=True, until=6, meter=None, wall="2026-01-01T10:00:00+00:00", port="keys"):
        settings = SessionSettings(
            tempo=tempo_of_bpm(120), bars=2, count_in=0, repeat=Repeat.ONCE, **({"meter": meter} if meter else {})
        )
        beats = settings.meter.beats
        maker = Changes(*symbols)
        offline = Offline(Session(settings, Ns(0)), maker, maker)
        offline.at(Ns(0), Do(Action.PLAY_STOP, "test"))
        for at, pitch, length in notes:
            offline.at(at, Heard(NoteOn(at, port, 0, pitch, 90)))
            offline.at(Ns(at + length), Heard(NoteOff(Ns(at + length), port, 0, pitch)))
        if take:
            offline.at(when(2, 2, beats), Do(Action.ACCEPT, "test"))
        offline.at(when(until, 1, beats), Do(Action.PLAY_STOP, "test"))
        offline.run_until(when(until + 1, 1, beats))
        ledger = Ledger(tmp_path / "s.jam")
        ledger.append(HEADER, header(settings, Ns(0), "1", wall), Ns(0))
        for entry in offline.records:
            ledger.append(*record(entry.value), entry.at)
        assert ledger.close(timeout_s=30)
        return tmp_path / "s.jam"

    return play
