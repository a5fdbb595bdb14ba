"""Examples to listen to: `python -m jamlink.evaluation.listen --corpus FOLDER --model DIR --out docs/listen`.

Each example is eight bars of a held-out piece and the four ideas of one hand for the four bars after them, as one MIDI
file: the eight bars with each idea in turn, a bar of rest between. Pieces are drawn by chance with a fixed seed; none
is chosen by ear.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jamlink.midi.score import KeyMark, Marker, MeterMark, MidiScore, Part, TempoMark
from jamlink.midi.smf import write_score
from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.voicing import voice
from jamlink.nn import checkpoint
from jamlink.proposers.base import Proposer
from jamlink.proposers.originality import index_for
from jamlink.proposers.transformer import TransformerProposer
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Candidate, Controls, ProposalRequest, Role, Slot
from jamlink.timing.units import Ns, Tempo, Ticks, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode, tempo_of_bin
from jamlink.tokens.phrase import Phrase
from jamlink.training.corpus import STREAMS
from jamlink.training.examples import Corpus, Mix, Sampler

CONTEXT_BARS, IDEA_BARS, IDEAS = 8, 4, 4
WANTED = (
    ("openscore-lieder", "lead", 3), ("polish-scores", "lead", 1), ("m21-folk", "melody", 2),
    ("open-hymnal", "lead", 1), ("mcgill-billboard", "chords", 2), ("wjazzd-changes", "chords", 1),
)  # fmt: skip
"""(source, what is known of it, how many examples)."""
_PROGRAMS = {"melody": 73, "chords": 0, "bass": 32}
"""General MIDI: flute, piano, acoustic bass."""
_CHANNELS = {"chords": 0, "melody": 1, "bass": 2}


_HEAD = """# To listen to

Ten held-out pieces and what {model} offers after their first eight bars. The pieces were drawn by chance (seed {seed})
from those that no training saw; none was picked by ear. Each file plays the eight bars and one idea, four times, with a
bar of rest between; markers in the file say which idea begins. The chords of the context are people's or, for
written-out music, our analyser's. Velocities are flat: the notes are what is shown here. In the tables "/" is a bar
line and "%" a bar in which the chord goes on.

    python -m jamlink.evaluation.listen --corpus CORPUS --model models/{model} --out docs/listen

makes them again.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A held-out piece's bars, the hand for the bars after them, and what the piece really did there."""

    name: str
    key: Key | None
    tempo: Tempo
    context: Phrase
    human: Phrase
    ideas: tuple[Candidate, ...]


def examples(corpus: Corpus, proposer: Proposer, seed: int, say: Callable[[str], None]) -> list[Example]:
    """The examples of `WANTED`, in order; fewer where the corpus holds too few pieces out."""
    chance, found = random.Random(seed), []
    for source, kind, count in WANTED:
        streams = _streams(corpus, source, kind)
        chance.shuffle(streams)
        for stream in streams[:count]:
            found.append(_example(corpus, stream, proposer, chance.randrange(1 << 30)))
            say(found[-1].name)
    return found


def _streams(corpus: Corpus, source: str, kind: str) -> list[int]:
    """Held-out streams with notes or chords in all the bars that are needed."""
    kept = []
    for s, (tune, k, first, _) in enumerate(corpus.streams):
        row = corpus.tunes[tune]
        if STREAMS[k] != kind or corpus.sources[row[0]] != source or row[5] != 1:
            continue
        if corpus.streams[s, 3] >= CONTEXT_BARS + IDEA_BARS and _place(corpus, first) == 0:
            kept.append(s)
    return kept


def _place(corpus: Corpus, bar: int) -> int:
    return int(corpus.ids[corpus.bar_at[bar]]) - vocab.RANGES["BAR"].start


def _example(corpus: Corpus, stream: int, proposer: Proposer, seed: int) -> Example:
    tune, kind, first, _ = (int(v) for v in corpus.streams[stream])
    _, _, meter, tempo, key, _ = (int(v) for v in corpus.tunes[tune])
    bars = CONTEXT_BARS + IDEA_BARS
    reader = Sampler(corpus, (Mix(corpus.sources[corpus.tunes[tune, 0]], STREAMS[kind], 1),), 64, held_out=True, seed=0)
    ids = [vocab.BOS, vocab.task_id(vocab.Task(STREAMS[kind])), meter]
    ids += reader.opened(stream, first, [int(i) for i in corpus.bar(first)])
    ids += [int(i) for bar in range(first + 1, first + bars) for i in corpus.bar(bar)]
    whole = decode([*ids, vocab.EOS]).phrase
    cut = Ticks(CONTEXT_BARS * whole.meter.bar_ticks)
    context, human = _part(whole, Ticks(0), cut), _part(whole, cut, whole.length)
    speed = tempo_of_bin(tempo - vocab.RANGES["TEMPO"].start) if tempo >= 0 else tempo_of_bpm(100)
    home = vocab.KEYS[key - vocab.RANGES["KEY"].start] if key >= 0 else None
    window = ContextWindow(Ticks(0), cut, whole.meter, speed, home, context.notes, context.chords)
    roles = frozenset((Role.CHORDS, Role.MELODY, Role.BASS))
    slot = Slot(cut, IDEA_BARS, whole.meter.bar_ticks)
    request = ProposalRequest(0, slot, roles, window, Controls(), seed, IDEAS, Ns(0))
    ideas = tuple(proposer.propose(request, lambda: False)[:IDEAS])
    return Example(_title(corpus.names[tune]), home, speed, context, human, ideas)


def _title(name: str) -> str:
    """The set and what names the piece in it."""
    source, piece = name.split(":", 1)
    folders = [part for part in piece.split("/") if part.strip() == part]
    words = " / ".join(folders[-4:-1] if len(folders) > 3 else [piece])
    return f"{words.replace('_', ' ')} ({source})"


def _part(phrase: Phrase, start: Ticks, end: Ticks) -> Phrase:
    """What begins in [start, end), ticks from `start`; chords are cut to it."""
    bar = phrase.meter.bar_ticks
    spans = [(max(s.onset, start), min(s.end, end), s.chord) for s in phrase.chords if s.end > start and s.onset < end]
    return Phrase(
        phrase.meter,
        phrase.places[start // bar : end // bar],
        tuple(ChordSpan(Ticks(a - start), Ticks(b - a), chord) for a, b, chord in spans),
        tuple(note.shifted(Ticks(-start)) for note in phrase.notes if start <= note.onset < end),
    )


def score_of(example: Example) -> MidiScore:
    """The context with each idea in turn, markers for what begins."""
    meter = example.context.meter
    length = Ticks(example.context.length + (IDEA_BARS + 1) * meter.bar_ticks)
    lines: dict[str, list[Note]] = {"chords": [], "melody": [], "bass": []}
    markers = []
    for i, idea in enumerate(example.ideas):
        at = Ticks(i * length)
        then = Ticks(at + example.context.length)
        markers += [Marker(at, example.name), Marker(then, f"idea {i + 1} by {idea.made_by}")]
        lines["chords"] += _chords(example.context.chords, at) + _chords(idea.chords, then)
        lines["melody"] += _at(example.context.notes, at) + _at(idea.melody, then)
        lines["bass"] += _at(idea.bass, then)
    parts = [
        Part(name, _CHANNELS[name], tuple(sorted(notes)), program=_PROGRAMS[name]) for name, notes in lines.items()
    ]
    return MidiScore(
        tuple(parts),
        (TempoMark(Ticks(0), example.tempo),),
        (MeterMark(Ticks(0), meter.numerator, meter.denominator),),
        (KeyMark(Ticks(0), example.key),) if example.key else (),
        tuple(markers),
        name=example.name,
    )


def _at(notes: Sequence[Note], start: Ticks) -> list[Note]:
    return [note.shifted(start) for note in notes]


def _chords(spans: Sequence[ChordSpan], start: Ticks) -> list[Note]:
    """Held chords, softly."""
    voicings = voice([span.chord for span in spans])
    return [
        Note(Ticks(start + span.onset), pitch, span.duration, 56)
        for span, voicing in zip(spans, voicings, strict=True)
        for pitch in voicing
    ]


def page(found: Sequence[Example], model: str, seed: int) -> str:
    """The page beside the files, in Markdown."""
    lines = [_HEAD.format(model=model, seed=seed)]
    for i, example in enumerate(found, 1):
        key = f", {example.key}" if example.key else ""
        lines += [f"## {i}. {example.name}", "", f"[{i:02d}.mid]({i:02d}.mid), {example.context.meter}{key}", ""]
        lines += ["| | chords | notes |", "|---|---|---|"]
        lines += [_row("what stood before", example.context, example.key)]
        lines += [_row("what the piece did next", example.human, example.key)]
        for number, idea in enumerate(example.ideas, 1):
            bars = replace(example.human, chords=idea.chords, notes=idea.melody)
            lines.append(_row(f"idea {number}{f' ({idea.note})' if idea.note else ''}", bars, example.key))
        lines.append("")
    return "\n".join(lines)


def _row(name: str, phrase: Phrase, key: Key | None) -> str:
    return f"| {name} | {_names(phrase, key)} | {len(phrase.notes)} |"


def _names(phrase: Phrase, key: Key | None) -> str:
    """Chord names bar by bar, as they are written in the key."""
    bars: list[list[str]] = [[] for _ in phrase.places]
    for span in phrase.chords:
        chord = span.chord
        name = "none" if chord is None else chord.symbol_in(key) if key else chord.symbol()
        bars[span.onset // phrase.meter.bar_ticks].append(name)
    return " / ".join(" ".join(names) or "%" for names in bars) if phrase.chords else "-"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    proposer = TransformerProposer(checkpoint.load(args.model, vocab.HASH), index_for(args.model))
    found = examples(Corpus(args.corpus / "corpus.npz"), proposer, args.seed, print)
    args.out.mkdir(parents=True, exist_ok=True)
    for i, example in enumerate(found, 1):
        write_score(score_of(example), args.out / f"{i:02d}.mid")
    (args.out / "README.md").write_text(page(found, proposer.name, args.seed))


if __name__ == "__main__":
    main()
