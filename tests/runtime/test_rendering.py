"""A file goes in, a file with the accepted material comes out, and the session says how."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.ledger.report import report as report_of
from jamlink.ledger.sheet import sheet_from
from jamlink.ledger.store import read, verify
from jamlink.ledger.story import tell
from jamlink.midi.score import MeterMark, MidiScore, Part, TempoMark
from jamlink.midi.smf import read_score, write_score
from jamlink.music.chord import Chord, Quality
from jamlink.music.note import Note
from jamlink.runtime.demo_tune import demo_score
from jamlink.runtime.rendering import Rendering, doubts, inputs_of, settings_for
from jamlink.runtime.replaying import replay
from jamlink.session.inputs import Mode, SetTempo
from jamlink.session.settings import AccompanySettings, SessionSettings
from jamlink.session.wire import header
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ticks, tempo_of_bpm
from tests.session.conftest import Plain

PIANIST = Path(__file__).parent.parent / "data" / "mozart_k331_p04.mid"


def new_header(settings, started):
    return header(settings, started, "test", "2026-01-01T00:00:00+00:00")


@pytest.fixture
def demo(tmp_path):
    path = tmp_path / "demo.mid"
    write_score(demo_score(), path)
    return path


def render(source, target, choose=lambda hand: -1, **changes):
    wanted = replace(SessionSettings(bars=2), **changes)
    return Rendering(source, wanted, Plain(), Plain("stand-in")).run(target, choose, new_header)


def test_every_note_of_the_musician_comes_out_again(demo, tmp_path):
    render(demo, tmp_path / "out.mid")
    went_in = sorted((n.pitch, n.velocity) for part in read_score(demo).parts for n in part.notes)
    out = read_score(tmp_path / "out.mid")
    came_out = sorted(
        (n.pitch, n.velocity) for part in out.parts if part.channel == 0 and "file" in part.name for n in part.notes
    )
    assert came_out == went_in


def test_accepted_ideas_begin_on_their_bars(demo, tmp_path):
    report = render(demo, tmp_path / "out.mid")
    accepted = [slot["bar"] for slot in report["slots"] if slot["verdict"] == "accepted"]
    assert accepted == [3, 5, 7, 9]
    out = read_score(tmp_path / "out.mid")
    (bass,) = [part for part in out.parts if part.name == "bass"]
    assert [note.onset // 3840 + 1 for note in bass.notes] == accepted
    assert all(note.onset % 3840 in range(3) or note.onset % 3840 > 3837 for note in bass.notes)


def test_the_same_seed_gives_the_same_file(demo, tmp_path):
    render(demo, tmp_path / "a.mid")
    render(demo, tmp_path / "b.mid")
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


def test_accepting_nothing_adds_nothing(demo, tmp_path):
    report = render(demo, tmp_path / "out.mid", choose=lambda hand: None)
    assert {slot["verdict"] for slot in report["slots"]} <= {"let pass", "the file ended"}
    assert sum(len(part.notes) for part in read_score(tmp_path / "out.mid").parts) == sum(
        len(part.notes) for part in demo_score().parts
    )


def test_the_session_is_whole_and_replays(demo, tmp_path):
    report = render(demo, tmp_path / "out.mid")
    assert verify(Path(report["session"])).whole
    assert replay(Path(report["session"])).same
    assert next(iter(read(Path(report["session"])))).kind == "header"


def test_a_recorded_pianist_is_rendered(tmp_path):
    report = render(PIANIST, tmp_path / "out.mid")
    assert len(report["slots"]) >= 4
    assert all(slot["roles"] == ["chords", "melody", "bass"] for slot in report["slots"])


def test_bar_lines_follow_a_tempo_that_moves():
    """The session's own line, built from the tempo inputs, passes through the file's bar lines."""
    tempos = tuple(TempoMark(Ticks(i * 960), tempo_of_bpm(80 + 20 * (i % 3))) for i in range(32))
    score = MidiScore((Part("p", 0, (Note(Ticks(0), 60, Ticks(32 * 960)),)),), tempos)
    setup = settings_for(score, SessionSettings())
    events = inputs_of(score, setup.meter)
    start = events[0][0] + 60_000_000
    line = Timeline(setup.tempo, Ticks(0), start)
    changes = [(at, item) for at, item in events if isinstance(item, SetTempo)]
    assert len(changes) >= 6
    bar_lines = {score.ns_at(Ticks(bar * 3840)): bar for bar in range(9)}
    for at, item in changes:
        nearest = min(bar_lines, key=lambda ns: abs(ns - (at - start)))
        assert abs(nearest - (at - start)) < 1_000_000, "the tempo changes on a bar line"
        assert abs(line.tick_at(at) - bar_lines[nearest] * 3840) <= 2, "and the session's line is there too"
        line = line.with_tempo(tempo_of_bpm(item.bpm), at)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (MidiScore(()), "no notes"),
        (MidiScore((Part("p", 0, (Note(Ticks(0), 60, Ticks(960)),)),), meters=(MeterMark(Ticks(0), 13, 16),)), "13/16"),
    ],
)
def test_a_file_that_cannot_be_jammed_to_is_refused_in_a_sentence(tmp_path, score, words):
    path = tmp_path / "in.mid"
    write_score(score, path)
    with pytest.raises(Nonsense, match=words):
        render(path, tmp_path / "out.mid")
    assert not (tmp_path / "out.mid").exists()


def test_bars_that_part_from_the_files_are_told():
    steady = demo_score()
    assert doubts(steady, COMMON_TIME) == []
    waltz = replace(steady, meters=(MeterMark(Ticks(0), 4, 4), MeterMark(Ticks(3840), 3, 4)))
    assert doubts(waltz, COMMON_TIME) == ["From bar 2 the file is in 3/4; jamlink goes on in 4/4. Cut the file there."]
    fast = replace(steady, tempos=(TempoMark(Ticks(0), tempo_of_bpm(240) * 4 // 5),))
    (sentence,) = doubts(fast, COMMON_TIME)
    assert "Bar 1 is at 300 bpm" in sentence


class Companion(Plain):
    def chords(self, request):
        return tuple(Chord((request.beat + i) // 4 * 5 % 12, Quality.MAJOR) for i in range(request.ahead + 1))


def accompanied(source, target, **changes):
    wanted = replace(SessionSettings(mode=Mode.ACCOMPANY), **changes)
    return Rendering(source, wanted, Companion("jam-s"), Plain("rules"), Companion("quick")).run(
        target, lambda hand: -1, new_header
    )


def test_a_file_is_accompanied_from_the_ninth_beat_on_and_replays(demo, tmp_path):
    report = accompanied(demo, tmp_path / "out.mid")
    bars = [row["bar"] for row in report["along"]]
    assert bars == list(range(3, bars[-1] + 1))
    assert report["along"][0]["by"] == ["jam-s"]
    assert report["slots"] == []
    assert replay(tmp_path / "out.render.jam").same
    out = read_score(tmp_path / "out.mid")
    chords = next(part for part in out.parts if part.name == "chords")
    assert min(note.onset for note in chords.notes) == 8 * 960
    assert len(out.markers) > 3, "the chords stand in the file"


def test_the_same_file_is_accompanied_the_same(demo, tmp_path):
    one, two = (accompanied(demo, tmp_path / name) for name in ("one.mid", "two.mid"))
    assert [row["chords"] for row in one["along"]] == [row["chords"] for row in two["along"]]
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "two.mid").read_bytes()


def test_the_report_says_who_accompanied(demo, tmp_path):
    accompanied(demo, tmp_path / "out.mid")
    said = report_of(tmp_path / "out.render.jam")
    assert "Beats accompanied:" in said
    assert "jam-s" in said
    assert "unknown" not in said


def test_a_lead_sheet_of_an_accompaniment_has_its_chords(demo, tmp_path):
    accompanied(demo, tmp_path / "out.mid", accompany=AccompanySettings(look_ahead=2, commit=2, listen=0))
    sheet = sheet_from(tell(tmp_path / "out.render.jam"))
    assert all(a.end <= b.onset for a, b in pairwise(sheet.chords))
    assert len({span.chord for span in sheet.chords}) > 2
