"""Broken controller maps get one sentence with file and line, never another exception."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.midi.map_files import parse_map, read_map

MAP = (Path(__file__).parents[2] / "midi_maps" / "akai-mpk-mini-mk3.toml").read_text()
WORDS = [
    "[[bind]]",
    "[bind]",
    "=",
    '"',
    "note",
    "cc",
    "knob",
    "press",
    "accept",
    "true",
    "-1",
    "1e999",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "#",
    "1979-05-27",
]


def read_or_nonsense(text: str) -> bool:
    """Whether the map was read. Any other exception than Nonsense fails the test that asks."""
    refused = None
    try:
        parse_map(text, "broken.toml")
    except Nonsense as nonsense:
        refused = nonsense
    if refused is not None:
        assert str(refused).startswith("broken.toml, line ")
        assert refused.remedy.endswith((".", "?"))
    return refused is None


def mutant(seed: int) -> str:
    dice, text = random.Random(seed), MAP
    for _ in range(dice.randint(1, 3)):
        a = dice.randrange(len(text))
        b = min(len(text), a + dice.randint(0, 12))
        text = text[:a] + dice.choice(["", *WORDS, text[a:b] * 2, chr(dice.randrange(0x3000))]) + text[b:]
    return text


def test_two_thousand_mutants_are_read_or_refused():
    read = sum(read_or_nonsense(mutant(seed)) for seed in range(2000))
    assert 100 < read < 1900


def test_every_beginning_of_a_map_is_read_or_refused():
    for length in range(0, len(MAP), 3):
        read_or_nonsense(MAP[:length])


@given(st.text(max_size=60))
def test_random_text_is_read_or_refused(text):
    read_or_nonsense(text)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 100_000, "x = " + "1" * 10_000, 'name = "a"\nports = [' + '"*",' * 10_000 + "]"]
)
def test_towers_of_nonsense_are_survived(text):
    read_or_nonsense(text)


def test_a_file_that_is_no_text_or_too_large_is_one_sentence(tmp_path):
    binary, huge = tmp_path / "b.toml", tmp_path / "h.toml"
    binary.write_bytes(b"\xff\xfe\x00n")
    huge.write_text("#" * 300_000)
    for path, what in ((binary, "not a text file"), (huge, "larger than 256 kB")):
        with pytest.raises(Nonsense, match=what):
            read_map(path)
