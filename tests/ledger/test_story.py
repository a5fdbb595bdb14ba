"""Report and export of small sessions that are written out record by record, and of a whole jam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.ledger.export import export, score_of
from jamlink.ledger.report import authors, decision_times, lines, report
from jamlink.ledger.store import Ledger
from jamlink.ledger.story import Story, tell
from jamlink.midi.actions import Action
from jamlink.midi.events import ControlChange, NoteOff, NoteOn, note_off, note_on
from jamlink.midi.score import Control, Marker, MeterMark, TempoMark
from jamlink.midi.smf import read_score
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.runtime.offline import Offline
from jamlink.session.core import Session
from jamlink.session.effects import (
    MACHINE,
    METRONOME,
    PLAYER,
    PREVIEW,
    Clocked,
    Decided,
    Moved,
    Offered,
    Out,
    Record,
    Recorded,
    Sent,
    Verdict,
)
from jamlink.session.inputs import Do, Heard
from jamlink.session.proposal import Candidate, Happening, Slot, State
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header, record
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Tempo, Ticks, ms, tempo_of_bpm

BAR = Ticks(3840)
TEMPO = tempo_of_bpm(120)  # a bar is two seconds, a beat is half a second
SETTINGS = SessionSettings(tempo=TEMPO, bars=1)
SLOT = Slot(BAR, 1, BAR)
LINE = Timeline(TEMPO, Ticks(0), Ns(0))
PLAY = Clocked(True, LINE, "4/4")
STOP = Clocked(False, LINE, "4/4")

Telling = Callable[..., Story]


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Path]:
    """Writes a session of (milliseconds, record) pairs."""

    def write(*records: tuple[float, Recorded], taken_up_again: tuple[tuple[float, Recorded], ...] = ()) -> Path:
        ledger = Ledger(tmp_path / "s.jam")
        for part in (records, taken_up_again) if taken_up_again else (records,):
            ledger.append("header", header(SETTINGS, Ns(0), "0.1", "2026-01-02T03:04:05+00:00"), Ns(0))
            for at, item in part:
                ledger.append(*record(item), ms(at))
        assert ledger.close(timeout_s=30.0)
        return ledger.path

    return write


@pytest.fixture
def told(session: Callable[..., Path]) -> Telling:
    return lambda *records, **more: tell(session(*records, **more))


def heard(at: float, until: float, pitch: int) -> list[tuple[float, Recorded]]:
    return [
        (at, Heard(NoteOn(ms(at), "keys", 0, pitch, 80))),
        (until, Heard(NoteOff(ms(until), "keys", 0, pitch))),
    ]


def idea(made_by: str = "jam-s", chords: str = "C Am") -> Candidate:
    length = Ticks(BAR // len(chords.split()))
    spans = tuple(ChordSpan(Ticks(i * length), length, parse_chord(c)) for i, c in enumerate(chords.split()))
    return Candidate(spans, (Note(Ticks(0), 72, Ticks(960)),), (), 0.0, 0.0, made_by, 1)


def offered(at: float, *made_by: str, first: int = 20, late: bool = False) -> tuple[float, Recorded]:
    numbers = tuple(range(first, first + len(made_by)))
    return at, Offered(17, SLOT, 1, Ticks(BAR - 960), numbers, made_by, late)


def decided(at: float, number: int, verdict: Verdict, actor: str = PLAYER, **more) -> tuple[float, Recorded]:
    return at, Decided(number, verdict, actor, "pad: test", SLOT, more.pop("content", idea()), **more)


def sent(
    at: float, tick: int, length: int, pitch: int, owner: int = 20, out: Out = Out.MELODY, channel: int = 1
) -> list[tuple[float, Recorded]]:
    """Note-on and note-off, both promised at `at`."""
    on, off = Ticks(tick), Ticks(tick + length)
    return [
        (at, Sent(LINE.ns_at(on), on, note_on(channel, pitch, 90), out, owner)),
        (at, Sent(LINE.ns_at(off), off, note_off(channel, pitch), out, owner)),
    ]


def page(story: Story) -> dict[str, list[tuple[int, int, int]]]:
    """By part: onset, duration and pitch of each note of the export."""
    return {part.name: [(n.onset, n.duration, n.pitch) for n in part.notes] for part in score_of(story).parts}


# -- the export -------------------------------------------------------------------------------------------------------


def test_what_was_heard_and_what_sounded_stand_on_one_page_with_chords_above(told):
    story = told(
        (0, PLAY),
        *heard(0, 500, 60),
        offered(600, "jam-s", "jam-s"),
        decided(1000, 20, Verdict.ACCEPTED),
        *sent(1900, 3840, 960, 72),
        *sent(1900, 3840, 3840, 48, out=Out.CHORDS, channel=0),
        *sent(2900, 3840 + 1920, 960, 69),
        (5000, STOP),
    )
    assert page(story) == {
        "keys": [(0, 960, 60)],
        "chords": [(3840, 3840, 48)],
        "melody": [(3840, 960, 72), (5760, 960, 69)],
    }
    score = score_of(story)
    assert score.markers == (Marker(BAR, "C"), Marker(Ticks(BAR + 1920), "Am"))
    assert score.tempos == (TempoMark(Ticks(0), TEMPO),)
    assert score.meters == (MeterMark(Ticks(0), 4, 4),)
    assert score.name == "Jam 2026-01-02 03:04"
    assert [part.channel for part in score.parts] == [0, 0, 1]


def test_metronome_and_preview_are_left_out(told):
    story = told(
        (0, PLAY), *sent(0, 0, 60, 76, METRONOME, Out.METRONOME, 9), *sent(0, 0, 960, 60, PREVIEW, Out.PREVIEW, 15)
    )
    assert page(story) == {}


def test_pedals_of_the_player_are_kept_beside_notes_as_long_as_their_keys(told):
    pedal = [(at, Heard(ControlChange(ms(at), "keys", 0, 64, value))) for at, value in ((0, 127), (2000, 0))]
    story = told((0, PLAY), pedal[0], *heard(0, 500, 60), pedal[1])
    assert page(story) == {"keys": [(0, 960, 60)]}
    assert score_of(story).parts[0].controls == (Control(Ticks(0), 64, 127), Control(BAR, 64, 0))


@pytest.mark.parametrize(
    ("happening", "after"),
    [(Happening.UNDO, State.CUT), (Happening.STOP, State.CUT), (Happening.REPLACE, State.WITHDRAWN)],
)
def test_what_was_cut_ends_there_and_what_was_only_promised_never_was(told, happening, after):
    story = told(
        (0, PLAY),
        offered(0, "jam-s"),
        decided(0, 20, Verdict.ACCEPTED),
        *sent(1900, 3840, 3840, 72),
        *sent(2900, 3840 + 1920, 960, 76),
        (2500, Moved(20, State.SOUNDING, happening, after)),
    )
    assert page(story) == {"melody": [(3840, 960, 72)]}


def test_an_idea_that_loops_has_its_chords_each_time_it_came_round(told):
    rounds = [event for k in (1, 2, 3) for event in sent(0, k * BAR, 960, 72)]
    story = told((0, PLAY), offered(0, "jam-s"), decided(0, 20, Verdict.ACCEPTED, content=idea(chords="G")), *rounds)
    assert score_of(story).markers == tuple(Marker(Ticks(k * BAR), "G") for k in (1, 2, 3))


def test_a_tempo_change_moves_the_notes_after_it_and_is_marked_where_it_came(told):
    faster = LINE.with_tempo(Tempo(TEMPO // 2), ms(2000))
    story = told((0, PLAY), *heard(0, 500, 60), (2000, Clocked(True, faster, "4/4")), *heard(2500, 2750, 64))
    assert page(story) == {"keys": [(0, 960, 60), (BAR + 1920, 960, 64)]}
    assert score_of(story).tempos == (TempoMark(Ticks(0), TEMPO), TempoMark(BAR, Tempo(TEMPO // 2)))


def test_runs_follow_one_another_on_bar_lines_and_the_pause_between_takes_no_room(told):
    """The second run has a count-in of one bar in 3/4, an hour after the first."""
    hour = 3_600_000
    waltz = replace(PLAY, timeline=Timeline(TEMPO, Ticks(-2880), ms(hour)), meter="3/4")
    story = told((0, PLAY), *heard(0, 2200, 60), (2300, STOP), (hour, waltz), *heard(hour + 1500, hour + 2000, 64))
    assert page(story) == {"keys": [(0, 4224, 60), (2 * BAR + 2880, 960, 64)]}
    assert score_of(story).meters == (MeterMark(Ticks(0), 4, 4), MeterMark(Ticks(2 * BAR), 3, 4))


def test_what_was_played_before_play_was_pressed_stands_before_the_first_bar(told):
    started = replace(PLAY, timeline=Timeline(TEMPO, Ticks(0), ms(100_000)))
    story = told(*heard(20_500, 21_000, 60), (100_000, started), *heard(100_000, 100_500, 64))
    assert page(story) == {"keys": [(960, 960, 60), (BAR, 960, 64)]}


def test_a_session_taken_up_again_keeps_its_ideas_apart(told):
    """After a restart proposals are numbered from the beginning again."""
    first = [(0, PLAY), offered(0, "jam-s"), decided(0, 20, Verdict.ACCEPTED), *sent(0, 0, 960, 72)]
    second = [(9000, PLAY), offered(9000, "rules"), decided(9000, 20, Verdict.ACCEPTED), *sent(9000, 5 * BAR, 960, 74)]
    story = told(*first, taken_up_again=tuple(second))
    assert authors(story) == {PLAYER: 0, "jam-s": 1, "rules": 1}


def test_the_file_is_written_and_read_back(session, tmp_path):
    path = session((0, PLAY), *heard(0, 500, 60))
    export(path, tmp_path / "out.mid")
    assert read_score(tmp_path / "out.mid") == score_of(tell(path))


# -- the report -------------------------------------------------------------------------------------------------------


def a_session() -> list[tuple[float, Recorded]]:
    return [
        (0, PLAY),
        *heard(0, 500, 60),
        *heard(500, 1000, 64),
        offered(600, "jam-s", "jam-s"),
        decided(1600, 20, Verdict.REJECTED),
        decided(1600, 21, Verdict.REJECTED),
        offered(1700, "rules", "rules", "rules", first=30, late=True),
        decided(1900, 31, Verdict.ACCEPTED, content=idea("rules"), edits=("inverted",), original=idea("rules")),
        *sent(1900, 3840, 960, 72, owner=31),
        decided(3840, 30, Verdict.LET_PASS, actor=MACHINE),
    ]


def test_every_note_has_its_author(told):
    assert authors(told(*a_session())) == {PLAYER: 2, "rules, changed by the player": 1}


def test_decisions_are_timed_from_the_moment_the_idea_was_there(told):
    assert decision_times(told(*a_session())) == [ms(1000), ms(1000), ms(200)]


GOLDEN = """\
Session of 2026-01-02T03:04:05+00:00, 0 min 4 s.

Notes
       2  player
       1  rules, changed by the player

Ideas: 5 in 2 hands (1 by a stand-in)
       1  accepted
       2  rejected
       1  let pass
       0  undone
       1  withdrawn, or the session ended
Decisions took 1.0 s in the middle, 1.0 s at most.

Note by note: bar and beat, seconds, note, where, who
      1.1      0.000  C4   keys  player
      1.2      0.500  E4   keys  player
      2.1      2.000  C5   melody  rules, changed by the player"""


def test_the_report_reads_like_this(session):
    assert report(session(*a_session())) == GOLDEN


def test_every_entry_is_shown_on_a_line(session):
    shown = list(lines(session((0, PLAY), *heard(0, 500, 60))))
    assert [line.split()[3] for line in shown] == ["header", "clocked", "heard", "heard"]
    assert [line.split()[0] for line in shown] == ["0", "1", "2", "3"]
    assert "0.500 s  heard" in shown[3]


def test_a_session_with_nothing_in_it_can_be_told(told, session):
    assert score_of(told()).parts == ()
    assert "0  player" in report(session())


def test_records_that_make_no_sense_are_one_sentence(tmp_path):
    ledger = Ledger(tmp_path / "s.jam")
    ledger.append("clocked", {"playing": "maybe"}, Ns(0))
    assert ledger.close(timeout_s=30.0)
    with pytest.raises(Nonsense, match=r"Entry 0 of .*s\.jam makes no sense: Not a Clocked"):
        tell(ledger.path)


# -- a whole jam ------------------------------------------------------------------------------------------------------


class OneIdea:
    """Always the same bar: C, then F."""

    name = "one"

    def propose(self, request, cancelled):
        half = Ticks(request.slot.length // 2)
        chords = tuple(ChordSpan(Ticks(i * half), half, parse_chord(c)) for i, c in enumerate("CF"))
        return [Candidate(chords, (Note(Ticks(0), 72, half),), (), 0.0, 0.0, self.name, request.seed)]


def test_every_note_that_a_jam_sent_is_in_its_export_where_it_was_sent(tmp_path):
    jam = Offline(
        Session(replace(SETTINGS, count_in=1), Ns(0)),
        OneIdea(),
        OneIdea(),
        lambda offered: [(ms(100), Do(Action.ACCEPT, "test"))],
    )
    jam.at(Ns(0), Do(Action.PLAY_STOP, "test"))
    jam.run_until(ms(20_000))
    ledger = Ledger(tmp_path / "jam.jam")
    ledger.append("header", header(SETTINGS, Ns(0), "0.1", "today"), Ns(0))
    for effect in jam.effects:
        if isinstance(effect, Record):
            ledger.append(*record(effect.value), effect.at)
    assert ledger.close(timeout_s=30.0)

    # With a count-in of one bar, tick 0 of the run is the second bar of the page.
    ons = [t.message for t in jam.sent if t.message.data[0] & 0xF0 == 0x90 and t.message.out is not Out.METRONOME]
    expected = sorted((m.out.value, m.at + BAR, m.data[1], m.data[2]) for m in ons)
    score = score_of(tell(ledger.path))
    assert sorted((p.name, n.onset, n.pitch, n.velocity) for p in score.parts for n in p.notes) == expected
    assert len(expected) > 20
    assert [m.text for m in score.markers[:4]] == ["C", "F", "C", "F"]
    assert score.markers[0].at % BAR == 0
