"""Which meters the network can play in: `python -m jamlink.evaluation.meters [--model FOLDER] [--hands 36]`.

In each meter the safest hands of two bars are asked for, after two or four plain bars in C major. An idea that leaves
the key then is a fault; so is one that changes its chord at every turn. What a network has hardly read in a meter it
says in the manner of the few songs that it has: such a meter is left out of `meters` in its model.json, and the rules
deal there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

from jamlink.evaluation.judged_models import read_model
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.proposers.base import Proposer
from jamlink.proposers.transformer import TransformerProposer
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Controls, ProposalRequest, Role, Slot
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

_KEY, _TEMPO = Key(0), tempo_of_bpm(110)
_LOOP = tuple(Chord(root, quality) for root, quality in
              ((0, Quality.MAJOR), (9, Quality.MINOR), (5, Quality.MAJOR), (7, Quality.MAJOR)))  # fmt: skip
_LINE = ((0, 0), (480, 2), (960, 4), (1920, 7))
"""What is sung over each chord: from which tick of the bar, and how many semitones above the root from G4 up."""
_BARS = 2


@dataclass(frozen=True, slots=True)
class InMeter:
    """What was dealt in a meter."""

    meter: Meter
    ideas: int
    foreign: int
    """Ideas with a chord that is not of the key."""
    chords: int

    def __str__(self) -> str:
        share, pace = self.foreign / self.ideas, self.chords / self.ideas / _BARS
        return f"| {self.meter} | {self.ideas} | {share:.2f} | {pace:.2f} |"


def judged(proposer: Proposer, meter: Meter, hands: int) -> InMeter:
    """The hands of `proposer` in a meter."""
    ideas = [idea for seed in range(hands) for idea in proposer.propose(_asked(meter, seed), lambda: False)]
    chords = [[span.chord for span in idea.chords if span.chord] for idea in ideas]
    foreign = sum(not all(chord.belongs_to(_KEY) for chord in row) for row in chords)
    return InMeter(meter, len(ideas), foreign, sum(map(len, chords)))


def _asked(meter: Meter, seed: int) -> ProposalRequest:
    bars = (2, 4)[seed % 2]
    spans = tuple(ChordSpan(meter.bar_start(i), meter.bar_ticks, _LOOP[i]) for i in range(bars))
    heard = tuple(sorted(note for span in spans for note in _played(span)))
    context = ContextWindow(Ticks(0), meter.bar_start(bars), meter, _TEMPO, _KEY, heard, spans)
    slot = Slot(meter.bar_start(bars), _BARS, meter.bar_ticks)
    return ProposalRequest(0, slot, frozenset(Role), context, Controls(surprise=0.0), seed, 4, Ns(0))


def _played(span: ChordSpan) -> Iterator[Note]:
    assert span.chord
    for pitch_class in sorted(span.chord.pitch_classes):
        yield Note(span.onset, 55 + (pitch_class - 55) % 12, span.duration, 66)
    for tick, above in _LINE:
        pitch = 67 + (span.chord.root - 67) % 12 + above
        if tick < span.duration and pitch % 12 in _KEY.scale:
            yield Note(Ticks(span.onset + tick), pitch, Ticks(400), 90)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    parser.add_argument("--hands", type=int, default=36)
    asked = parser.parse_args()
    model = read_model(asked.model)
    network = TransformerProposer(replace(model, card=model.card | {"meters": [str(Meter(*m)) for m in KNOWN_METERS]}))
    print("| meter | ideas | with a chord foreign to the key | chords a bar |\n|---|---|---|---|")
    for known in KNOWN_METERS:
        print(judged(network, Meter(*known), asked.hands), flush=True)


if __name__ == "__main__":
    main()
