"""Who is at the other end of our ports, as a page must know it to sound by itself or to be silent."""

from __future__ import annotations

import pytest

from jamlink.ports.base import Direction, Listing
from jamlink.runtime.connections import Connections
from jamlink.runtime.io_link import OUTPUT_NAMES, standard_ports
from jamlink.runtime.io_wire import PortChanged


def section(*ports: PortChanged, inputs: tuple[str, ...] = ()) -> dict:
    connections = Connections()
    for port in ports:
        connections.changed(port)
    return connections.section(Listing(inputs))


def out(number: int, bound: str, *peers: str) -> PortChanged:
    return PortChanged(Direction.OUT, number, "", bound, peers)


@pytest.mark.parametrize(
    ("ports", "sound"),
    [
        ((), "page"),
        ((out(0, "jamlink:chords"), out(1, "jamlink:melody")), "page"),
        ((out(0, ""),), "page"),
        ((out(3, "jamlink:metronome", "synth:in"),), "page"),
        ((out(1, "jamlink:melody", "synth:in"),), "out"),
        ((out(0, "FluidSynth"), out(1, "FluidSynth")), "out"),
        ((out(1, "jamlink:melody", "synth:in"), out(1, "jamlink:melody")), "page"),
    ],
)
def test_a_page_sounds_only_where_nothing_takes_our_notes(ports, sound):
    assert section(*ports)["sound"] == sound


@pytest.mark.parametrize(
    ("ports", "inputs", "there"),
    [
        ((), (), False),
        ((), ("Midi Through Port-0",), False),
        ((), ("Grand Stage",), True),
        ((PortChanged(Direction.IN, 0, "in", "jamlink:in"),), (), False),
        ((PortChanged(Direction.IN, 0, "in", "jamlink:in", ("some patch",)),), (), True),
    ],
)
def test_a_cable_that_leads_back_is_no_keyboard(ports, inputs, there):
    assert section(*ports, inputs=inputs)["keyboard"] is there


def test_ports_that_are_opened_anew_are_nobodys_until_they_say_so():
    connections = Connections()
    connections.changed(out(0, "FluidSynth"))
    connections.forget(OUTPUT_NAMES)
    assert connections.section(Listing())["sound"] == "page"


def test_one_port_for_all_roles_is_music_and_its_click_and_previews_are_none():
    names = [spec.name for spec in standard_ports(together=True).outputs]
    for number, sound in enumerate(("out", "page", "page")):
        connections = Connections()
        connections.forget(names)
        connections.changed(out(number, "jamlink:out", "synth:in"))
        assert connections.section(Listing())["sound"] == sound
