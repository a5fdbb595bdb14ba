"""What is asked and what is measured are told apart: who obeys gets 1, who does not hear gets 0, figures are by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.evaluation import controls
from jamlink.evaluation.controls import SETTINGS, Judge, above, hands_of, rank_correlation
from jamlink.evaluation.originality import request_at
from jamlink.evaluation.songs import Song
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import parse_key
from jamlink.music.note import Note
from jamlink.proposers.markov_table import Chart, build
from jamlink.session.proposal import Candidate, Controls
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.phrase import Phrase, places_from
from jamlink.training import style_judge

BAR = COMMON_TIME.bar_ticks
LOOP = ("C", "Am", "F", "G")


def song(name="one", bars=16):
    sung = ((60, 64, 67, 60), (64, 60, 64, 60), (65, 69, 65, 60), (67, 71, 67, 62))
    melody = tuple(Note(Ticks(960 * i), sung[i // 4 % 4][i % 4], Ticks(960)) for i in range(4 * bars))
    chords = (ChordSpan(Ticks(BAR * i), Ticks(BAR), parse_chord(LOOP[i % 4])) for i in range(bars))
    return Song(name, COMMON_TIME, places_from(0, bars), melody, tuple(chords))


def idea(symbols=LOOP, notes=4, off=0, pitch=64):
    """Four bars: chords of equal length, `notes` melody notes a bar, `off` ticks behind the beat."""
    length, wait = 4 * BAR // len(symbols), BAR // notes
    spans = (ChordSpan(Ticks(i * length), Ticks(length), parse_chord(s)) for i, s in enumerate(symbols))
    melody = (Note(Ticks(i * wait + off), pitch, Ticks(240)) for i in range(4 * notes))
    return Candidate(tuple(spans), tuple(melody), (), 0.0, 0.0, "test", 1)


REQUEST = request_at(song(), 12, 1).request
TABLE = build([Chart("a", parse_key("C"), tuple(c for s in LOOP * 3 if (c := parse_chord(s))))] * 5)
JUDGE = Judge(
    TABLE,
    {
        part: style_judge.fitted(
            {s: np.eye(3, size)[[0, 1, 2]] + i for i, s in enumerate(styles)},
            {s: np.eye(3, size)[[0, 1, 2]] + i for i, s in enumerate(styles)},
        )
        for (part, styles), size in zip(style_judge.PARTS.items(), (28, 25), strict=True)
    },
    0,
)  # fmt: skip


def obedient(request):
    """One idea that does what it is told."""
    told = request.controls
    dark = round(4 * (1 - told.brightness))
    chords = [f"{c}m" if i < dark else c for i, c in enumerate(("C", "D", "F", "G"))]
    bold = round(4 * told.surprise)
    chords = ["F#7" if i % 2 else "Ebm7" for i in range(bold)] + chords[bold:] if told.surprise != 0.5 else chords
    notes = (1, 2, 4, 8, 16)[round(4 * told.density)]
    return [idea(chords, notes, off=240 if told.drive > 0.6 else 0)]


def deaf(request):
    return [idea()]


def hands(offer, count=3):
    asked = [request_at(song(str(i)), 12, i) for i in range(count)]
    return asked, [hands_of(offer, one.request) for one in asked]


# -- measures ---------------------------------------------------------------------------------------------------------


def test_measures_are_those_worked_out_by_hand():
    assert controls.density(idea(notes=8), REQUEST) == 8
    assert controls.brightness(idea(), REQUEST) == pytest.approx((3 - 1) / 4)
    assert controls.brightness(idea(("Bdim",)), REQUEST) == pytest.approx(-1.5)
    assert controls.drive(idea(notes=4), REQUEST) == pytest.approx(1)
    assert controls.drive(idea(notes=4, off=240), REQUEST) == pytest.approx(2)
    assert controls.ends(idea(("C", "G/B")), parse_key("C")) == 1
    assert controls.ends(idea(("C", "F")), parse_key("C")) == 0
    assert math.isnan(controls.ends(replace(idea(), chords=()), parse_key("C")))
    assert math.isnan(controls.brightness(replace(idea(), chords=()), REQUEST))


def test_time_in_the_key_counts_melody_and_chord_notes():
    melody, all_melody, chords, all_chords = controls.in_key(idea(("C", "D"), pitch=66), parse_key("C"))
    assert (melody, all_melody) == (0, 16 * 240)
    assert chords / all_chords == pytest.approx((1 + 2 / 3) / 2)
    assert controls.in_key(idea(("E7",), pitch=68), parse_key("A minor"))[:1] == (16 * 240,)


def test_what_charts_do_surprises_less_than_what_they_do_not():
    usual, odd = idea(LOOP), idea(("F#m", "Bb", "Ebm", "B7"))
    assert controls.surprise(TABLE, usual, REQUEST) < 0.7 < 5 < controls.surprise(TABLE, odd, REQUEST)
    assert math.isnan(controls.surprise(TABLE, idea(("G",)), REQUEST))  # the last chord goes on: nothing changes


# -- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 1, 2), (1, 5, 6), 1),
        ((0, 1, 4), (3, 2, -9), -1),
        ((0, 1, 2), (1, math.nan, 0), -1),
        ((0, 0, 1, 1), (0, 1, 0, 1), 0),
    ],
)
def test_rank_correlation(a, b, expected):
    assert rank_correlation(a, b) == pytest.approx(expected)


def test_there_is_no_rank_correlation_with_what_never_changes():
    assert math.isnan(rank_correlation((0, 1), (1, 1)))


@given(st.lists(st.integers(-9, 9), min_size=1), st.lists(st.integers(-9, 9), min_size=1))
def test_how_often_one_is_above_the_other_is_counted(high, low):
    counted = np.mean([(a > b) + 0.5 * (a == b) for a in high for b in low])
    assert above(high, low) == pytest.approx(counted)


def test_who_obeys_reaches_the_most_and_who_does_not_hear_reaches_nothing():
    row = JUDGE.row("a", *hands(obedient))
    assert row.metrics["density"] == row.metrics["density_by_idea"] == pytest.approx(1)
    assert row.metrics["density_in_song"] == pytest.approx(1)
    assert row.metrics["brightness"] == row.metrics["brightness_in_song"] == 1
    assert row.metrics["drive"] > 0.8
    assert row.metrics["surprise"] > 0.6
    assert set(row.metrics) == set(row.ci)
    heedless = JUDGE.row("b", *hands(deaf))
    assert heedless.metrics["brightness"] == 0.5
    assert all(math.isnan(heedless.metrics[name]) for name in ("density", "drive"))


def test_a_song_without_ideas_is_left_out():
    asked, offered = hands(obedient, 2)
    offered[1] = dict.fromkeys(offered[1], ())
    row = JUDGE.row("a", asked, offered)
    assert row.metrics["brightness"] == 1
    assert np.isfinite(row.metrics["key"])


def test_each_setting_of_each_control_is_asked_once():
    asked = controls.settings()
    assert len(asked) == len(set(asked)) == 4 * (len(SETTINGS) - 1) + 1 + len(controls.STYLES)
    assert set(controls.STYLES) <= set(vocab.STYLES)
    assert Controls() in asked


# -- styles -----------------------------------------------------------------------------------------------------------


def test_styles_are_told_by_what_is_in_the_notes_and_kept_in_a_file(tmp_path):
    judges = style_judge.load(_saved(tmp_path))
    judge = judges["melody"]
    calm, busy = (Phrase(COMMON_TIME, (0, 1, 2, 3), (), idea(notes=n).melody) for n in (2, 8))
    assert judge.style(style_judge.melody_features(calm)) == "hymn"
    assert judge.style(style_judge.melody_features(busy)) == "folk"
    assert judge.human.tolist() == [1, 1, 1]
    assert judge.windows.tolist() == [20, 20, 20]


def _saved(folder):
    chance = np.random.default_rng(1)

    def windows(notes):
        lines = (idea(notes=notes, pitch=64).melody[: -1 - int(chance.integers(3))] for _ in range(20))
        return np.array([style_judge.melody_features(Phrase(COMMON_TIME, (0, 1, 2, 3), (), m)) for m in lines])

    taught = {"folk": windows(8), "hymn": windows(2), "romantic": windows(16)}
    judge = style_judge.fitted(taught, taught)
    path = folder / style_judge.FILE
    style_judge.save({"chords": judge, "melody": judge}, path)
    return path


def test_chords_are_looked_at_in_any_key():
    one, other = (
        style_judge.chord_features(Phrase(COMMON_TIME, (0, 1, 2, 3), idea(symbols).chords))
        for symbols in (LOOP, ("Eb", "Cm", "Ab", "Bb"))
    )
    assert one.tolist() == other.tolist()


# -- the task ---------------------------------------------------------------------------------------------------------


def test_baselines_are_judged_without_a_model(monkeypatch, tmp_path):
    monkeypatch.setattr(controls, "read_songs", lambda where: type("Found", (), {"songs": (song(), song("two"))})())
    monkeypatch.setattr(Judge, "shipped", staticmethod(lambda seed: JUDGE))
    result = controls.evaluate(data=tmp_path, seed=1, songs=1)
    assert [row.system for row in result.rows] == ["human", "markov", "rules"]
    human, markov, rules = result.rows
    assert human.metrics["cadence"] == 1
    assert human.metrics["cadence_elsewhere"] == 0.0
    assert human.metrics["key"] > 0.8
    assert all(row.metrics["density"] > 0.9 for row in (markov, rules))
    assert result.as_json()


def test_songs_too_short_are_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(controls, "read_songs", lambda where: type("Found", (), {"songs": (song(bars=12),)})())
    with pytest.raises(Nonsense, match="has 16 bars"):
        controls.evaluate(data=tmp_path)
