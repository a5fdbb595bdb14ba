"""Out of a corpus: the lines that were trained on, what they are called, and the bands of those that were not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from jamlink.errors import Nonsense
from jamlink.music.note import Note
from jamlink.proposers.originality import ANY_STYLE, WINDOW, Index, Match, steps_of
from jamlink.session.proposal import Role
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ticks
from jamlink.tokens.phrase import Phrase, places_from, quantise
from jamlink.tokens.vocab import Task
from jamlink.training import corpus, originality_index
from jamlink.training.examples import Corpus
from jamlink.training.originality_index import Band, build, lines_of
from jamlink.training.titles import title_of
from jamlink.training.tune import Tune

BAR = COMMON_TIME.bar_ticks


def melody(seed, bars=12):
    """Of eighths and triplets and, now and then, two notes at once."""
    dice, notes = random.Random(seed), []
    for beat in range(4 * bars):
        grid = dice.choice((240, 480, 320, 960))
        for i in range(960 // grid):
            pitch = dice.randrange(60, 80)
            onset = Ticks(960 * beat + i * grid)
            notes += [Note(onset, pitch, Ticks(grid)), *([Note(onset, pitch - 5, Ticks(grid))] if grid == 960 else [])]
    return tuple(notes)


def tune(notes, style="folk", bars=12):
    return Tune("t", style, COMMON_TIME, places_from(0, bars), notes, (), (), (), None, None, None)


@pytest.fixture
def made(tmp_path):
    """A corpus of three tunes, the last of which is held out and is, from bar 5 on, the first in another key."""
    first, second = melody(1), melody(2)
    other = [*melody(3, bars=4), *(note.transposed(3) for note in first if note.onset >= 4 * BAR)]
    written = [
        corpus.write("m21-folk", name, tune(notes))
        for name, notes in (("a/One.abc", first), ("a/Two.abc", second), ("x", other))
    ]
    written[-1].held_out = True
    (tmp_path / "corpus.npz").write_bytes(corpus.packed(written))
    return Corpus(tmp_path / "corpus.npz"), first, other


def test_the_lines_of_words_are_those_of_the_music(made):
    found, first, other = made
    for side, music in ((False, first), (True, other)):
        line = next(line for _, line in lines_of(found, Role.MELODY, held_out=side))
        quantised = quantise(Phrase(COMMON_TIME, places_from(0, 12), notes=tuple(sorted(music))), Task.MELODY)
        tops = {n.onset: n.pitch for n in sorted(quantised.notes)}
        assert line == sorted(tops.items())


def test_an_index_knows_what_was_trained_on_and_nothing_that_was_held_out(made, tmp_path, monkeypatch):
    monkeypatch.setattr(originality_index, "_FEWEST_WINDOWS", 1)
    found, first, other = made
    build(found, tmp_path / "out", say=lambda _: None)
    index = Index.load(tmp_path / "out")
    own = [note for note in first if BAR <= note.onset < 3 * BAR]
    match = index.closest(own)
    assert match == Match(len(steps_of(own)), "One", "m21-folk", 2)
    assert index.closest([note for note in other if note.onset < 3 * BAR]).steps < 8
    windows = 1 + len(range(0, len(steps_of(other)) - WINDOW, WINDOW))
    assert index.bands[Role.MELODY, "folk"] == index.bands[Role.MELODY, ANY_STYLE] == WINDOW
    assert windows > 4


def test_a_band_is_what_ninety_nine_of_a_hundred_keep_within():
    assert Band(np.array([5] * 98 + [9, 16])).most == 9
    assert Band(np.array([3])).most == 3


def test_a_corpus_without_melodies_says_so(tmp_path):
    held_out = [corpus.write("m21-folk", "x", tune(melody(1)))]
    held_out[0].held_out = True
    (tmp_path / "corpus.npz").write_bytes(corpus.packed(held_out))
    with pytest.raises(Nonsense, match="no melody"):
        build(Corpus(tmp_path / "corpus.npz"), tmp_path)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("m21-folk:airs/book.abc#0002", "The Rakes of Mallow"),
        ("m21-folk:airs/book.abc#9", "airs/book.abc#9"),
        ("openscore-lieder:scores/Schubert,_Franz/Winterreise/17_Im_Dorfe/lc5.musicxml", "Im Dorfe (Franz Schubert)"),
        ("polish-scores:pl-wnifc/kern/pl-wnifc--6666-n--004_namyslowski-karol--mazur-tego.krn", "Mazur tego (Namyslowski Karol)"),
        ("chopin-first-editions:058-1-BH-004.krn", "Chopin, first editions, 58 no. 1"),
        ("m21-bach-chorales:bwv227.1.musicxml", "Chorale BWV 227.1 (Johann Sebastian Bach)"),
        ("open-hymnal:206-The_Bridegroom.abc", "The Bridegroom"),
    ],
)  # fmt: skip
def test_pieces_are_called_as_people_call_them(tmp_path, name, title):
    folder = tmp_path / "m21-folk" / "airs"
    folder.mkdir(parents=True)
    (folder / "book.abc").write_text("X:1\nT:First\nK:C\nCDEF|\n\nX:2\nT:Rakes of Mallow, The\nT:also so\nK:C\nCDEF|\n")
    assert title_of(name, tmp_path) == title
