"""The session process without its processes: parts that are lists."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import msgspec
import pytest

from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ControlChange, NoteOn, encode
from jamlink.midi.map_files import read_map
from jamlink.midi.maps import Bindings, ControllerMap
from jamlink.midi.smf import read_score
from jamlink.ports.base import Direction, Listing
from jamlink.runtime import io_wire
from jamlink.runtime.clips import Clips, ClipSettings
from jamlink.runtime.faults import Faults
from jamlink.runtime.io_link import standard_ports
from jamlink.runtime.jam import BROKE, Jam, _Lost
from jamlink.runtime.port_choice import PortChoice
from jamlink.runtime.teaching import Teacher
from jamlink.session import effects as fx
from jamlink.session.core import Session
from jamlink.session.inputs import Do
from jamlink.session.proposing import Proposing
from jamlink.session.settings import SessionSettings
from jamlink.session.wishes import ChoosePorts, Teach
from jamlink.testing.clock import ManualClock
from jamlink.testing.proposers import ScriptedProposer
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

NO_MAP = ControllerMap("any", ())
TWO = Listing(("MPK mini 3", "Launchkey"), ("FLUID Synth", "Moog"))


class Broken:
    """A stand-in with a mistake in it."""

    name = "broken"

    def propose(self, request, cancelled):
        raise ZeroDivisionError


class Nowhere:
    """A part that takes everything and does nothing."""

    trouble = None
    acknowledged = 0

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


class Io(Nowhere):
    """An io process that is a list of reports and a list of what was asked for."""

    def __init__(self):
        self.reports, self.opened = [], []

    def receive(self):
        reports, self.reports = self.reports, []
        return reports

    def open(self, ports):
        self.opened.append(ports)


class Views(Nowhere):
    """Views that are lists."""

    leaving = False

    def __init__(self):
        self.asked, self.told = [], []

    def receive(self):
        return []

    def played(self, at):
        return []

    def wishes(self):
        asked, self.asked = self.asked, []
        return asked

    def tell(self, via, sentence):
        self.told.append((via, sentence))


class Ledger(Nowhere):
    def __init__(self):
        self.kinds = []

    def append(self, kind, payload, at, durable=False):
        self.kinds.append(kind)

    def close(self):
        return True


@pytest.fixture
def house(tmp_path):
    """A jam of lists, and its hands on everything."""
    remembered = []
    house = SimpleNamespace(io=Io(), views=Views(), ledger=Ledger(), clock=ManualClock(), remembered=remembered)
    house.expected = 0
    parts = SimpleNamespace(
        session=Session(SessionSettings(count_in=0), Ns(0)),
        io=house.io,
        model=None,
        stand_in=ScriptedProposer(),
        chords=None,
        ledger=house.ledger,
        bindings=lambda port: Bindings(NO_MAP),
        views=house.views,
        clock=house.clock,
        file="a.jam",
        opening=(),
        demo=None,
        styles=("jazz",),
        ports=PortChoice("", "", "auto", remembered.append),
        follower=None,
        link=None,
        teacher=Teacher(tmp_path / "maps", lambda port: NO_MAP),
        clips=Clips(ClipSettings(tmp_path / "clips"), Ns(0), Timeline(tempo_of_bpm(100), Ticks(0), Ns(0)), "4/4"),
        offsets={},
        programs={},
    )
    house.parts, house.session, house.jam, house.maps = parts, parts.session, Jam(parts), tmp_path / "maps"
    house.state = lambda: msgspec.json.decode(msgspec.json.encode(house.jam._state()))
    yield house
    house.jam._errands.close()
    assert house.jam.mistakes == house.expected, "what the loop survives is a mistake all the same"


def with_parts(house, **others):
    """The same jam, put together with other parts."""
    vars(house.parts).update(others)
    house.jam = Jam(house.parts)


def turn(house, *reports, wish=None):
    house.io.reports += reports
    house.views.asked += [(wish, "page")] if wish else []
    house.jam._turn()


def plugged_in(house, listing=TWO, bound="MPK mini 3"):
    turn(house, io_wire.PortsThere(listing), io_wire.PortChanged(Direction.IN, 0, "in", bound))


def heard(event, number=0):
    return io_wire.Heard(event.at, number, encode(event))


def note(pitch=60, channel=0):
    return NoteOn(Ns(0), "", channel, pitch, 90)


def test_a_stand_in_that_fails_leaves_the_jam_running_and_says_that_there_are_no_ideas(house, capsys):
    with_parts(house, stand_in=Broken())
    house.jam._feed(Do(Action.NEXT_HAND, "test"))
    snapshot = house.session.snapshot()
    assert not snapshot.asking
    assert "No ideas" in snapshot.notices[-1]
    assert "ZeroDivisionError" in capsys.readouterr().err


# -- ports ------------------------------------------------------------------------------------------------------------


def test_a_key_on_any_device_says_which_one_was_heard(house):
    plugged_in(house)
    turn(house, heard(note(channel=4)))
    assert house.state()["heard_on"] == {"port": "MPK mini 3", "channel": 5, "at": 0}


def test_the_clock_s_own_ports_have_no_sound_and_are_no_keyboard(house):
    with_gestures = []
    house.jam._parts.bindings = lambda port: with_gestures.append(port) or Bindings(NO_MAP)
    clock_in = io_wire.PortChanged(Direction.IN, 1, "clock in", "jamlink clock in")
    turn(house, io_wire.PortChanged(Direction.OUT, 5, "clock", "jamlink clock"), clock_in)
    turn(house, heard(note(), number=1))
    assert house.session.snapshot().sounding == (), "what comes in with a clock is no music"
    assert with_gestures == [], "nor a gesture, and none is written on the page as its"


def test_ports_are_chosen_from_the_list_and_remembered(house):
    plugged_in(house)
    turn(house, wish=ChoosePorts("Launchkey", "Moog"))
    assert house.io.opened[-1] == standard_ports("Launchkey", "Moog", "auto")
    house.jam._errands.close()
    assert house.remembered == [{"input": "Launchkey", "output": "Moog"}]
    ports = house.state()["ports"]
    assert (ports["input"], ports["output"], ports["inputs"]) == ("Launchkey", "Moog", ["MPK mini 3", "Launchkey"])


def test_a_port_that_is_not_there_is_refused_to_whoever_asked(house):
    plugged_in(house)
    turn(house, wish=ChoosePorts("Casio", None))
    assert house.views.told == [("page", "There is no port called 'Casio' now. Choose one of the list.")]


def test_while_playing_the_ports_stay_and_the_list_says_why(house):
    plugged_in(house)
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    opened = len(house.io.opened)
    why = house.state()["disabled"]["ports"]
    turn(house, wish=ChoosePorts("Launchkey", None))
    assert (len(house.io.opened), house.views.told) == (opened, [("page", why)])


def test_what_is_plugged_in_while_playing_is_taken_at_the_stop(house):
    turn(house, io_wire.PortsThere(Listing()))
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    turn(house, io_wire.PortsThere(Listing(("MPK mini 3",), ())))
    assert house.io.opened[-1] == standard_ports("", "", "auto")
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    turn(house)
    assert house.io.opened[-1] == standard_ports("MPK mini 3", "", "auto")


def test_keys_that_are_down_on_the_old_device_are_let_go_when_another_is_chosen(house):
    plugged_in(house)
    turn(house, heard(note()))
    assert house.session.snapshot().sounding == (60,)
    turn(house, io_wire.PortChanged(Direction.IN, 0, "in", "Launchkey"))
    assert house.session.snapshot().sounding == ()


def test_a_link_process_that_is_gone_is_a_trouble_until_it_is_back(house):
    with_parts(house, link=SimpleNamespace(receive=lambda: [], trouble="Gone."))
    turn(house)
    assert house.state()["trouble"] == ["Gone."]
    house.parts.link.trouble = ""
    turn(house)
    assert house.state()["trouble"] == []


# -- learning ---------------------------------------------------------------------------------------------------------


def test_the_next_pad_is_bound_at_once_and_saved(house):
    plugged_in(house)
    turn(house, wish=Teach(Action.PLAY_STOP))
    assert house.state()["learn"] == {"control": "play-stop", "heard": "", "saved": ""}
    turn(house, heard(note(36, 9)))
    assert not house.session.playing, "the press that shows a pad does nothing yet"
    assert house.session.snapshot().sounding == (), "and is no music"
    turn(house, heard(note(36, 9)))
    assert house.session.playing
    house.jam._errands.close()
    state = house.state()
    assert state["learn"]["saved"] == "mpk-mini-3.toml"
    assert state["bindings"] == {"play-stop": "note 36 on channel 10 of MPK mini 3"}
    assert read_map(house.maps / "mpk-mini-3.toml").buttons[0].press is Action.PLAY_STOP


def test_a_knob_is_learned_too(house):
    plugged_in(house)
    turn(house, wish=Teach(Knob.DRIVE))
    turn(house, heard(ControlChange(Ns(0), "", 0, 21, 64)))
    turn(house, heard(ControlChange(Ns(0), "", 0, 21, 65)))
    assert house.session.snapshot().steering.controls["drive"] == pytest.approx(65 / 127)


def test_a_map_that_cannot_be_saved_is_a_trouble_and_the_pad_works(house):
    house.maps.write_text("in the way")
    plugged_in(house)
    turn(house, wish=Teach(Action.PLAY_STOP))
    turn(house, heard(note(36, 9)))
    house.jam._errands.close()
    state = house.state()
    assert state["learn"]["saved"] == ""
    assert len(state["trouble"]) == 1
    turn(house, heard(note(36, 9)))
    assert house.session.playing


def test_wishes_leave_no_record_but_what_comes_of_them_does(house):
    plugged_in(house)
    before = list(house.ledger.kinds)
    turn(house, wish=Teach(Action.PANIC))
    turn(house, wish=ChoosePorts("Launchkey", None))
    assert house.ledger.kinds == before
    turn(house, heard(note(36, 9)))
    turn(house, heard(note(36, 9)))
    assert house.ledger.kinds[-1] == "do"


# -- the state --------------------------------------------------------------------------------------------------------


def test_the_state_has_every_section_that_a_view_may_count_on(house):
    state = house.state()
    assert {"history", "notes", "lead", "heard_on", "styles", "learn", "disabled", "channels", "bindings"} <= set(state)
    assert state["history"] == {"count": 0, "items": []}
    assert state["heard_on"] is None


def test_a_pulled_cable_is_silence_on_every_channel(house):
    plugged_in(house)
    turn(house, io_wire.PortChanged(Direction.IN, 0, "in", ""))
    assert house.ledger.kinds.count("heard") == 16


# -- clips, offsets, sounds, loops ------------------------------------------------------------------------------------


def sent_to(house):
    batches = []
    house.io.send = lambda batch: batches.append(list(batch))
    return batches


def promised(out, due, pitch=60, owner=20):
    return fx.Timed(Ns(due), fx.ScheduledMessage(Ticks(0), bytes((0x90, pitch, 70)), out, owner))


def test_with_one_port_for_all_roles_each_keeps_its_channel_and_previews_stay_outside(house):
    with_parts(house, ports=PortChoice("", "", "auto", together=True), programs={"chords": 1, "bass": 32})
    batches = sent_to(house)
    turn(house, io_wire.PortsThere(Listing()))
    assert house.io.opened[-1] == standard_ports(together=True)
    turn(house, io_wire.PortChanged(Direction.OUT, 0, "out", "jamlink:out"))
    assert [(m.port, m.data) for batch in batches for m in batch] == [(0, bytes((0xC0, 1))), (0, bytes((0xC2, 32)))]
    house.jam._do(fx.Send(tuple(promised(out, 300_000_000) for out in fx.Out)))
    assert [message.port for message in batches[-1]] == [
        {"metronome": 1, "preview": 2, "clock": 3}.get(o.value, 0) for o in fx.Out
    ]


def test_what_jamlink_sounds_and_hears_back_is_no_playing_and_is_said_in_one_sentence(house):
    sent_to(house)
    plugged_in(house, bound="DAW")
    house.jam._do(fx.Send(tuple(promised(fx.Out.CHORDS, i * 1_000_000, 60 + i) for i in range(3))))
    back = [NoteOn(Ns(i * 1_000_000 + 4_000_000), "DAW", 0, 60 + i, 70) for i in range(3)]
    turn(house, *(heard(event) for event in back))
    assert house.session.snapshot().sounding == ()
    assert "heard" not in house.ledger.kinds
    (said,) = house.state()["trouble"]
    assert 'comes back into its input "DAW"' in said
    house.clock.advance(Ns(11_000_000_000))
    turn(house)
    assert house.state()["trouble"] == []


def test_capture_writes_what_was_played_and_says_where(house, tmp_path):
    plugged_in(house)
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    turn(house, heard(note()))
    house.jam._feed(Do(Action.CAPTURE, "pad"))
    house.jam._errands.close()
    (file,) = (tmp_path / "clips").iterdir()
    state = house.state()
    assert state["clips"]["written"] == file.name
    assert state["notices"][-1] == f"Kept as {file.name}."
    assert len(read_score(file).parts[0].notes) == 1


def test_capture_of_nothing_says_why(house, tmp_path):
    house.jam._feed(Do(Action.CAPTURE, "pad"))
    assert "Nothing was played yet." in house.state()["notices"][-1]
    assert not (tmp_path / "clips").exists()


def test_every_idea_that_is_taken_is_a_clip(house, tmp_path):
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    house.jam._feed(Do(Action.NEXT_HAND, "test"))
    house.jam._feed(Do(Action.ACCEPT, "test"))
    house.jam._errands.close()
    (file,) = (tmp_path / "clips").iterdir()
    newest = house.state()["clips"]["newest"]
    assert file.stem == newest["name"]
    assert sum(len(part.notes) for part in read_score(file).parts) == len(newest["notes"]) > 0


# -- mistakes of ours -------------------------------------------------------------------------------------------------


def breaks(*arguments, **options):
    raise ZeroDivisionError("a mistake")


def test_a_mistake_in_the_session_is_logged_and_the_jam_goes_on(house, monkeypatch, capsys):
    house.expected, silences = 1, []
    house.jam._faults = Faults(sys.stderr.write)
    house.io.silence = lambda: silences.append(house.clock.now())
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    before = len(silences)
    with monkeypatch.context() as broken:
        broken.setattr(Proposing, "_ask", breaks)
        house.jam._feed(Do(Action.NEXT_HAND, "test"))
    assert len(silences) == before + 1
    assert house.session.playing
    assert "recover" in house.ledger.kinds
    state = house.state()
    assert "its ideas begin anew" in state["notices"][-1]
    assert state["trouble"] == [BROKE]
    said = capsys.readouterr().err
    assert said.startswith("A mistake in jamlink while deciding; the jam goes on.")
    assert "ZeroDivisionError: a mistake" in said
    house.jam._feed(Do(Action.NEXT_HAND, "test"))
    house.jam._feed(Do(Action.ACCEPT, "test"))
    assert house.ledger.kinds.count("decided") == 1


def test_a_mistake_in_one_effect_leaves_the_others_done(house):
    house.expected = 1
    house.jam._keeping.idea = breaks
    house.jam._feed(Do(Action.PLAY_STOP, "test"))
    house.jam._feed(Do(Action.NEXT_HAND, "test"))
    house.jam._feed(Do(Action.ACCEPT, "test"))
    assert house.ledger.kinds.count("decided") == 1
    assert house.session.snapshot().taken is not None


def test_a_mistake_in_showing_or_hearing_is_over_at_the_next_turn(house):
    house.expected, shown = 3, []
    house.views.publish = shown.append
    plugged_in(house)
    house.clock.advance(Ns(50_000_000))
    right, house.jam._state = house.jam._state, breaks
    heard_right, house.jam._hearing.hear = house.jam._hearing.hear, breaks
    turn(house, heard(note()))
    house.clock.advance(Ns(50_000_000))
    house.jam._screen.changed()
    turn(house)
    house.jam._state, house.jam._hearing.hear = right, heard_right
    house.clock.advance(Ns(50_000_000))
    turn(house, heard(note(pitch=64)))
    assert shown[-1]["sounding"] == (64,)


def test_a_part_that_breaks_when_it_is_asked_keeps_nobody_else_from_being_heard(house):
    house.expected = 3
    house.views.receive = house.views.played = house.views.wishes = breaks
    plugged_in_now = (io_wire.PortsThere(TWO), io_wire.PortChanged(Direction.IN, 0, "in", "MPK mini 3"))
    turn(house, *plugged_in_now, heard(note(pitch=64)))
    assert house.session.snapshot().sounding == (64,)


def test_a_session_that_cannot_recover_ends_the_jam_silent_and_saved(house):
    done = []
    house.io.silence = lambda: done.append("silence")
    house.io.close = lambda: done.append("io closed")
    house.ledger.close = lambda: done.append("saved") or True
    house.jam._session.handle = house.jam._session.advance = breaks
    with pytest.raises(_Lost):
        house.jam._turn()
    house.jam._close()
    assert done == ["silence", "io closed", "saved"]
    house.expected = house.jam.mistakes
