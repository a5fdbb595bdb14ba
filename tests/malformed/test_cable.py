"""A cable can carry anything; the rules are in jamlink.midi.wire."""

import random
import tracemalloc

import pytest

from jamlink.midi.wire import Parser
from jamlink.timing.units import Ns

BLOCK = 10_000


def test_a_million_random_bytes_are_survived():
    dice, parser = random.Random(7), Parser()
    events = sum(len(parser.feed(dice.randbytes(BLOCK), Ns(0), "x")) for _ in range(100))
    assert events > 100_000


@pytest.mark.parametrize("block", [random.Random(7).randbytes(BLOCK), b"\xf0" + bytes(BLOCK)], ids=["random", "dump"])
def test_memory_stays_flat_whatever_comes(block):
    parser = Parser()
    parser.feed(block, Ns(0), "x")
    tracemalloc.start()
    for _ in range(10):
        parser.feed(block, Ns(0), "x")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < BLOCK
