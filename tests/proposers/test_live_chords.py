"""Chords under a melody as it is played: laws that hold however the player is tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.engine.decoder import Decoder, Floats
from jamlink.music.chord import Chord, parse_chord
from jamlink.music.note import Note
from jamlink.nn.config import ModelConfig
from jamlink.proposers import key_chord_hmm
from jamlink.proposers.live_chords import LiveChords, LiveSettings
from jamlink.resources import data_folder
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.grammar import Grammar
from jamlink.tokens.vocab import Task

TABLE = key_chord_hmm.load(data_folder("models") / "hmm" / "table.npz")
FOUR = Meter(4, 4)
METERS = (FOUR, Meter(3, 4), Meter(6, 8), Meter(2, 4))
TINY = ModelConfig(
    vocab_size=vocab.SIZE, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
    intermediate_size=16, head_dim=8, max_position_embeddings=160,
)  # fmt: skip
OWN_PAST = LiveSettings(told=0.0, hindsight=False)
"""The network is told what was played."""
SIXTEENTH = 240

Melody = tuple[Note, ...]


def random_network() -> Decoder:
    """What it says is nonsense, but depends on every word that it is told."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in TINY.shapes().items()}
    return Decoder(TINY, weights)


NETWORK = random_network()
networks = pytest.mark.parametrize("network", [None, NETWORK], ids=["hmm alone", "with network"])
meters = pytest.mark.parametrize("meter", METERS, ids=str)


class Spy:
    """A network that keeps what it is told, and is sure of one chord."""

    def __init__(self, chord: Chord, limit: int = 512) -> None:
        self.limit, self.prompts = limit, list[list[int]]()
        self._logits = np.zeros(vocab.SIZE, np.float32)
        self._logits[vocab.chord_id(chord)] = 60.0

    def prefill(self, ids: Sequence[int]) -> Floats:
        self.prompts.append(list(ids))
        return self._logits


@st.composite
def melodies(draw: Any, longest: int = 24) -> Melody:
    """One line on a grid of sixteenths, with rests."""
    notes, at = [], 0
    for rest, length, pitch in draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(50, 84)), max_size=longest)
    ):
        at += rest * SIXTEENTH
        notes.append(Note(Ticks(at), pitch, Ticks(length * SIXTEENTH)))
        at += length * SIXTEENTH
    return tuple(notes)


def up_to(melody: Melody, tick: int) -> Melody:
    """What was heard at `tick`."""
    return tuple(replace(n, duration=Ticks(min(n.end, tick) - n.onset)) for n in melody if n.onset < tick)


def play(player: LiveChords, melody: Melody, cells: int) -> list[Chord | None]:
    ticks = vocab.cell_of(player.meter).ticks
    return [player.decide(cell, up_to(melody, cell * ticks)) for cell in range(cells)]


def player(network: Any, meter: Meter = FOUR, own: LiveSettings | None = None, seed: int = 0) -> LiveChords:
    return LiveChords(network, TABLE, meter, own, seed)


def scale(notes: int, tonic: int = 60) -> Melody:
    """Quarters up and down, three of four degrees of the major scale."""
    steps = (0, 2, 4, 7, 5, 4, 2, 9, 7, 5, 11, 12)
    return tuple(Note(Ticks(i * 960), tonic + steps[i % len(steps)], Ticks(960)) for i in range(notes))


# -- no peeking -------------------------------------------------------------------------------------------------------


@networks
@settings(max_examples=10, deadline=None)
@given(melody=melodies(), other=melodies(), cells=st.integers(0, 12))
def test_what_sounds_later_changes_no_chord_before(network, melody, other, cells):
    ticks = vocab.cell_of(FOUR).ticks
    told = up_to(melody, cells * ticks)
    else_ = told + tuple(n.shifted(Ticks(cells * ticks)) for n in other)
    assert play(player(network), melody, 16)[: cells + 1] == play(player(network), else_, 16)[: cells + 1]


@networks
@settings(max_examples=8, deadline=None)
@given(melody=melodies(), meter=st.sampled_from(METERS))
def test_whoever_is_shown_the_whole_song_looks_at_what_is_over_alone(network, melody, meter):
    shown = player(network, meter)
    assert [shown.decide(cell, melody) for cell in range(14)] == play(player(network, meter), melody, 14)


@networks
def test_the_melody_is_heard(network):
    """Or the laws above would hold for the deaf."""
    here, there = scale(24), scale(24, 66)
    assert play(player(network), here, 24) != play(player(network), there, 24)


def test_two_players_share_a_network_and_hear_nothing_of_each_other():
    here, there, both = scale(20), scale(20, 65), (player(NETWORK), player(NETWORK))
    alone = [play(player(random_network()), melody, 20) for melody in (here, there)]
    together: tuple[list[Chord | None], list[Chord | None]] = ([], [])
    for cell in range(20):
        for one, melody, chords in zip(both, (here, there), together, strict=True):
            chords.append(one.decide(cell, up_to(melody, cell * 960)))
    assert list(together) == alone


# -- transposition, chance --------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), up=st.integers(1, 11), meter=st.sampled_from(METERS))
def test_a_melody_so_many_semitones_higher_gets_the_chords_so_many_higher(seed, up, meter):
    """Without a network, which has only seen some of each key. Before the first note every key is alike."""
    draw, cell = np.random.default_rng(seed), vocab.cell_of(meter).ticks
    pitches = 55 + np.array([0, 2, 4, 5, 7, 9, 11, 12])[draw.integers(0, 8, 20)]
    melody = tuple(Note(Ticks(i * cell), int(pitch), Ticks(cell)) for i, pitch in enumerate(pitches))
    here = play(player(None, meter), melody, 20)
    there = play(player(None, meter), tuple(n.transposed(up) for n in melody), 20)
    assert [chord and chord.transposed(up) for chord in here[1:]] == there[1:]


@networks
def test_the_same_seed_gives_the_same_chords_and_another_one_others(network):
    drawn = LiveSettings(temperature=1.0)
    first, again, other = (play(player(network, own=drawn, seed=seed), scale(32), 32) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    calm = [play(player(network, seed=seed), scale(32), 32) for seed in (1, 2)]
    assert calm[0] == calm[1]  # nothing is drawn: the seed does not matter


# -- every meter, every length ----------------------------------------------------------------------------------------


@networks
@meters
def test_every_cell_of_every_meter_gets_a_chord_that_has_words(network, meter):
    cells = 6 * vocab.cells_in_bar(meter)
    chords = play(player(network, meter), scale(24), cells)
    assert len(chords) == cells
    assert all(chord is not None and vocab.chord_of(vocab.chord_id(chord)) == chord for chord in chords)


@meters
def test_an_arpeggio_that_goes_on_is_given_its_root(meter):
    ticks = vocab.cell_of(meter).ticks // 3
    melody = tuple(Note(Ticks(i * ticks), 62 + (0, 3, 7)[i % 3], Ticks(ticks)) for i in range(60))
    assert {chord.root for chord in play(player(None, meter), melody, 16)[8:] if chord} == {2}


@networks
def test_a_song_of_one_cell_gets_the_chord_that_every_song_begins_with(network):
    (only,) = play(player(network), (), 1)
    assert only is not None
    assert play(player(network), scale(8), 8)[0] == only


@networks
@meters
def test_silence_gets_chords_before_between_and_after_notes(network, meter):
    assert None not in play(player(network, meter), (), 12)
    begins = 4 * vocab.cell_of(meter).ticks
    melody = tuple(n.shifted(Ticks(begins)) for n in scale(3))
    assert None not in play(player(network, meter), melody, 20)


def test_a_song_longer_than_the_network_reads_is_played_to_its_end():
    song = scale(200)
    chords = play(player(NETWORK), song, 200)
    assert None not in chords
    assert chords[:40] == play(player(NETWORK), song[:40], 40)


# -- what the network is told, and what its word is worth --------------------------------------------------------------


@pytest.mark.parametrize("own", [None, OWN_PAST], ids=["hindsight", "own past"])
@meters
def test_the_network_is_told_what_words_can_say_and_is_asked_where_a_chord_may_stand(own, meter):
    spy, cells = Spy(parse_chord("F"), limit=100), 96
    play(player(spy, meter, own), syncopated(cells, meter), cells)
    assert len(spy.prompts) >= cells
    assert max(map(len, spy.prompts)) <= spy.limit
    for prompt in spy.prompts:
        assert prompt[:3] == [vocab.BOS, vocab.task_id(Task.LEAD), vocab.meter_id(meter)]
        well_said(prompt[3:], meter)
    assert any(vocab.RANGES["BAR"].index(prompt[3]) for prompt in spy.prompts)  # the first bars were left out


def syncopated(cells: int, meter: Meter) -> Melody:
    """Notes held over every second cell's end, and a rest now and then."""
    ticks = vocab.cell_of(meter).ticks
    starts = [(i, i * ticks + ticks // 3 * (i % 2)) for i in range(cells) if i % 5]
    return tuple(Note(Ticks(at), 60 + (i * 5) % 13, Ticks(ticks)) for i, at in starts if (i + 1) % 5)


def well_said(words: list[int], meter: Meter) -> None:
    """Every word may stand where it stands, and a chord may come next."""
    places = [vocab.RANGES["BAR"].index(word) for word in words if word in vocab.RANGES["BAR"]]
    grammar = Grammar(Task.LEAD, meter, tuple(places), opens=True, sounding=True)
    for word in words[1:]:
        assert grammar.mask()[word], vocab.NAMES[word]
        grammar.advance(word)
    assert places == [(places[0] + i) % 8 for i in range(len(places))]
    assert any(grammar.mask()[chord] for chord in vocab.RANGES["CHORD"])


def test_the_network_told_of_its_own_past_is_told_what_was_played():
    spy = Spy(parse_chord("F"))
    drawn = replace(OWN_PAST, temperature=3.0)
    chords = play(player(spy, own=drawn, seed=4), scale(16), 16)
    said = [vocab.chord_of(word) for word in spy.prompts[-1] if word in vocab.RANGES["CHORD"]]
    assert said == [chord for chord, _ in groupby(chords[:15])]
    assert len(said) > 2


def test_the_network_is_told_the_notes_that_sounded_and_none_that_are_to_come():
    spy, song = Spy(parse_chord("F")), scale(12)
    live = player(spy, own=OWN_PAST)
    for cell in range(12):
        live.decide(cell, up_to(song, cell * 960))
        told = [vocab.pitch_of(word) for word in spy.prompts[-1] if word in vocab.RANGES["PITCH"]]
        assert told == [note.pitch for note in song[:cell]]


def test_a_network_that_is_sure_is_believed():
    """Whatever the melody says."""
    assert play(player(Spy(parse_chord("F#m7")), own=OWN_PAST), scale(8), 8) == [parse_chord("F#m7")] * 8
