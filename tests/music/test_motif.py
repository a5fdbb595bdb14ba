"""Melodies come from their motif, lie on their chords, and are as dense, bold and driven as they are told to be."""

import random
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.chord import QUALITIES, Chord, ChordSpan, parse_chord
from jamlink.music.continuation import Memory, continued
from jamlink.music.key import Key, parse_key
from jamlink.music.motif import (
    HIGHEST,
    LOWEST,
    Manner,
    Wish,
    fitted,
    motifs_of,
    pitch_of,
    plain_motif,
    pushed,
    sketch,
    step_of,
    thinned_or_filled,
)
from jamlink.music.note import Note
from jamlink.music.pulse import MID_BAR, strength
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ticks

keys = st.builds(Key, st.integers(0, 11), st.booleans())
meters = st.sampled_from(KNOWN_METERS).map(lambda numbers: Meter(*numbers))
manners = st.builds(Manner, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(62, 82), st.floats(0.5, 3))
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
C = parse_key("C")
CALM = Manner(0.0, 0.5, 0.0, 71, 1.0)
TUNE = [(0, 72), (480, 74), (960, 76), (1920, 79)]


def line(bars=2, tune=TUNE, bar=3840):
    return tuple(Note(Ticks(b * bar + on), pitch, Ticks(400)) for b in range(bars) for on, pitch in tune)


def harmony(bars, meter, *found):
    return [ChordSpan(meter.bar_start(i), meter.bar_ticks, found[i % len(found)]) for i in range(bars)]


@given(keys, st.integers(-40, 40))
def test_steps_and_pitches_are_inverse(key, step):
    assert step_of(pitch_of(step, key), key) == step
    assert pitch_of(step, key) % 12 in key.scale


@given(keys, st.integers(0, 127))
def test_a_pitch_between_two_steps_belongs_to_the_lower(key, pitch):
    assert 0 <= pitch - pitch_of(step_of(pitch, key), key) <= 2


def test_a_motif_is_rhythm_and_contour():
    newest, oldest = motifs_of(line(), COMMON_TIME, C)
    assert newest == oldest
    assert newest.onsets == (0, 480, 960, 1920)
    assert newest.steps == (0, 1, 2, 4)


def test_a_bar_with_one_note_is_no_motif():
    assert motifs_of(line(tune=[(0, 72)]), COMMON_TIME, C) == []


@given(meters, st.integers(0, 99))
def test_a_plain_motif_lies_in_its_bar(meter, seed):
    motif = plain_motif(meter, random.Random(seed))
    assert 2 <= len(motif.onsets) == len(motif.steps)
    assert list(motif.onsets) == sorted(set(motif.onsets))
    assert 0 <= motif.onsets[-1] < meter.bar_ticks


@given(meters, st.sampled_from([1, 2, 4, 8]), manners, keys, chords, st.booleans(), st.integers(0, 99))
def test_a_melody_lies_in_its_slot_one_note_at_a_time(meter, bars, manner, key, chord, answer, seed):
    dice = random.Random(seed)
    spans = harmony(bars, meter, chord)
    length = Ticks(bars * meter.bar_ticks)
    wishes = sketch([plain_motif(meter, dice)], bars, spans, meter, key, manner, answer, dice)
    wishes = pushed(thinned_or_filled(wishes, bars, meter, manner), meter, manner.drive, dice)
    notes = fitted(wishes, spans, length, meter, key, manner, 1.0, dice)
    assert notes
    assert notes[0].onset >= 0
    assert notes[-1].end <= length
    assert all(a.end <= b.onset for a, b in pairwise(notes))
    assert all(LOWEST <= n.pitch <= HIGHEST for n in notes)


@given(meters, st.sampled_from([1, 2, 4]), st.floats(0.5, 2), st.integers(0, 99))
def test_denser_never_has_fewer_notes(meter, bars, rate, seed):
    dice = random.Random(seed)
    spans = harmony(bars, meter, parse_chord("C"))
    wishes = sketch([plain_motif(meter, dice)], bars, spans, meter, C, CALM, False, dice)
    counts = [
        len(thinned_or_filled(wishes, bars, meter, Manner(0.0, density / 8, 0.0, 71, rate))) for density in range(9)
    ]
    assert counts == sorted(counts)


def test_strong_notes_are_notes_of_their_chord():
    for seed in range(20):
        dice = random.Random(seed)
        spans = harmony(4, COMMON_TIME, *map(parse_chord, ("C", "Am", "Dm", "G7")))
        wishes = sketch(motifs_of(line(), COMMON_TIME, C), 4, spans, COMMON_TIME, C, CALM, False, dice)
        for note in fitted(wishes, spans, Ticks(4 * 3840), COMMON_TIME, C, CALM, 1.0, dice):
            if strength(note.onset, COMMON_TIME) >= MID_BAR:
                assert note.pitch % 12 in spans[note.onset // 3840].chord.pitch_classes
            assert note.pitch % 12 in C.scale


def test_a_bold_line_leans_on_half_steps():
    spans = harmony(4, COMMON_TIME, parse_chord("C"))
    wishes = [Wish(i * 480, 72 + i % 5) for i in range(32)]

    def foreign(boldness):
        manner = Manner(boldness, 0.5, 0.0, 71, 2.0)
        notes = fitted(wishes, spans, Ticks(4 * 3840), COMMON_TIME, C, manner, 1.0, random.Random(1))
        return fmean(n.pitch % 12 not in C.scale for n in notes)

    assert foreign(0.0) == 0
    assert foreign(1.0) > foreign(0.6) > 0


@given(meters, st.floats(0, 1), st.integers(0, 99))
def test_pushing_keeps_every_note_and_never_two_in_one_place(meter, drive, seed):
    wishes = [Wish(t, 72) for t in range(0, 4 * meter.bar_ticks, meter.beat_ticks)]
    moved = pushed(wishes, meter, drive, random.Random(seed))
    onsets = [wish.onset for wish in moved]
    assert onsets == sorted(set(onsets))
    assert len(onsets) == len(wishes)
    assert onsets[0] == 0


def test_more_drive_pushes_more():
    wishes = [Wish(t, 72) for t in range(0, 64 * 960, 960)]
    counts = [sum(w.onset % 960 != 0 for w in pushed(wishes, COMMON_TIME, d / 4, random.Random(1))) for d in range(5)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] > 10


# -- going on ---------------------------------------------------------------------------------------------------------


def test_a_line_that_repeats_goes_on_repeating():
    memory = Memory.of(line(4), C, COMMON_TIME)
    wishes = continued(memory, 2 * 3840, C, 75, 3, random.Random(1))
    assert [(w.onset, w.pitch) for w in wishes] == [(b * 3840 + on, pitch) for b in range(2) for on, pitch in TUNE]


def test_a_sequence_goes_on_rising():
    rising = tuple(Note(Ticks(i * 960), pitch_of(35 + i, C), Ticks(900)) for i in range(8))
    wishes = continued(Memory.of(rising, C, COMMON_TIME), 3840, C, 72, 3, random.Random(1))
    assert [b.pitch > a.pitch for a, b in pairwise(wishes)] == [True] * 3


def test_too_little_is_no_line_to_go_on_from():
    assert Memory.of(line(1), C, COMMON_TIME) is None


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(50, 90)), min_size=6, max_size=40),
    meters, keys, st.floats(62, 82), st.integers(1, 3), st.integers(0, 99),
)  # fmt: skip
def test_going_on_stays_near_and_moves_on(moves, meter, key, centre, longest, seed):
    at, heard = 0, []
    for wait, pitch in moves:
        heard.append(Note(Ticks(at), pitch, Ticks(200)))
        at += wait * 240
    wishes = continued(Memory.of(heard, key, meter), 4 * meter.bar_ticks, key, centre, longest, random.Random(seed))
    assert all(0 <= w.onset < 4 * meter.bar_ticks for w in wishes)
    assert all(a.onset < b.onset for a, b in pairwise(wishes))
    assert all(abs(w.pitch - centre) <= 20 for w in wishes)


@pytest.mark.parametrize("seed", range(5))
def test_going_on_uses_the_players_own_rhythm(seed):
    swing = [(0, 72), (720, 74), (960, 76), (1680, 77), (1920, 79), (2640, 77)]
    wishes = continued(Memory.of(line(4, swing), C, COMMON_TIME), 4 * 3840, C, 75, 1, random.Random(seed))
    assert {w.onset % 3840 for w in wishes} <= {on for on, _ in swing}
