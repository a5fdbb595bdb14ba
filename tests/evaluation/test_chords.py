"""The next chord: how charts become questions, and what the answers are worth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from jamlink.errors import Unavailable
from jamlink.evaluation import chords
from jamlink.evaluation.chords import WORKS, Chart, changes
from jamlink.music.chord import QUALITIES, parse_chord
from jamlink.nn.config import ModelConfig
from jamlink.nn.transformer import Transformer
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

JAZZ, POP = WORKS
STYLE, METER = vocab.style_id("jazz"), vocab.meter_id(Meter(4, 4))


def chord(symbol: str) -> int:
    return vocab.chord_id(parse_chord(symbol))


def chart(*bars: str, piece: str = "a", held_out: bool = False) -> Chart:
    """Bars such as "C G7@2": a symbol and the cell where it comes."""
    ids: list[int] = []
    for i, bar in enumerate(bars):
        ids.append(vocab.bar_id(i % 8))
        for change in bar.split():
            symbol, _, cell = change.partition("@")
            ids += [*([vocab.position_id(int(cell))] if cell else []), chord(symbol)]
    return Chart(piece, held_out, STYLE, METER, tuple(ids))


def test_there_are_72_classes_of_jazz_and_25_of_pop() -> None:
    places = range(len(vocab.RANGES["CHORD"]))
    assert len({JAZZ.word(place) for place in places} - {0}) == 72
    assert len({POP.word(place) for place in places}) == 25


def test_changes_know_their_cells_and_merge_what_is_one_class() -> None:
    found = changes(chart("C Cmaj7@2", "", "G7@1 N.C.@3", "G7"), JAZZ)
    assert found.onsets == (0, 9)
    assert found.words == (JAZZ.word(chord("C") - chord("N.C.")), JAZZ.word(chord("G7") - chord("N.C.")))
    assert len(changes(chart("C Cmaj7@2", "", "G7@1 N.C.@3", "G7"), POP).words) == 4


def test_a_chart_without_chords_asks_nothing() -> None:
    assert changes(chart("", "N.C."), JAZZ).words == ()


@pytest.fixture
def network() -> Transformer:
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    return Transformer(
        ModelConfig(vocab_size=vocab.SIZE, **shape, intermediate_size=16, head_dim=8, max_position_embeddings=32)
    ).eval()


def test_windows_ask_each_change_once_and_do_not_peek(network: Transformer) -> None:
    long = chart(*("C F@2", "G7 C@2") * 12)
    places = changes(long, POP).at
    whole = chords._teacher_forced(network, long, places)
    assert len(whole) == len(places)
    assert all(p.sum() == pytest.approx(1) for p in whole)
    ends = Chart("a", False, STYLE, METER, (*long.ids[: places[5]], chord("Ab")))
    assert np.allclose(chords._teacher_forced(network, ends, places[:6])[5], whole[5])


def test_chances_of_words_add_up_to_those_of_classes(network: Transformer) -> None:
    one = chart("C", "G7", "Am")
    found = chords._network_opinions(network, one, changes(one, POP), POP)
    [first, *_] = chords._teacher_forced(network, one, changes(one, POP).at)
    c_major = [place for place in range(1, 1 + len(QUALITIES)) if not QUALITIES[place - 1].minor_third]
    assert found[0][1] == pytest.approx(first[c_major].sum())


def test_marks_by_hand_and_ties_count_against() -> None:
    half = chords._Asked(2, {"x": np.array([0.0, 0.25, 0.25, 0.5])}, 0)
    assert chords._marks(half, "x") == pytest.approx((0.0, 1.0, 2.0, math.log(0.25)))
    sure = chords._Asked(3, {"x": np.array([0.0, 0.25, 0.25, 0.5])}, 0)
    assert chords._marks(sure, "x") == pytest.approx((1.0, 1.0, 1.0, math.log(0.5)))


def test_what_cannot_come_gets_nothing() -> None:
    p = chords._fair(np.full(JAZZ.size, 1 / JAZZ.size), 5, JAZZ)
    assert (p[0], p[5]) == (0, 0)
    assert p.sum() == pytest.approx(1)
    assert chords._fair(np.full(POP.size, 1 / POP.size), 5, POP)[0] > 0


def test_the_same_charts_give_the_same_rows_and_a_song_that_repeats_is_foretold_by_its_past(
    network: Transformer,
) -> None:
    train = [chart("C", "F", "G7", "C", piece=f"t{i}") for i in range(6)]
    held = [chart(*("D", "Eb7", "Am", "B7") * 6, piece=f"h{i}", held_out=True) for i in range(3)]
    rows = {row.system: row for row in chords._rows(JAZZ, train, held, network, "tiny", 0)}
    again = {row.system: row for row in chords._rows(JAZZ, train, held, network, "tiny", 0)}
    assert rows.keys() == again.keys()
    assert all(rows[name].metrics == again[name].metrics for name in rows)
    assert rows["jazz: repeats alone"].metrics["top_1"] > rows["jazz: 4 before"].metrics["top_1"] + 0.5
    assert rows["jazz: jam"].model == "tiny"
    assert rows["jazz: jam with memory"].metrics["top_1_above"] == pytest.approx(
        rows["jazz: jam with memory"].metrics["top_1"] - rows[f"jazz: {chords.RIVAL}"].metrics["top_1"]
    )


def test_nobody_fits_on_what_is_asked(network: Transformer) -> None:
    """All charts of one piece lie in one half, so with one piece there is nothing to fit: the start is used."""
    train = [chart("C", "F", "G7", "C", piece=f"t{i}") for i in range(6)]
    held = [chart("D", "Eb7", "Am", "D", piece="h", held_out=True) for _ in range(4)]
    one = chords._rows(JAZZ, train, held[:1], network, "tiny", 0)[-1]
    four = chords._rows(JAZZ, train, held, network, "tiny", 0)[-1]
    assert one.metrics["nats"] == pytest.approx(four.metrics["nats"])


def test_without_the_list_of_the_split_nothing_is_judged(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="held out"):
        chords._sides(tmp_path / "split.tsv")


def test_the_split_is_read_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "split.tsv"
    path.write_text('piece\tfamily\tside\tdigest\na:"x\t\theld out\t1\na:y\t\ttrain\t2\n')
    assert chords._sides(path) == {'a:"x': True, "a:y": False}
