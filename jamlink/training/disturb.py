"""What goes wrong on a stage, for the network to get used to: wrong notes, lost notes, other chords, no chords yet.

Each takes the words of some bars and which of them are learnt, and gives them back changed; what was put in is read and
not learnt. All of it keeps the grammar: the words still decode.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from jamlink.music.chord import Chord
from jamlink.tokens import vocab
from jamlink.tokens.vocab import HOLD, ONSET, REST, Rhythm

WRONG_NOTES, LOST_NOTES, OTHER_CHORDS = (0.05, 0.10), 0.05, 0.25
"""Shares of what is there: wrong notes from the first to the second."""
_SLIPS = (-2, -1, 1, 2)
_PITCHES, _CHORDS, _RHYTHMS = (vocab.RANGES[group] for group in ("PITCH", "CHORD", "RHYTHM"))

Words = tuple[list[int], list[bool]]


def wrong_notes(rng: np.random.Generator, words: Words) -> Words:
    """Some single notes one or two semitones off."""
    ids, learnt = list(words[0]), list(words[1])
    share = rng.uniform(*WRONG_NOTES)
    alone = [i for i, token in enumerate(ids) if token in _PITCHES and vocab.JOIN not in ids[max(0, i - 1) : i + 2]]
    for i in alone:
        if rng.random() < share:
            moved = ids[i] + int(rng.choice(_SLIPS))
            ids[i], learnt[i] = (moved if moved in _PITCHES else ids[i]), False
    return ids, learnt


def lost_notes(rng: np.random.Generator, words: Words) -> Words:
    """Some single notes gone; the one before is held instead."""
    ids, learnt, i = list(words[0]), list(words[1]), 0
    while i < len(ids):
        if ids[i] in _RHYTHMS and rng.random() < 3 * LOST_NOTES:
            ids, learnt = _without_onset(rng, ids, learnt, i)
        i += 1
    return ids, learnt


def _without_onset(rng: np.random.Generator, ids: list[int], learnt: list[bool], at: int) -> Words:
    """The rhythm at `at` without one of its onsets, where its notes are single ones and it is not its first slot."""
    rhythm = vocab.rhythm_of(ids[at])
    if vocab.JOIN in ids[at : at + 2 * rhythm.onsets + 1]:
        return ids, learnt
    onsets = [slot for slot, letter in enumerate(rhythm.pattern) if letter == ONSET and slot]
    if not onsets:
        return ids, learnt
    slot = int(rng.choice(onsets))
    number = rhythm.pattern[:slot].count(ONSET)
    poorer = _poorer(rhythm, slot)
    if poorer is None:
        return ids, learnt
    note = at + 1 + number
    return [*ids[:at], poorer, *ids[at + 1 : note], *ids[note + 1 :]], [
        *learnt[:at], False, *learnt[at + 1 : note], *learnt[note + 1 :],
    ]  # fmt: skip


@cache
def _poorer(rhythm: Rhythm, slot: int) -> int | None:
    """The id of a rhythm with a hold, or after a rest a rest, for the onset in `slot`."""
    letters = list(rhythm.pattern)
    quiet = REST if letters[slot - 1] == REST else HOLD
    for i in range(slot, len(letters)):
        if i > slot and letters[i] != HOLD:
            break
        letters[i] = quiet
    try:
        return vocab.rhythm_id(Rhythm(rhythm.cell, "".join(letters)))
    except KeyError:  # the other grid of the cell says the same
        return None


def other_chords(rng: np.random.Generator, words: Words) -> Words:
    """Some chords replaced by others that could have stood there: at least two notes the same."""
    ids, learnt = list(words[0]), list(words[1])
    for i, token in enumerate(ids):
        if token in _CHORDS and rng.random() < OTHER_CHORDS and (neighbours := _neighbours(token)):
            ids[i], learnt[i] = int(rng.choice(neighbours)), False
            if i + 1 < len(ids) and ids[i + 1] in vocab.RANGES["BASS"]:
                learnt[i + 1] = False
    return ids, learnt


@cache
def _neighbours(token: int) -> tuple[int, ...]:
    chord = vocab.chord_of(token)
    if chord is None:
        return ()
    sound = _sound(chord)
    every = ((i, vocab.chord_of(i)) for i in _CHORDS)
    return tuple(i for i, other in every if other and i != token and len(sound & _sound(other)) >= 2)


def _sound(chord: Chord) -> frozenset[int]:
    return frozenset((chord.root + interval) % 12 for interval in chord.quality.intervals)


def without_chords(words: Words) -> Words:
    """The notes alone, of bars whose chords stand with the notes."""
    groups = ("CHORD", "BASS")
    kept = [i for i, token in enumerate(words[0]) if vocab.group_of(token) not in groups]
    return [words[0][i] for i in kept], [words[1][i] for i in kept]
