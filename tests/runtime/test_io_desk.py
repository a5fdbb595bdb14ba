"""The io process without the process: ports that are lists, a clock that is moved by hand."""

from __future__ import annotations

import pytest

from jamlink.ports.base import HOUSE, Direction, Listing, Outgoing, PortSpec
from jamlink.ports.loopback import LoopbackPorts
from jamlink.runtime import io_wire as wire
from jamlink.runtime.io_desk import POLL_EVERY, Desk
from jamlink.runtime.patchbay import LOOK_EVERY, TRY_EVERY
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, ms

ON, OFF = bytes((0x90, 60, 80)), bytes((0x80, 60, 0))
IN, OUT = Direction.IN, Direction.OUT
OWN_IN, CHORDS, BASS = PortSpec("in"), PortSpec("chords"), PortSpec("bass")


class Studio:
    """A desk with two list systems, "first" and "second", and everything it said."""

    def __init__(self, inputs=(OWN_IN,), outputs=(CHORDS, BASS), absent=()):
        self.clock = ManualClock(1_000_000_000)
        self.first = LoopbackPorts(self.clock, "first")
        self.second = LoopbackPorts(self.clock, "second")
        for system in (self.first, self.second):
            system.running = system.name not in absent
        self.said: list[wire.FromIo] = []
        self.desk = Desk(self.clock, lambda choice, client: [self.first, self.second], self.said.append)
        self.desk.handle(wire.OpenPorts(tuple(inputs), tuple(outputs)))

    def send(self, *messages: Outgoing) -> None:
        self.desk.handle(wire.Send(messages))

    def pass_time(self, span: Ns = LOOK_EVERY) -> None:
        """Moves the clock to each moment the desk wants a turn at, as its process would."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.clock.advance(Ns(min(max(self.desk.wait(), 1), end - self.clock.now())))
            self.desk.turn()

    def told(self, kind: type) -> list:
        told = [m for m in self.said if isinstance(m, kind)]
        self.said[:] = [m for m in self.said if not isinstance(m, kind)]
        return told

    def arrived(self) -> list[tuple[str, str]]:
        return [(a.port, a.data.hex(" ")) for a in (*self.first.arrived, *self.second.arrived)]

    def bound(self) -> dict[str, str]:
        return {m.name: m.bound for m in self.told(wire.PortChanged)}


def note(studio: Studio, data: bytes, after: Ns, output: int = 0, owner: int = 7) -> Outgoing:
    return Outgoing(Ns(studio.clock.now() + after), output, owner, data)


def test_a_message_leaves_at_its_moment_and_the_report_says_so():
    studio = Studio()
    on, off = note(studio, ON, ms(20)), note(studio, OFF, ms(50))
    studio.send(on, off)
    studio.pass_time(ms(100))
    assert [(a.at, a.data) for a in studio.first.arrived] == [(on.due, ON), (off.due, OFF)]
    assert studio.told(wire.Sent) == [
        wire.Sent(on.due, on.due, 0, 7, ON),
        wire.Sent(off.due, off.due, 0, 7, OFF),
    ]
    assert studio.told(wire.OwnerBegan) == [wire.OwnerBegan(7, on.due)]
    assert studio.told(wire.OwnerEnded) == [wire.OwnerEnded(7, off.due)]


def test_an_owner_ends_only_when_its_note_offs_have_left():
    studio = Studio()
    studio.send(note(studio, ON, ms(1)), note(studio, OFF, ms(200)))
    studio.pass_time(ms(10))
    assert not studio.told(wire.OwnerEnded)
    studio.desk.handle(wire.Cancel(7))
    studio.desk.turn()
    sent_then_ended = [
        m for m in studio.said if isinstance(m, wire.OwnerEnded) or (isinstance(m, wire.Sent) and m.data == OFF)
    ]
    assert [type(m) for m in sent_then_ended] == [wire.Sent, wire.OwnerEnded]


@pytest.mark.parametrize("order", [wire.Cancel(7), wire.Silence(), wire.Panic(), wire.Quit()])
def test_cancel_silence_panic_and_quit_end_what_sounds(order):
    studio = Studio()
    studio.send(note(studio, ON, Ns(0)), note(studio, OFF, ms(400)), note(studio, bytes((0x90, 64, 9)), ms(300)))
    studio.pass_time(ms(10))
    studio.desk.handle(order)
    studio.desk.turn()
    if studio.desk.done:
        studio.desk.leave()
    assert studio.arrived()[:2] == [("jamlink chords", "90 3c 50"), ("jamlink chords", "80 3c 00")]
    studio.pass_time(ms(500))
    assert "90 40 09" not in [data for _, data in studio.arrived()]


def test_leaving_twice_says_goodbye_once():
    studio = Studio()
    studio.send(note(studio, ON, Ns(0)))
    studio.desk.turn()
    studio.desk.leave()
    once = studio.arrived()
    assert once[1] == ("jamlink chords", "80 3c 00")
    assert once[-1] == ("jamlink chords", "b0 7b 00")
    studio.desk.leave()
    assert studio.arrived() == once


def test_what_comes_in_is_reported_with_its_moment():
    studio = Studio()
    studio.first.play("jamlink in", ON)
    heard_at = studio.clock.now()
    studio.pass_time(ms(2))
    assert studio.told(wire.Heard) == [wire.Heard(heard_at, 0, ON)]


def test_inputs_are_polled_every_millisecond_and_only_while_there_are_any():
    assert Studio().desk.wait() <= POLL_EVERY
    assert Studio(inputs=()).desk.wait() == LOOK_EVERY


def test_a_desk_without_ports_is_at_rest():
    desk = Desk(ManualClock(9), lambda choice, client: [], list)
    assert desk.wait() == LOOK_EVERY


def test_notes_pass_through_within_a_system_and_across_two():
    studio = Studio(inputs=(PortSpec("in"), PortSpec("keys", "keys")))
    studio.second.plug(IN, "Keys")
    studio.pass_time()
    studio.desk.handle(wire.Thru(1))
    studio.first.play("jamlink in", ON)
    studio.second.play("Keys", bytes((0x90, 64, 80)))
    studio.second.play("Keys", bytes((0xF8,)))
    studio.pass_time(ms(3))
    assert studio.arrived() == [("jamlink bass", "90 3c 50"), ("jamlink bass", "90 40 50")]
    assert {m.owner for m in studio.told(wire.Sent)} == {HOUSE}
    studio.desk.handle(wire.Thru(None))
    studio.first.play("jamlink in", ON)
    studio.pass_time(ms(3))
    assert len(studio.arrived()) == 2


def test_own_ports_live_in_the_first_system_that_is_there_and_stay_in_it():
    studio = Studio(absent=["first"])
    studio.send(note(studio, ON, Ns(0)))
    studio.pass_time(ms(5))
    assert studio.second.arrived
    studio.first.running = True
    studio.pass_time(Ns(2 * TRY_EVERY))
    studio.send(note(studio, OFF, Ns(0)))
    studio.pass_time(ms(5))
    assert not studio.first.arrived


def test_a_device_is_found_at_the_next_look_lost_when_pulled_and_bound_when_it_returns():
    studio = Studio(inputs=[PortSpec("in", "mpk")], outputs=[PortSpec("chords", "synth")])
    missing = studio.told(wire.PortChanged)
    assert [(m.what, m.remedy != "") for m in missing] == [
        ('No MIDI input is called "mpk".', True),
        ('No MIDI output is called "synth".', True),
    ]
    studio.first.plug(IN, "MPK mini")
    studio.second.plug(OUT, "Synth A")
    studio.pass_time()
    assert studio.bound() == {"in": "MPK mini", "chords": "Synth A"}
    assert studio.told(wire.PortsThere)[-1].listing == Listing(("MPK mini",), ("Synth A",))
    studio.first.pull("MPK mini")
    studio.pass_time()
    assert studio.bound() == {"in": ""}
    studio.first.plug(IN, "MPK mini")
    studio.pass_time()
    assert studio.bound() == {"in": "MPK mini"}


def test_an_output_that_returns_is_told_what_ended_meanwhile():
    studio = Studio(outputs=[PortSpec("chords", "synth")])
    studio.first.plug(OUT, "Synth")
    studio.pass_time()
    studio.send(note(studio, ON, Ns(0)), note(studio, OFF, ms(800)))
    studio.pass_time(ms(10))
    studio.first.pull("Synth")
    studio.pass_time(ms(1000))
    assert studio.arrived() == [("Synth", "90 3c 50")]
    assert studio.told(wire.OwnerEnded), "for the session the note is over"
    studio.first.plug(OUT, "Synth")
    studio.pass_time()
    assert studio.arrived()[1] == ("Synth", "80 3c 00")


def test_two_inputs_never_take_the_same_device_and_two_outputs_may():
    studio = Studio(
        inputs=[PortSpec("left", "mpk"), PortSpec("right", "mpk")],
        outputs=[PortSpec("chords", "synth"), PortSpec("bass", "synth")],
    )
    studio.first.plug(IN, "MPK", "MPK #2")
    studio.first.plug(OUT, "Synth")
    studio.pass_time()
    assert studio.bound() == {"left": "MPK", "right": "MPK #2", "chords": "Synth", "bass": "Synth"}


def test_a_cable_that_leads_back_is_not_taken_at_both_ends():
    studio = Studio(inputs=[PortSpec("in", "*")], outputs=[PortSpec("chords", "iac")])
    studio.first.plug(OUT, "IAC Driver Bus 1")
    studio.pass_time()
    studio.first.plug(IN, "IAC Driver Bus 1", "MPK")
    studio.pass_time()
    assert studio.bound()["in"] == "MPK"


def test_a_system_whose_server_dies_is_tried_every_second_and_its_ports_return():
    studio = Studio()
    studio.send(note(studio, ON, Ns(0)))
    studio.pass_time(ms(5))
    studio.told(wire.MidiSystem), studio.told(wire.PortChanged)
    studio.first.running = False
    studio.pass_time()
    (gone,) = studio.told(wire.MidiSystem)
    assert (gone.there, gone.remedy != "") == (False, True)
    assert set(studio.bound().values()) == {""}
    studio.desk.handle(wire.Cancel(7))
    studio.pass_time(Ns(3 * TRY_EVERY))
    assert not studio.told(wire.MidiSystem), "said once"
    studio.first.running = True
    studio.pass_time(Ns(TRY_EVERY + LOOK_EVERY))
    assert studio.bound()["chords"] == "jamlink chords"
    assert studio.arrived()[1] == ("jamlink chords", "80 3c 00")


def test_own_ports_are_made_where_they_can_be_and_else_the_missing_step_is_said():
    studio = Studio(absent=["second"])
    studio.desk.leave()
    studio.first.own_ports = False
    studio.desk.handle(wire.OpenPorts((), (CHORDS,)))
    assert "Windows lets no program" in studio.told(wire.PortChanged)[-1].what
    studio.second.running = True
    studio.pass_time(Ns(2 * TRY_EVERY))
    assert studio.bound()["chords"] == "jamlink chords"


def test_messages_for_outputs_that_are_not_there_are_counted():
    studio = Studio(outputs=[PortSpec("chords", "synth")])
    studio.send(note(studio, ON, Ns(0)), note(studio, ON, Ns(0), output=9))
    studio.pass_time(Ns(1_100_000_000))
    assert studio.told(wire.Counters)[-1].unheard == 2


def test_counters_tell_how_late_messages_left():
    studio = Studio()
    late = [0, 50_000, 200_000, 2_000_000, 400_000_000]
    studio.send(*(note(studio, bytes((0x90, 60 + i, 80)), Ns(-wait)) for i, wait in enumerate(late)))
    studio.desk.turn()
    studio.pass_time(Ns(1_100_000_000))
    assert studio.told(wire.Counters)[-1].lateness == (2, 1, 0, 1, 0, 0, 0, 1)


def test_after_a_dropout_recent_ends_are_said_again_but_not_ten_times_a_second():
    studio = Studio()
    studio.send(note(studio, ON, Ns(0)), note(studio, OFF, ms(1)))
    studio.pass_time(ms(150))
    for _ in range(10):
        studio.first.losses.dropouts += 1
        studio.pass_time(ms(5))
    assert [data for _, data in studio.arrived()].count("80 3c 00") == 2


def test_notes_that_a_dead_process_left_are_ended():
    studio = Studio()
    studio.desk.handle(wire.Owed(((1, 2, 60),)))
    studio.desk.turn()
    assert studio.arrived() == [("jamlink bass", "82 3c 00")]


def test_choosing_other_ports_silences_the_old_ones():
    studio = Studio()
    studio.send(note(studio, ON, Ns(0)))
    studio.pass_time(ms(5))
    studio.desk.handle(wire.OpenPorts((), (PortSpec("solo"),)))
    assert ("jamlink chords", "80 3c 00") in studio.arrived()
    studio.send(note(studio, ON, Ns(0)))
    studio.pass_time(ms(5))
    assert studio.arrived()[-1] == ("jamlink solo", "90 3c 50")


def test_choosing_ports_leaves_those_alone_that_were_chosen_before():
    studio = Studio(inputs=[PortSpec("in")], outputs=[CHORDS, BASS])
    studio.send(
        note(studio, ON, Ns(0)), note(studio, OFF, ms(50)), note(studio, bytes((0x90, 40, 80)), Ns(0), output=1)
    )
    studio.pass_time(ms(5))
    studio.told(wire.PortChanged)
    studio.first.plug(IN, "MPK mini")
    studio.desk.handle(wire.OpenPorts((PortSpec("in", "mpk"),), (CHORDS, PortSpec("drums"))))
    assert studio.bound() == {"in": "MPK mini", "chords": "jamlink chords", "drums": "jamlink drums"}
    assert ("jamlink bass", "80 28 00") in studio.arrived()
    assert ("jamlink chords", "80 3c 00") not in studio.arrived()
    studio.pass_time(ms(50))
    assert studio.arrived()[-1] == ("jamlink chords", "80 3c 00")


def test_choosing_another_system_moves_everything():
    studio = Studio()
    studio.desk.handle(wire.OpenPorts((), (CHORDS,), client="other"))
    assert studio.bound()["chords"] == "jamlink chords"


def test_a_ping_is_answered():
    studio = Studio()
    studio.desk.handle(wire.Ping(3))
    assert studio.told(wire.Pong) == [wire.Pong(3)]
