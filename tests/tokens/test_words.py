"""The laws of words: what is written can be read back, and whatever the grammar lets through is music."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Fault, Nonsense
from jamlink.music.chord import QUALITIES, Chord, ChordSpan, Quality
from jamlink.music.note import Note
from jamlink.session.proposal import Controls
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode, decode_slot
from jamlink.tokens.encode import encode, encode_bars, prompt
from jamlink.tokens.grammar import Grammar
from jamlink.tokens.phrase import Heading, Phrase, Steering, places_from, quantise, steering_of
from jamlink.tokens.vocab import Cell, Rhythm, Task

# --- generated music

meters = st.sampled_from(vocab.METERS)
tasks = st.sampled_from(Task)
chords = st.one_of(st.none(), st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES), st.integers(-1, 11)))
steerings = st.builds(
    Steering, st.sampled_from(vocab.SLOT_BARS), *[st.none() | st.integers(0, vocab.LEVELS - 1) for _ in range(4)]
)


@st.composite
def headings(draw: st.DrawFn) -> Heading:
    return Heading(
        draw(tasks),
        draw(meters),
        draw(st.sampled_from(("", *vocab.STYLES))),
        draw(st.none() | st.floats(40, 240).map(tempo_of_bpm)),
        draw(st.none() | st.sampled_from(vocab.KEYS)),
    )


@st.composite
def spans(draw: st.DrawFn, length: int) -> tuple[ChordSpan, ...]:
    """Sorted chords that do not overlap, anywhere in the phrase."""
    edges = sorted(draw(st.lists(st.integers(0, length), max_size=8, unique=True)))
    found = []
    for on, off in pairwise(edges):
        if draw(st.booleans()):
            found.append(ChordSpan(Ticks(on), Ticks(off - on), draw(chords)))
    return tuple(found)


@st.composite
def notes(draw: st.DrawFn, length: int) -> tuple[Note, ...]:
    """Notes as somebody plays them: off the grid, overlapping, also before the phrase and beyond its end."""
    grid = draw(st.sampled_from((1, 40, 80, 120, 160)))
    raw = draw(
        st.lists(
            st.tuples(st.integers(-2, length // grid + 2), st.integers(0, 127), st.integers(1, 3000 // grid + 1)),
            max_size=24,
        )
    )
    return tuple(sorted(Note(Ticks(on * grid), pitch, Ticks(span * grid)) for on, pitch, span in raw))


@st.composite
def phrases(draw: st.DrawFn, meter: Meter | None = None) -> Phrase:
    meter = meter or draw(meters)
    places = tuple(draw(st.lists(st.integers(0, vocab.PLACES - 1), max_size=4)))
    length = len(places) * meter.bar_ticks
    return Phrase(meter, places, draw(spans(length)), draw(notes(length)))


C, G7 = Chord(0, Quality.MAJOR), Chord(7, Quality.DOMINANT_7, 11)


# --- vocabulary


def test_names_are_one_to_one_and_every_id_has_one_group():
    assert len(set(vocab.NAMES)) == vocab.SIZE
    assert [vocab.group_of(i) for i in range(vocab.SIZE)] == [name.split(" ")[0] for name in vocab.NAMES]


@given(chords)
def test_chord_of_is_the_inverse_of_chord_id(chord):
    expected = chord and replace(chord, bass=chord.root)
    assert vocab.chord_of(vocab.chord_id(chord)) == expected


@given(st.integers(0, vocab.SIZE - 1), st.integers(-24, 24))
def test_transposing_there_and_back_changes_nothing_but_a_pitch_at_the_end_of_the_piano(token, semitones):
    back = vocab.transposed_id(vocab.transposed_id(token, semitones), -semitones)
    assert vocab.group_of(back) == vocab.group_of(token)
    if vocab.group_of(token) == "PITCH":
        assert (vocab.pitch_of(back) - vocab.pitch_of(token)) % 12 == 0
    else:
        assert back == token


def test_no_two_rhythms_say_the_same_of_a_cell():
    def moments(rhythm: Rhythm) -> tuple[Cell, tuple[tuple[int, str], ...]]:
        letters = [(i * rhythm.slot_ticks, letter) for i, letter in enumerate(rhythm.pattern)]
        changes = [
            (at, now)
            for (at, now), (_, then) in zip(letters[1:], letters, strict=False)
            if now == "x" or now != {"x": "-"}.get(then, then)
        ]
        return rhythm.cell, (letters[0], *changes)

    assert len({moments(rhythm) for rhythm in vocab.RHYTHMS}) == len(vocab.RHYTHMS)


@given(meters)
def test_cells_fill_the_bar(meter):
    assert vocab.cells_in_bar(meter) * vocab.cell_of(meter).ticks == meter.bar_ticks
    assert vocab.cells_in_bar(meter) - 1 <= vocab.POSITIONS


# --- writing and reading


@given(phrases(), tasks)
def test_quantising_twice_is_quantising_once(phrase, task):
    once = quantise(phrase, task)
    assert quantise(once, task) == once


@given(headings(), st.data())
def test_what_is_written_reads_back_quantised(heading, data):
    phrase = data.draw(phrases(heading.meter))
    steering = data.draw(st.dictionaries(st.integers(0, max(0, phrase.bars - 1)), steerings, max_size=2))
    steering = steering if phrase.bars else {}
    piece = decode(encode(heading, phrase, steering))
    assert piece.ended
    assert piece.phrase == quantise(phrase, heading.task)
    assert piece.steering == steering
    assert replace(piece.heading, tempo=None) == replace(heading, tempo=None)
    if heading.tempo is not None:
        assert vocab.tempo_bin(piece.heading.tempo) == vocab.tempo_bin(heading.tempo)


@given(headings(), st.data())
def test_a_tail_that_is_cut_off_leaves_the_whole_bars_before_it(heading, data):
    phrase = data.draw(phrases(heading.meter))
    ids = encode(heading, phrase)
    first = 1 + len([i for i in ids if vocab.group_of(i) in ("TASK", "STYLE", "METER", "TEMPO", "KEY")])
    cut = data.draw(st.integers(first, len(ids) - 1))
    read = decode(ids[:cut]).phrase
    whole = quantise(phrase, heading.task)
    end = read.length
    assert read.places == whole.places[: read.bars]
    assert read.bars == max(0, sum(vocab.group_of(i) == "BAR" for i in ids[:cut]) - 1)
    assert {(n.onset, n.pitch, min(n.end, end)) for n in whole.notes if n.onset < end} == {
        (n.onset, n.pitch, n.end) for n in read.notes
    }
    assert [(s.onset, min(s.end, end), s.chord) for s in whole.chords if s.onset < end] == [
        (s.onset, s.end, s.chord) for s in read.chords
    ]


@given(phrases(), tasks)
def test_each_bar_is_written_behind_its_own_bar_word(phrase, task):
    bars = encode_bars(phrase, task)
    assert [bar[0] for bar in bars] == [vocab.bar_id(place) for place in phrase.places]
    assert not any(vocab.group_of(token) == "BAR" for bar in bars for token in bar[1:])


def test_two_bars_in_words():
    bar = 3840
    phrase = Phrase(
        Meter(4, 4),
        (0, 1),
        (ChordSpan(Ticks(0), Ticks(bar), C), ChordSpan(Ticks(bar), Ticks(bar), G7)),
        (
            Note(Ticks(0), 64, Ticks(960)),
            Note(Ticks(0), 60, Ticks(960)),
            Note(Ticks(1280), 67, Ticks(320)),
            Note(Ticks(1600), 69, Ticks(320)),
            Note(Ticks(bar), 71, Ticks(1440)),
        ),
    )
    heading = Heading(Task.LEAD, Meter(4, 4), "jazz", key=vocab.KEYS[0])
    words = [vocab.NAMES[i] for i in encode(heading, phrase, {1: Steering(1, density=4)})]
    assert " ".join(words) == (
        "BOS TASK lead STYLE jazz METER 4/4 KEY C-major "
        "BAR 0 CHORD C RHYTHM q:x--- PITCH E4 JOIN PITCH C4 RHYTHM q:.xx PITCH G4 PITCH A4 RHYTHM q:.... RHYTHM q:.... "
        "BAR 1 SLOT 1 DENSITY 4 CHORD G7 BASS B RHYTHM q:x--- PITCH B4 RHYTHM q:--.. RHYTHM q:.... RHYTHM q:.... EOS"
    )


def test_an_ornament_gives_way_to_its_note_but_a_spread_chord_stays():
    grace = (Note(Ticks(0), 62, Ticks(100)), Note(Ticks(100), 64, Ticks(860)))
    spread = (Note(Ticks(0), 60, Ticks(960)), Note(Ticks(30), 64, Ticks(930)))
    phrase = Phrase(Meter(4, 4), (0,))
    assert [n.pitch for n in quantise(replace(phrase, notes=grace), Task.MELODY).notes] == [64]
    assert [n.pitch for n in quantise(replace(phrase, notes=spread), Task.MELODY).notes] == [60, 64]


@pytest.mark.parametrize(
    "ids", [[], [vocab.EOS], [vocab.BOS, vocab.EOS], [vocab.BOS, vocab.task_id(Task.LEAD), vocab.JOIN]]
)
def test_words_without_a_heading_are_nonsense(ids):
    with pytest.raises(Nonsense):
        decode(ids)


def test_a_control_in_the_middle_says_nothing():
    assert steering_of(Controls(), 4) == Steering(4)
    assert steering_of(Controls(surprise=1.0, density=0.0), 2) == Steering(2, density=0, surprise=4)


# --- grammar


@st.composite
def slots(draw: st.DrawFn) -> tuple[Grammar, list[int], Task, Meter, int, bool]:
    """A slot filled by choosing among what is allowed, however unlikely."""
    task, meter, bars = draw(tasks), draw(meters), draw(st.integers(1, 2))
    opens, place = draw(st.booleans()), draw(st.integers(0, 7))
    grammar = Grammar(
        task, meter, places_from(place, bars), voices=draw(st.integers(1, 4)), opens=opens, pitches=(50, 62)
    )
    seed = draw(st.randoms(use_true_random=False))
    return grammar, fill(grammar, seed), task, meter, place, opens


def fill(grammar: Grammar, random) -> list[int]:
    ids = []
    while not grammar.finished:
        ids.append(random.choice(grammar.allowed()))
        grammar.advance(ids[-1])
    return ids


@given(slots())
def test_whatever_the_grammar_allows_is_a_whole_slot_within_its_range(slot):
    _, ids, task, meter, place, _ = slot
    phrase = decode_slot(ids, task, meter, place)
    assert phrase.bars in (1, 2)
    assert slot[0].allowed() == ()
    assert all(50 <= note.pitch <= 62 and note.onset >= 0 and note.end <= phrase.length for note in phrase.notes)
    if task is not Task.MELODY:
        assert sum(span.duration for span in phrase.chords) == phrase.length
    assert quantise(phrase, task) == phrase or task.has_notes


@given(slots())
def test_what_the_grammar_allows_can_be_written_again(slot):
    _, ids, task, meter, place, _ = slot
    phrase = decode_slot(ids, task, meter, place)
    assert decode(encode(Heading(task, meter), phrase)).phrase == quantise(phrase, task)


@given(phrases(), tasks)
def test_the_grammar_allows_what_is_written(phrase, task):
    if not phrase.bars:
        return
    ids = [token for bar in encode_bars(phrase, task) for token in bar] + [vocab.EOS]
    grammar = Grammar(task, phrase.meter, phrase.places, voices=vocab.MAX_VOICES, opens=True)
    for token in ids[1:]:
        assert token in grammar.allowed()
        assert grammar.mask()[token]
        grammar.advance(token)
    assert grammar.finished


@given(slots(), st.randoms(use_true_random=False))
def test_a_clone_goes_its_own_way(slot, random):
    _, _, task, meter, place, _ = slot
    grammar = Grammar(task, meter, places_from(place, 2), voices=2)
    while not grammar.finished and random.random() < 0.8:
        grammar.advance(random.choice(grammar.allowed()))
    before, twin = grammar.expected, grammar.clone()
    fill(twin, random)
    assert twin.finished
    assert grammar.expected == before


@given(meters, st.data())
def test_given_chords_and_notes_are_said_and_nothing_else(meter, data):
    phrase = quantise(replace(data.draw(phrases(meter)), places=(0, 1)), Task.LEAD)
    grammar = Grammar(Task.LEAD, meter, (0, 1), chords=phrase.chords, chord_before=C, notes=phrase.notes, voices=4)
    ids = []
    while not grammar.finished:
        ids.append(grammar.allowed()[-1])
        grammar.advance(ids[-1])
    assert decode_slot(ids, Task.LEAD, meter, 0, C) == quantise(phrase, Task.LEAD)


@given(meters, st.data(), st.randoms(use_true_random=False))
def test_a_melody_over_given_chords_keeps_the_chords(meter, data, random):
    chords = quantise(Phrase(meter, (0, 1), data.draw(spans(2 * meter.bar_ticks))), Task.CHORDS).chords
    grammar = Grammar(Task.LEAD, meter, (0, 1), chords=chords, chord_before=None, voices=3)
    assert decode_slot(fill(grammar, random), Task.LEAD, meter, 0).chords == chords


@given(meters, st.integers(1, 4), st.randoms(use_true_random=False))
def test_no_rest_is_longer_than_allowed(meter, longest, random):
    grammar, ids = Grammar(Task.MELODY, meter, (0, 1, 2), longest_rest=longest), []
    while not grammar.finished:
        allowed = grammar.allowed()
        silent = [i for i in allowed if vocab.group_of(i) == "RHYTHM" and vocab.rhythm_of(i).silent]
        ids.append(random.choice(silent or allowed))
        grammar.advance(ids[-1])
    rhythms = [vocab.rhythm_of(i) for i in ids if vocab.group_of(i) == "RHYTHM"]
    runs = "".join("." if rhythm.silent else "x" for rhythm in rhythms).split("x")
    assert max(map(len, runs)) == min(longest, len(rhythms))


def test_a_word_that_cannot_stand_is_a_fault():
    grammar = Grammar(Task.MELODY, Meter(4, 4), (0,))
    with pytest.raises(Fault):
        grammar.advance(vocab.JOIN)


def test_the_same_expectation_gives_the_same_mask_object():
    one, other = Grammar(Task.LEAD, Meter(4, 4), (0,)), Grammar(Task.LEAD, Meter(4, 4), (3,))
    assert one.mask() is other.mask()
    assert one.allowed() is other.allowed()
    assert [i for i, may in enumerate(one.mask()) if may] == list(one.allowed())


def test_a_prompt_ends_where_the_grammar_begins():
    heading = Heading(Task.CHORDS, Meter(4, 4))
    context = Phrase(Meter(4, 4), (6, 7), (ChordSpan(Ticks(0), Ticks(7680), C),))
    ids = prompt(heading, context, Steering(1), 0)
    grammar = Grammar(Task.CHORDS, Meter(4, 4), (0,))
    rest = [vocab.chord_id(G7), vocab.EOS]
    for token in rest:
        grammar.advance(token)
    piece = decode([*ids, *rest])
    assert piece.phrase.places == (6, 7, 0)
    assert [span.chord for span in piece.phrase.chords] == [C, replace(G7, bass=7)]
