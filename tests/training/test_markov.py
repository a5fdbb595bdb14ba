"""The chord table is counted from charts as they are written, and judged on songs that it has not counted."""

import json

import pytest

from jamlink.errors import Nonsense
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import parse_key
from jamlink.proposers.markov_table import WORDS, Chart, build, load_published
from jamlink.resources import data_folder
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.training.markov import CHARTS, Song, chart_of, foresight, judged, songs_of
from jamlink.training.tune import Bar, Score

C = parse_key("C")


def score(*spans, meter=(4, 4), bars=4, key=C):
    """A score of (symbol, ticks) one after the other."""
    counted, at, chords = Meter(*meter), 0, []
    for symbol, length in spans:
        chords.append(ChordSpan(Ticks(at), Ticks(length), parse_chord(symbol)))
        at += length
    length = counted.bar_ticks
    return Score("song", "pop", [Bar(i * length, length, counted) for i in range(bars)], chords=chords, key=key)


def chart(*symbols, name="song"):
    return Chart(name, C, tuple(parse_chord(symbol) for symbol in symbols))


def test_an_inversion_and_a_chord_written_again_are_no_change():
    found = chart_of(score(("C", 3840), ("C/E", 3840), ("F", 1920), ("F", 1920), ("G", 3840)), "x")
    assert [str(chord) for chord in found.chords] == ["C", "F", "G"]
    assert found.lengths == ((4, 8), (4, 4), (4, 4))


def test_a_chord_after_silence_is_the_same_chord():
    found = chart_of(score(("C", 3840), ("N.C.", 1920), ("C", 1920), ("G", 3840)), "x")
    assert [str(chord) for chord in found.chords] == ["C", "G"]


def test_lengths_count_felt_beats():
    assert chart_of(score(("C", 1440), ("F", 4320), meter=(6, 8)), "x").lengths == ((2, 1), (2, 3))


def test_what_lasts_no_whole_beats_has_no_length():
    assert chart_of(score(("C", 480), ("F", 3360), ("G", 3840)), "x").lengths == ((4, 4),)


def test_a_score_without_key_or_change_is_no_chart():
    assert chart_of(score(("C", 3840), ("F", 3840), key=None), "x") is None
    assert chart_of(score(("C", 3840), ("C/E", 3840)), "x") is None


def test_a_table_foretells_the_song_it_has_counted_better_the_further_it_looks_back():
    song = chart("C", "F", "G", "C", "Am", "F", "Dm", "G")
    table = build([song] * 5)
    none, one, every = (foresight(table, [song], past) for past in (0, 1, 99))
    assert none.changes == one.changes == every.changes == 7
    assert every.first == 1.0
    assert every.bits < one.bits < none.bits


def test_what_was_never_seen_costs_its_share_of_the_floor():
    found = foresight(build([chart("C", "F", "G")]), [chart("C", "Ebdim7")], 99)
    assert found.first == 0
    assert 2**-found.bits == pytest.approx(0.001 / WORDS)


def test_only_held_out_songs_of_a_set_are_judged():
    songs = [Song(CHARTS[0], chart("C", "F", "G"), False), Song(CHARTS[0], chart("C", "F"), True)]
    figures = judged(build([songs[0].chart]), songs)
    assert [figures[name]["songs"] for name in CHARTS] == [1, 0, 0]
    assert figures[CHARTS[0]]["changes"] == 1


def test_a_set_that_may_not_be_learnt_from_is_refused(tmp_path):
    entry = 'use = "{}"\nshare_alike = false\n'
    uses = ["train", "eval", "train"]
    (tmp_path / "MANIFEST.toml").write_text(
        "".join(f"[{name}]\n{entry.format(use)}" for name, use in zip(CHARTS, uses, strict=True))
    )
    with pytest.raises(Nonsense, match="wjazzd-changes may not be trained on"):
        list(songs_of(tmp_path, tmp_path))


def test_the_published_card_is_about_the_published_table():
    folder = data_folder("models") / "markov"
    card = json.loads((folder / "model.json").read_text())
    table = load_published(folder)
    assert sum(card["charts"].values()) == table.charts
    assert card["contexts"] == {"degrees": len(table.degrees), "motions": len(table.motions)}
    for name in CHARTS:
        figures = card["held out"][name]
        bits, right = figures["bits a change"], figures["first guess right"]
        assert bits["all"] < bits["1 before"] < bits["0 before"]
        assert right["all"] > right["1 before"] > right["0 before"]
