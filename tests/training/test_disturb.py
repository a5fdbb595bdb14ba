"""Slips on a stage: what comes out still reads as music of the same bars, and what was put in is not learnt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.chord import parse_chord
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode
from jamlink.tokens.encode import encode
from jamlink.tokens.phrase import Heading, Phrase, chord_spans
from jamlink.tokens.vocab import Task
from jamlink.training import disturb

METER = Meter(4, 4)
SLIPS = (disturb.wrong_notes, disturb.lost_notes, disturb.other_chords)


@st.composite
def pieces(draw: st.DrawFn, task: Task = Task.LEAD) -> list[int]:
    """Four bars of chords and a line."""
    names = draw(st.lists(st.sampled_from(("C", "Am7", "F", "G7", "Dm", "C/E", "Bdim7")), min_size=16, max_size=16))
    onsets = sorted(draw(st.sets(st.integers(0, 63), min_size=1, max_size=40)))
    ends = [*onsets[1:], 64]
    notes = [
        Note(a * 240, draw(st.integers(50, 90)), draw(st.integers(1, b - a)) * 240)
        for a, b in zip(onsets, ends, strict=True)
    ]
    phrase = Phrase(METER, (0, 1, 2, 3), chord_spans([parse_chord(n) for n in names], METER), tuple(notes))
    return encode(Heading(task, METER), phrase)


@pytest.mark.parametrize("slip", SLIPS)
@given(ids=pieces(), seed=st.integers(0, 999))
def test_what_comes_out_is_music_of_as_many_bars(slip, ids, seed):
    changed, learnt = slip(np.random.default_rng(seed), (ids, [True] * len(ids)))
    assert len(changed) == len(learnt)
    assert decode(changed).phrase.bars == decode(ids).phrase.bars == 4


@given(ids=pieces(), seed=st.integers(0, 999))
def test_every_new_pitch_or_chord_is_not_learnt(ids, seed):
    for slip in (disturb.wrong_notes, disturb.other_chords):
        changed, learnt = slip(np.random.default_rng(seed), (ids, [True] * len(ids)))
        assert all(not taught for old, new, taught in zip(ids, changed, learnt, strict=True) if old != new)


@given(ids=pieces(), seed=st.integers(0, 999))
def test_lost_notes_leave_the_others_as_they_were(ids, seed):
    changed, _ = disturb.lost_notes(np.random.default_rng(seed), (ids, [True] * len(ids)))
    before, after = ({(n.onset, n.pitch) for n in decode(words).phrase.notes} for words in (ids, changed))
    assert after <= before


@given(ids=pieces(), seed=st.integers(0, 999))
def test_another_chord_shares_two_notes_with_the_one_it_replaces(ids, seed):
    changed, _ = disturb.other_chords(np.random.default_rng(seed), (ids, [True] * len(ids)))
    for old, new in zip(ids, changed, strict=True):
        if old != new:
            one, other = vocab.chord_of(old), vocab.chord_of(new)
            assert len(set(one.pitch_classes) & set(other.pitch_classes)) >= 1


@pytest.mark.parametrize("task", [Task.LEAD, Task.FOLLOW])
@given(data=st.data())
def test_without_its_chords_the_line_is_the_same(task, data):
    ids = data.draw(pieces(task))
    bare, _ = disturb.without_chords((ids, [True] * len(ids)))
    assert decode(bare).phrase.notes == decode(ids).phrase.notes
    assert not any(token in vocab.RANGES["CHORD"] for token in bare)
