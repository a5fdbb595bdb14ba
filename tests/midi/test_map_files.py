from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.midi.actions import UNDOABLE, Action, Knob
from jamlink.midi.events import ControlChange, MidiEvent, NoteOff, NoteOn, PitchBend, ProgramChange
from jamlink.midi.map_files import learned, map_text, parse_map, pressed, read_map, turned, write_map
from jamlink.midi.maps import Button, ControllerMap, Relative, Signal, Source, Takeover, Turning
from jamlink.timing.units import Ns

AT, P = Ns(0), "pads"

channels = st.none() | st.integers(0, 15)
actions = st.sampled_from(Action)
some_action = st.none() | actions


def sources(*signals: Signal) -> st.SearchStrategy[Source]:
    return st.builds(Source, st.sampled_from(signals), st.integers(0, 127), channels)


pressing = st.builds(Button, sources(Signal.NOTE, Signal.CC), press=actions, release=some_action)
holding = st.builds(Button, sources(Signal.NOTE, Signal.CC), tap=actions, hold=some_action, long_hold=some_action)
programs = st.builds(Button, sources(Signal.PROGRAM), press=actions)
early = st.builds(
    Button,
    sources(Signal.CC),
    tap=st.sampled_from(sorted(UNDOABLE, key=str)),
    hold=st.just(Action.UNDO),
    early=st.just(True),
)
buttons = st.lists(pressing | holding | programs | early, max_size=6)
turning = st.builds(Turning, sources(Signal.CC), st.sampled_from(Knob), st.sampled_from(Takeover))
endless = st.builds(Turning, sources(Signal.CC), st.sampled_from(Knob), relative=st.sampled_from(Relative))
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@st.composite
def maps(draw: st.DrawFn) -> ControllerMap:
    taken: list[Source] = []

    def free(bindings):
        kept = []
        for binding in bindings:
            if not any(binding.source.meets(other) for other in taken):
                taken.append(binding.source)
                kept.append(binding)
        return tuple(kept)

    pads, knobs = free(draw(buttons)), free(draw(st.lists(turning | endless, max_size=4)))
    ports = tuple(draw(st.lists(names, max_size=3)))
    return ControllerMap(
        draw(names), ports, draw(st.text(st.characters(codec="utf-8"))), draw(st.booleans()), pads, knobs
    )


@given(maps())
def test_what_is_written_is_read_back(made):
    assert parse_map(map_text(made), "x.toml") == made


BASE = 'name = "X"\nports = ["x"]\n'
MISTAKES = [
    ('name = "X"\n', 1, 'ports is missing. Write parts of port names in a list, for example ports = ["MPK mini 3"].'),
    (BASE + "x = \n", 3, "this is not TOML. Write key = value, and texts in quotes."),
    (BASE + 'port = "x"\n', 3, "there is no key port. Did you mean ports?"),
    (BASE + "bind = 3\n", 3, "bind is not right. Write each binding under a line of its own, [[bind]]."),
    (BASE + "[bind]\nnote = 3\n", 1, "bind is not right. Write each binding under a line of its own, [[bind]]."),
    (BASE + '\n[[bind]]\nnote = 1\npress = "acept"\n', 6, 'there is no action "acept". Did you mean "accept"?'),
    (BASE + '[[bind]]\nnote = 200\npress = "accept"\n', 4, "note is not right. Write a note number from 0 to 127."),
    (BASE + '[[bind]]\nnote = "C3"\npress = "accept"\n', 4, "note is not right. Write a note number from 0 to 127."),
    (BASE + "[[bind]]\nnote = 3\nchannel = 0\n", 5, "channel is not right. Write a channel from 1 to 16."),
    (BASE + "[[bind]]\nnte = 2\n", 4, "there is no key nte. Did you mean note?"),
    (
        BASE + '[[bind]]\npress = "accept"\n',
        3,
        "a binding needs one thing that is pressed. Write one of note, cc and program.",
    ),
    (
        BASE + '[[bind]]\nnote = 1\ncc = 1\npress = "accept"\n',
        3,
        "a binding needs one thing that is pressed. Write one of note, cc and program.",
    ),
    (BASE + "[[bind]]\ncc = 3\n", 3, 'this binding does nothing. Write an action, for example press = "accept".'),
    (
        BASE + '[[bind]]\ncc = 3\nknob = "wow"\n',
        5,
        'there is no knob "wow". Use one of surprise, density, brightness, drive.',
    ),
    (BASE + '[[bind]]\nnote = 3\nknob = "drive"\n', 4, "a knob sends a controller. Write cc."),
    (
        BASE + '[[bind]]\ncc = 3\nknob = "drive"\npress = "accept"\n',
        6,
        "a knob cannot be pressed. Take one of the two out.",
    ),
    (
        BASE + '[[bind]]\ncc = 3\nknob = "drive"\nrelative = "sign"\ntakeover = "none"\n',
        7,
        "an endless knob needs no takeover. Take it out.",
    ),
    (
        BASE + '[[bind]]\ncc = 3\nknob = "drive"\ntakeover = "pikup"\n',
        6,
        'there is no way "pikup". Did you mean "pick-up"?',
    ),
    (
        BASE + '[[bind]]\ncc = 3\npress = "accept"\ntakeover = "none"\n',
        6,
        "takeover is only for knobs. Write one of 'surprise', 'density', 'brightness', 'drive' as knob, or take it out.",
    ),
    (
        BASE + '[[bind]]\nnote = 3\npress = "accept"\nhold = "undo"\n',
        6,
        "press and release cannot be mixed with tap and hold. Keep one kind.",
    ),
    (BASE + '[[bind]]\nprogram = 3\nhold = "undo"\n', 5, "a program change is never let go. Use press."),
    (
        BASE + '[[bind]]\ncc = 3\ntap = "reject"\nhold = "undo"\nearly = true\n',
        7,
        'an early tap must be one that hold can take back. Write tap = "accept" or a pick, and hold = "undo".',
    ),
    (
        BASE + '[[bind]]\nnote = 1\npress = "accept"\n\n[[bind]]\nnote = 1\nchannel = 3\npress = "undo"\n',
        8,
        "note 1 on channel 3 is bound already in line 3. Take one out.",
    ),
]


@pytest.mark.parametrize(("text", "line", "sentence"), MISTAKES)
def test_each_mistake_is_named_by_file_line_and_key_with_what_to_write(text, line, sentence):
    with pytest.raises(Nonsense) as caught:
        parse_map(text, "my.toml")
    assert str(caught.value) == f"my.toml, line {line}: {sentence}"


@pytest.mark.parametrize(
    ("event", "as_press", "as_turn"),
    [
        (NoteOn(AT, P, 9, 36, 1), Source(Signal.NOTE, 36, 9), None),
        (NoteOff(AT, P, 9, 36), None, None),
        (ControlChange(AT, P, 0, 66, 127), Source(Signal.CC, 66, 0), Source(Signal.CC, 66, 0)),
        (ControlChange(AT, P, 0, 66, 0), None, Source(Signal.CC, 66, 0)),
        (ProgramChange(AT, P, 0, 5), Source(Signal.PROGRAM, 5, 0), None),
        (PitchBend(AT, P, 0, 5), None, None),
    ],
)
def test_what_was_pressed_and_what_was_turned(event: MidiEvent, as_press, as_turn):
    assert (pressed(event), turned(event)) == (as_press, as_turn)


def test_a_learned_pad_acts_at_once_and_a_learned_pedal_on_letting_go():
    pad, pedal = Source(Signal.NOTE, 36, 9), Source(Signal.CC, 66, 0)
    assert learned(pad, Action.ACCEPT) == Button(pad, press=Action.ACCEPT)
    assert learned(pedal, Action.ACCEPT) == Button(pedal, tap=Action.ACCEPT)


def test_a_learned_map_is_written_whole_and_read_back(tmp_path):
    made = ControllerMap("my pads", ("pads",), "", True, (learned(Source(Signal.NOTE, 36, 9), Action.ACCEPT),))
    write_map(made, tmp_path / "mine.toml")
    assert read_map(tmp_path / "mine.toml") == made


def test_a_map_that_could_not_be_read_back_is_not_written(tmp_path):
    pad = Source(Signal.NOTE, 36, 9)
    with pytest.raises(Nonsense, match="bound already"):
        write_map(
            ControllerMap("x", ("x",), buttons=(learned(pad, Action.ACCEPT), learned(pad, Action.UNDO))),
            tmp_path / "x.toml",
        )
    assert list(tmp_path.iterdir()) == []
