"""Key and chord from a melody: the laws of the filter, and what it hears in plain cases."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.chord import QUALITIES, Chord, parse_chord
from jamlink.music.note import Note
from jamlink.proposers import key_chord_hmm as hmm
from jamlink.proposers.key_chord_hmm import CHORDS, Listener, chord_of, number_of, place_of, sounding
from jamlink.resources import data_folder
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

TABLE = hmm.load(data_folder("models") / "hmm" / "table.npz")
FOUR = Meter(4, 4)


def _beat(*pitch_classes: int) -> np.ndarray:
    found = np.zeros(12)
    for pc in pitch_classes:
        found[pc % 12] += 1 / len(pitch_classes)
    return found


def _after(beats: list[np.ndarray]) -> Listener:
    listener = Listener(TABLE, FOUR)
    for i, beat in enumerate(beats):
        listener.hear(beat)
        listener.move_to(i + 1)
    return listener


MELODIES = st.lists(st.lists(st.integers(0, 11), min_size=0, max_size=4), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(MELODIES)
def test_beliefs_are_probabilities(melody: list[list[int]]) -> None:
    listener = _after([_beat(*notes) if notes else np.zeros(12) for notes in melody])
    for shares in (listener.chords(), listener.keys(), listener.expected()):
        assert shares.min() >= 0
        assert shares.sum() == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(MELODIES, st.integers(1, 11))
def test_a_transposed_melody_gets_the_transposed_answer(melody: list[list[int]], up: int) -> None:
    here = _after([_beat(*notes) if notes else np.zeros(12) for notes in melody])
    there = _after([_beat(*(n + up for n in notes)) if notes else np.zeros(12) for notes in melody])
    assert np.allclose(np.roll(here.chords(), up * len(hmm.KINDS)), there.chords())
    assert np.allclose(np.roll(here.expected(), up), there.expected())
    assert np.allclose(np.roll(here.keys(), up, axis=0), there.keys())


def test_an_arpeggio_is_heard_as_its_chord() -> None:
    listener = Listener(TABLE, FOUR)
    for cell in range(4):
        listener.hear(_beat(2, 5, 9))
        if cell < 3:
            listener.move_to(cell + 1)
    assert chord_of(int(listener.chords().argmax())).root == 2


def test_a_scale_tells_its_key() -> None:
    listener = _after([_beat(*notes) for notes in ((0, 4), (5, 7), (9, 11), (0, 2), (4, 0), (7, 11), (0, 0), (4, 0))])
    assert np.unravel_index(listener.keys().argmax(), (12, 2)) == (0, 0)


def test_a_new_key_is_believed_after_a_few_bars() -> None:
    home = [_beat(*notes) for notes in ((0, 4), (5, 7), (9, 11), (0, 2))] * 4
    away = [np.roll(beat, 6) for beat in home]
    assert int(_after(home + away).keys().sum(axis=1).argmax()) == 6


def test_silence_changes_no_belief() -> None:
    listener = _after([_beat(0, 4)])
    before = listener.belief.copy()
    listener.hear(np.zeros(12))
    assert (listener.belief == before).all()


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_chord_has_a_kind_that_keeps_its_root(quality: object) -> None:
    for root in range(12):
        assert chord_of(number_of(Chord(root, quality))).root == root  # type: ignore[arg-type]
    assert [number_of(chord_of(n)) for n in range(CHORDS)] == list(range(CHORDS))


def test_places_follow_the_bars() -> None:
    assert [place_of(cell, FOUR) for cell in range(6)] == [0, 5, 4, 5, 3, 5]
    assert [place_of(4 * bar, FOUR) for bar in (2, 4, 8)] == [2, 1, 0]
    assert [place_of(cell, Meter(3, 4)) for cell in range(4)] == [0, 5, 5, 3]


def test_sounding_counts_only_what_lies_in_the_span() -> None:
    notes = [Note(Ticks(0), 60, Ticks(1200)), Note(Ticks(1440), 64, Ticks(4000))]
    found = sounding(notes, 960, 1920)
    assert (found[0], found[4]) == (0.25, 0.5)
    assert found.sum() == 0.75


def test_restlessness_scales_every_chance_of_a_change() -> None:
    calm, restless = (
        Listener(TABLE, FOUR, hmm.Settings(restless=factor))._move.diagonal(axis1=-2, axis2=-1) for factor in (0.5, 1.0)
    )
    assert np.allclose(1 - calm, (1 - restless) / 2)


def test_a_missing_or_damaged_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="There is no"):
        hmm.load(tmp_path / "table.npz")
    (tmp_path / "table.npz").write_bytes(b"nothing")
    with pytest.raises(Nonsense, match="cannot be read"):
        hmm.load(tmp_path / "table.npz")
    np.savez(tmp_path / "small.npz", start=np.ones(3), move=np.ones(3), sound=np.ones(3), settings=np.ones(3))
    with pytest.raises(Nonsense, match="does not fit"):
        hmm.load(tmp_path / "small.npz")


def test_the_shipped_table_is_small() -> None:
    assert (data_folder("models") / "hmm" / "table.npz").stat().st_size < 300_000
    assert parse_chord("C") == chord_of(0)
