"""The live task: what each measure is, worked by hand, and that no player sees what is yet to come."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from jamlink.evaluation import accompany
from jamlink.evaluation import accompany_metrics as metrics
from jamlink.evaluation.accompany import Heard, evaluate, judged, jumped, play, with_wrong_notes
from jamlink.evaluation.songs import Song
from jamlink.music.chord import Chord, ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

FOUR = Meter(4, 4)
BAR, BEAT = 3840, 960


def _song(bars: int = 8, chords: Sequence[str] = ("C", "G7", "Am", "F")) -> Song:
    """A quarter a beat up and down the scale of C, a chord a bar."""
    scale = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62)
    notes = tuple(Note(Ticks(i * BEAT), scale[i % len(scale)], Ticks(BEAT)) for i in range(4 * bars))
    spans = tuple(ChordSpan(Ticks(i * BAR), Ticks(BAR), parse_chord(chords[i % len(chords)])) for i in range(bars))
    return Song("scale", FOUR, tuple(i % 8 for i in range(bars)), notes, spans)


def _chords(*symbols: str) -> list[Chord | None]:
    return [parse_chord(symbol) for symbol in symbols]


def test_note_in_chord_counts_frames_where_both_sound() -> None:
    melody = metrics.melody_frames([Note(Ticks(0), 60, Ticks(480)), Note(Ticks(960), 62, Ticks(960))], 12)
    assert melody.tolist() == [0, 0, -1, -1, 2, 2, 2, 2, -1, -1, -1, -1]
    sounding = metrics.chord_frames(_chords("C", "C", "G"), FOUR, 12)
    assert metrics.note_in_chord(melody, sounding) == pytest.approx(2 / 6)
    silent = metrics.chord_frames(_chords("C", "N.C.", "G"), FOUR, 12)
    assert metrics.note_in_chord(melody, silent) == 1.0
    assert math.isnan(metrics.note_in_chord(melody[8:], sounding[8:]))


def test_coupling_is_what_moving_the_chords_two_bars_round_costs() -> None:
    melody = np.array([0, 0, 7, 7])  # two frames a bar would be absurd in music, and easy by hand
    sounding = metrics.chord_frames(_chords("C", "C", "C", "C"), FOUR, 16)[:4]
    assert metrics.coupling(melody, sounding, 1) == (0.0, 0.0)
    other = np.zeros((4, 12))
    other[:2, 0], other[2:, 7] = 1, 1
    assert metrics.coupling(melody, other, 1)[0] == 1.0


def test_a_chord_that_never_changes_has_no_coupling_and_no_length_entropy() -> None:
    song = _song()
    row = judged("drone", lambda meter, seed: _Drone(), [song], 0)
    assert row.metrics["coupling"] == row.metrics["length_entropy"] == row.metrics["vocab_entropy"] == 0.0
    assert row.metrics["root"] == 2 / 8


def test_agreement_counts_roots_and_eight_kinds_where_the_person_has_a_chord() -> None:
    truth = _chords("C", "G7", "N.C.", "Am")
    assert metrics.agreement(_chords("C6", "G", "D", "F"), truth) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_lengths_are_counted_in_frames_and_silence_is_no_chord() -> None:
    counts = metrics.lengths(_chords("C", "C", "N.C.", "F", *["G"] * 9), FOUR)
    assert {int(i): int(n) for i, n in enumerate(counts) if n} == {8: 1, 4: 1, metrics.LONGEST + 1: 1}
    assert float(metrics.entropy(np.array([1.0, 1.0, 0.0]))) == pytest.approx(math.log(2))
    assert metrics.sizes(_chords("C", "G7")) == 3.5


def test_the_person_agrees_with_himself() -> None:
    row = judged("people", None, [_song()], 0)
    assert row.metrics["root"] == row.metrics["exact"] == 1.0
    assert row.metrics["silence"] == 0.0
    assert row.metrics["pcs"] == 3.25


class _Drone:
    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        return parse_chord("C")


class _Spy:
    """Writes down what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[Note, ...]] = []

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        self.shown.append(tuple(heard))
        return None


def test_nobody_hears_a_beat_before_it_is_over() -> None:
    song, spy = _song(), _Spy()
    play(spy, song, song.melody)
    assert spy.shown[0] == ()
    for cell, heard in enumerate(spy.shown):
        assert heard == song.melody_up_to(cell * BEAT)
        assert all(note.end <= cell * BEAT for note in heard)


def test_a_note_that_goes_on_grows_as_it_is_heard() -> None:
    heard = Heard([Note(Ticks(0), 60, Ticks(2000)), Note(Ticks(2000), 62, Ticks(500))])
    assert [[n.duration for n in heard.up_to(t)] for t in (0, 960, 1920, 2880)] == [[], [960], [1920], [2000, 500]]


@pytest.mark.parametrize("name", [n for n in accompany.players("") if n != "random triads"])
def test_what_comes_later_changes_nothing_before(name: str) -> None:
    song = _song(bars=6)
    maker = accompany.players("")[name]
    calm, after = play(maker(FOUR, 1), song, song.melody), play(maker(FOUR, 1), song, jumped(song))
    assert calm[:17] == after[:17]
    assert len(calm) == 24
    assert calm == play(maker(FOUR, 1), song, song.melody)


def test_the_melody_jumps_a_tritone_at_beat_16() -> None:
    song = _song(bars=6)
    shift = [b.pitch - a.pitch for a, b in zip(song.melody, jumped(song), strict=True)]
    assert shift == [0] * 16 + [6] * 8


def test_a_tenth_of_the_notes_is_wrong_and_the_same_ones_each_time() -> None:
    song = _song(bars=200)
    wrong = with_wrong_notes(song, 0)
    share = np.mean([a.pitch != b.pitch for a, b in zip(song.melody, wrong, strict=True)])
    assert 0.07 < share < 0.13
    assert wrong == with_wrong_notes(song, 0) != with_wrong_notes(song, 1)


def test_the_task_names_every_measure_for_every_player(tmp_path: Path) -> None:
    for i in range(3):
        tune = f'X:1\nM:4/4\nL:1/4\nK:C\n"C"CEGc|"F"A2cA|"G7"B2dB|"C"c4|"Am"AcEA|"Dm"DFAd|"G7"GB{"dfe"[i]}g|"C"c4|\n'
        (tmp_path / f"{i}.abc").write_text(tune)
    lines: list[str] = []
    result = evaluate(data=tmp_path, model="", songs=2, say=lines.append)
    wanted = {"nic", "coupling", "root", "exact", "length_entropy", "vocab_entropy", "pcs", "silence"}
    assert len(result.rows) == len(accompany.players("")) + 1
    for row in result.rows:
        assert wanted <= set(row.metrics)
        assert row.n == 2
    assert {"recovery_2", "recovery_4", "noise_loss"} <= set(result.rows[-1].metrics)
    assert result.notes == ()
