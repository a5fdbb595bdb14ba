"""Harmonising: the measures by hand on a few notes, and who harmonises how."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from jamlink.engine.decoder import Decoder
from jamlink.engine.generate import Sampling
from jamlink.evaluation import harmonise
from jamlink.evaluation.harmonise_metrics import centroid, of_chords, with_melody
from jamlink.evaluation.songs import Song
from jamlink.music.chord import Chord, ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.nn.config import ModelConfig
from jamlink.proposers.key_chord_hmm import CHORDS, PLACES, SOUNDS, Settings, Table, number_of
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab

FOUR = Meter(4, 4)


def chord(symbol: str) -> Chord:
    found = parse_chord(symbol)
    assert found
    return found


def notes(*pitches: int, quarters: int = 1) -> tuple[Note, ...]:
    length = Ticks(960 * quarters)
    return tuple(Note(Ticks(i * length), pitch, length) for i, pitch in enumerate(pitches))


def song(melody: tuple[Note, ...], *symbols: str) -> Song:
    """A chord a bar."""
    spans = tuple(ChordSpan(Ticks(i * 3840), Ticks(3840), chord(s)) for i, s in enumerate(symbols))
    return Song("a", FOUR, tuple(i % 8 for i in range(len(symbols))), melody, spans)


def test_a_semitone_is_as_far_on_the_circles_as_geometry_says() -> None:
    angles = (7 / 6, 3 / 2, 2 / 3)
    far = math.sqrt(sum((2 * r * math.sin(math.pi * a / 2)) ** 2 for a, r in zip(angles, (1, 1, 0.5), strict=True)))
    assert np.linalg.norm(centroid([0]) - centroid([1])) == pytest.approx(far)
    assert np.linalg.norm(centroid([11]) - centroid([0])) == pytest.approx(far)
    assert centroid(range(12)) == pytest.approx(np.zeros(6), abs=1e-12)


def test_chords_alone_by_hand() -> None:
    found = of_chords([chord("C")] * 2 + [chord("G")] * 2 + [chord("C")] * 4 + [chord("F")])
    assert found["che"] == pytest.approx(-(0.5 * math.log(0.5) + 0.5 * math.log(0.25)))
    assert found["cc"] == 3
    assert found["ctd"] == pytest.approx(np.linalg.norm(centroid({0, 4, 7}) - centroid({7, 11, 2})), rel=1e-6)
    assert math.isnan(of_chords([chord("C")])["ctd"])


def test_three_notes_over_c_major_by_hand() -> None:
    """E is in the chord; F is not, but steps on to F sharp; that one is not and leads nowhere."""
    found = with_melody(notes(64, 65, 66), [chord("C")] * 3, FOUR)
    assert found["ctnctr"] == pytest.approx(2 / 3)
    # E over C, E, G: 4, 0, 9 = +1 each. F: 5, 1, 10 = 0 - 1 - 1. F sharp: 6, 2, 11 = -1 each.
    assert found["pcs_score"] == pytest.approx((1 - 2 / 3 - 1) / 3)
    far = [np.linalg.norm(centroid([pc]) - centroid([0, 4, 7])) for pc in (4, 5, 6)]
    assert found["mctd"] == pytest.approx(np.mean(far))


def test_a_repeated_note_resolves_by_the_next_other_one() -> None:
    assert with_melody(notes(65, 65, 64), [chord("C")] * 3, FOUR)["ctnctr"] == 1
    assert with_melody(notes(65, 65, 71), [chord("C")] * 3, FOUR)["ctnctr"] == 0


def test_the_interval_is_counted_up_from_the_chord() -> None:
    """A G below a C in the chord is a fifth above it, seven semitones: consonant, whatever the octave."""
    low, high = (with_melody(notes(pitch), [Chord(0, chord("C").quality)], FOUR) for pitch in (43, 79))
    assert low["pcs_score"] == high["pcs_score"] == pytest.approx((1 + 1 + 1) / 3)


def test_notes_without_a_chord_are_not_asked() -> None:
    assert math.isnan(with_melody(notes(60), [None], FOUR)["mctd"])
    assert with_melody(notes(60, 61), [chord("C"), None], FOUR)["ctnctr"] == 1


def test_rules_follow_the_strong_notes() -> None:
    melody = notes(60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, 60, 64, 67, 72)
    found = harmonise.rules(song(melody, "C", "F", "G", "C"))
    assert [str(c) for c in found[::4]] == ["C", "F", "G", "C"]


def table() -> Table:
    """Chords stay, or go anywhere; only their own notes sound."""
    start = np.full((2, CHORDS), 1 / CHORDS)
    move = np.full((2, len(PLACES), CHORDS, CHORDS), 0.1 / (CHORDS - 1))
    move[..., np.arange(CHORDS), np.arange(CHORDS)] = 0.9
    sound = np.where(SOUNDS > 0, SOUNDS, 0.001)
    sound /= sound.sum(axis=1, keepdims=True)
    return Table(start, move, np.stack((sound, sound)), Settings())


def test_the_best_path_is_the_best_of_all_paths() -> None:
    """The score of its chords is not beaten by changing any one of them."""
    melody = notes(60, 64, 67, 64, 65, 69, 72, 65)
    found = harmonise.best_path(table(), song(melody, "C", "F"))
    numbers = [number_of(c) for c in found if c]

    def score(path: list[int]) -> float:
        sounds = table().sound[0]
        heard = sum(np.log(sounds[c, n.pitch % 12]) for c, n in zip(path, melody, strict=True))
        return float(heard + sum(np.log(0.9 if a == b else 0.1 / (CHORDS - 1)) for a, b in pairwise(path)))

    best = score(numbers)
    assert all(best >= score([*numbers[:i], c, *numbers[i + 1 :]]) - 1e-9 for i in range(8) for c in range(CHORDS))
    assert {c.root for c in found[:4] if c} == {0}
    assert {c.root for c in found[4:] if c} == {5}


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    config = ModelConfig(
        vocab_size=vocab.SIZE, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        intermediate_size=16, head_dim=8, max_position_embeddings=256,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Decoder(config, weights)


def test_the_network_harmonises_every_cell_and_peeks_at_no_later_bar(decoder: Decoder) -> None:
    melody = notes(60, 64, 67, 60, 65, 69, 65, 69, 67, 71, 67, 62, 60, 64, 67, 72)
    whole = harmonise.network(decoder, song(melody, "C", "F", "G", "C"), Sampling(1), rows=3)
    assert len(whole) == 16
    assert all(whole)
    other = (*melody[:8], *notes(*[61] * 16)[8:])
    again = harmonise.network(decoder, song(other, "C", "F", "G", "C"), Sampling(1), rows=3)
    assert whole[:8] == again[:8]


def test_chord_tones_are_counted_in_cells() -> None:
    spans = [ChordSpan(Ticks(0), Ticks(1920), chord("C")), ChordSpan(Ticks(1920), Ticks(1920), None)]
    assert harmonise._chord_tones(notes(64, 65, 64), spans, FOUR) == pytest.approx(1)


def test_people_are_nowhere_off_from_themselves() -> None:
    one = song(notes(60, 64, 67, 60, 65, 69, 65, 69), "C", "F")
    people = harmonise._values([one], [harmonise._truth(one)])
    row = harmonise._row("people", "", people, people, 0)
    assert row.metrics["root"] == row.metrics["exact"] == 1
    assert all(value == 0 for name, value in row.metrics.items() if name.startswith("off_"))


def test_what_no_song_can_tell_has_no_mean_and_is_no_trouble() -> None:
    drone = {
        "nic": [0.5, 0.7],
        "ctd": [float("nan"), float("nan")],
    }  # one chord throughout: no step from chord to chord
    row = harmonise._row("drone", "", drone, {"nic": [0.5, 0.5], "ctd": [1.0, float("nan")]}, 0)
    assert row.metrics["nic"] == pytest.approx(0.6)
    assert row.metrics["off_nic"] == pytest.approx(0.1)
    assert np.isnan(row.metrics["ctd"])
