"""How soon chords were decided is told by the record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jamlink.errors import Unavailable
from jamlink.ledger.entry import HEADER
from jamlink.ledger.store import Ledger
from jamlink.music.chord import Chord, Quality
from jamlink.runtime.bench_along import AlongTimes, stand_in_times, times_of
from jamlink.session.effects import AskedChords, Chorded, Clocked
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header, record
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm

LINE = Timeline(tempo_of_bpm(120), Ticks(0), Ns(0))
C = Chorded(20, Ticks(0), Ticks(960), Chord(0, Quality.MAJOR), "jam-s", False, Ticks(0))


def file_of(folder, *records):
    ledger = Ledger(folder / "bench.jam")
    ledger.append(HEADER, header(SessionSettings(), Ns(0), "test", "2026"), Ns(0))
    for at, value in ((Ns(0), Clocked(True, LINE, "4/4")), *records):
        ledger.append(*record(value), at)
    assert ledger.close(timeout_s=30.0)
    return ledger.path


def beat(number, to="model", request=0):
    return AskedChords(request or number, number, to, Ticks(0), Ns(0))


def at(beat, more_ms=0.0):
    return Ns(LINE.ns_at(Ticks(beat * 960)) + ms(more_ms))


def test_spans_shares_and_what_came_late(tmp_path):
    file = file_of(
        tmp_path,
        (at(4), beat(4)),
        (at(4, 20), replace(C, at=Ticks(8 * 960))),
        (at(5), beat(5)),
        (at(5, 400), beat(5, "stand-in")),
        (at(5, 402), replace(C, at=Ticks(9 * 960), stand_in=True)),
        (at(6), beat(6)),
        (at(6, 30), replace(C, at=Ticks(6 * 960))),
        (at(7), beat(7)),
        (at(7, 10), replace(C, at=Ticks(11 * 960), held=True)),
        (at(8), replace(C, at=Ticks(12 * 960), chord=None)),
    )
    assert times_of(file, 4) == AlongTimes(4, 4, 20.0, 30.0, 402.0, 0.5, 0.5)


def test_nothing_accompanied_is_said(tmp_path):
    with pytest.raises(Unavailable, match="Nothing was accompanied"):
        times_of(file_of(tmp_path), 4)


def test_the_stand_in_is_measured_where_it_runs():
    found = stand_in_times(beats=30)
    assert 0 < found.p50_ms <= found.max_ms
    assert found.first_ms > 0
