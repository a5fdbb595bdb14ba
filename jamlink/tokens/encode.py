"""Music to words. The inverse is `jamlink.tokens.decode`: decode(encode(x)) is quantise(x)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.tokens import vocab
from jamlink.tokens.phrase import Heading, Phrase, Steering, chords_by_cell, grids_of, quantise
from jamlink.tokens.vocab import HOLD, ONSET, REST, Rhythm, Task


def encode(heading: Heading, phrase: Phrase, steering: Mapping[int, Steering] | None = None) -> list[int]:
    """A whole piece, BOS to EOS; `steering` says what the bars from bar i on are like."""
    ids = [vocab.BOS, *encode_heading(heading)]
    for i, bar in enumerate(encode_bars(phrase, heading.task)):
        ids += [bar[0], *encode_steering((steering or {}).get(i)), *bar[1:]]
    return [*ids, vocab.EOS]


def prompt(heading: Heading, context: Phrase, steering: Steering | None, place: int) -> list[int]:
    """The words up to where a slot begins: heading, the bars before, the slot's first BAR and its steering.

    What a `Grammar` allows next continues it.
    """
    bars = [token for bar in encode_bars(context, heading.task) for token in bar]
    return [vocab.BOS, *encode_heading(heading), *bars, vocab.bar_id(place), *encode_steering(steering)]


def encode_heading(heading: Heading) -> list[int]:
    """TASK [STYLE] METER [TEMPO] [KEY]. Raises ValueError for a style that is not in STYLES."""
    ids = [vocab.task_id(heading.task)]
    ids += [vocab.style_id(heading.style)] if heading.style else []
    ids += [vocab.meter_id(heading.meter)]
    ids += [vocab.tempo_id(heading.tempo)] if heading.tempo is not None else []
    return ids + ([vocab.key_id(heading.key)] if heading.key is not None else [])


def encode_steering(steering: Steering | None) -> list[int]:
    """SLOT_n and the levels that are set; nothing for None."""
    if steering is None:
        return []
    levels = (steering.brightness, steering.drive, steering.density, steering.surprise)
    ids = [vocab.RANGES["SLOT"][vocab.SLOT_BARS.index(steering.bars)]]
    groups = zip(vocab.STEERING_GROUPS, levels, strict=True)
    return ids + [vocab.RANGES[group][level] for group, level in groups if level is not None]


def encode_bars(phrase: Phrase, task: Task) -> list[list[int]]:
    """One list of ids per bar, each starting with its BAR. The phrase is quantised on the way."""
    fixed = quantise(phrase, task)
    cells = vocab.cells_in_bar(phrase.meter)
    changes = words_of_changes(fixed) if task is not Task.MELODY else []
    notes = words_of_notes(fixed) if task.has_notes else []
    bars = []
    for i, place in enumerate(phrase.places):
        span = slice(i * cells, (i + 1) * cells)
        bars.append([vocab.bar_id(place), *_bar(task, changes[span], notes[span])])
    return bars


def _bar(task: Task, changes: Sequence[list[int]], notes: Sequence[list[int]]) -> list[int]:
    if task.chords_first:
        return [token for change, cell in zip(changes, notes, strict=True) for token in (*change, *cell)]
    if task.chords_behind:
        return [token for change, cell in zip(changes, notes, strict=True) for token in (*cell, *change)]
    ids = [token for cell in notes for token in cell]
    for i, change in enumerate(changes):
        if change:
            ids += [*([vocab.position_id(i)] if i else []), *change]
    return ids


def chord_words(chord: Chord | None) -> list[int]:
    """CHORD, and BASS where the bass is not the root."""
    if chord is None or chord.bass == chord.root:
        return [vocab.chord_id(chord)]
    return [vocab.chord_id(chord), vocab.bass_id(chord.bass)]


def words_of_changes(phrase: Phrase, *before: Chord | None) -> list[list[int]]:
    """Per cell the words of the chord that begins there; nothing where the chord before goes on.

    The first cell's chord is written unless it is the one that sounded `before`.
    """
    by_cell = chords_by_cell(phrase)
    earlier = [*before, *by_cell[:-1]] if before else [object(), *by_cell[:-1]]
    return [chord_words(new) if new != old else [] for old, new in zip(earlier, by_cell, strict=False)]


def words_of_notes(phrase: Phrase) -> list[list[int]]:
    """Per cell its RHYTHM and the pitches of its onsets. `phrase` is quantised."""
    cell, grids = vocab.cell_of(phrase.meter), grids_of(phrase)
    starts: dict[int, list[Note]] = {}
    for note in phrase.notes:
        starts.setdefault(note.onset, []).append(note)
    cells, end = [], 0
    for i, slots in enumerate(grids):
        letters, pitches = "", []
        for slot in range(slots):
            tick = i * cell.ticks + slot * (cell.ticks // slots)
            if tick in starts:
                end = starts[tick][0].end
                pitches += _pitch_words(starts[tick])
            letters += ONSET if tick in starts else HOLD if tick < end else REST
        cells.append([vocab.rhythm_id(Rhythm(cell, letters)), *pitches])
    return cells


def _pitch_words(notes: list[Note]) -> list[int]:
    """The pitches of one onset, high to low, JOIN between them."""
    ids: list[int] = []
    for note in sorted(notes, key=lambda n: -n.pitch):
        ids += [*([vocab.JOIN] if ids else []), vocab.pitch_id(note.pitch)]
    return ids
