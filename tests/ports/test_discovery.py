"""Ports are meant by name, whatever numbers a system puts into it, and never our own."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from jamlink.errors import Nonsense
from jamlink.ports.base import Direction
from jamlink.ports.discovery import (
    NameBook,
    find,
    is_loop_cable,
    is_ours,
    list_ports,
    offered_without_own_ports,
    plain_alsa,
    plain_jack,
    plain_windows,
    program_alsa,
    systems,
)
from jamlink.testing.clock import ManualClock

raw_lists = st.lists(
    st.sampled_from(["MPK mini 20:0", "MPK mini 24:0", "Launchpad 28:0", "MPK mini 32:0"]), unique=True
)


def assign(book, raws):
    return book.assign([(raw, plain_alsa(raw)) for raw in raws])


@given(st.lists(raw_lists, max_size=6))
def test_a_port_keeps_its_name_for_as_long_as_it_stays_and_no_two_share_one(listings):
    book, before = NameBook(), {}
    for raws in listings:
        names = {raw: name for name, raw in assign(book, raws).items()}
        assert set(names) == set(raws)
        assert len(set(names.values())) == len(raws)
        assert all(names[raw] == before[raw] for raw in raws if raw in before)
        before = names


def test_two_devices_of_one_name_are_kept_apart_by_order_and_a_returning_one_gets_its_name_back():
    book = NameBook()
    assert assign(book, ["MPK mini 20:0", "MPK mini 24:0"]) == {
        "MPK mini": "MPK mini 20:0",
        "MPK mini #2": "MPK mini 24:0",
    }
    assert assign(book, ["MPK mini 24:0"]) == {"MPK mini #2": "MPK mini 24:0"}
    assert assign(book, ["MPK mini 24:0", "MPK mini 28:0"])["MPK mini"] == "MPK mini 28:0"


def test_devices_that_even_the_system_cannot_tell_apart_are_counted():
    assert list(NameBook().assign([("Keys", "Keys"), ("Keys", "Keys")])) == ["Keys", "Keys #2"]


@pytest.mark.parametrize(
    ("plain", "own", "stable"),
    [
        (plain_alsa, "MPK mini 3:MPK mini 3 MIDI 1 24:0", "MPK mini 3 MIDI 1"),
        (plain_alsa, "Midi Through:Midi Through Port-0 14:0", "Midi Through Port-0"),
        (plain_alsa, "Ardour:midi in 129:2", "Ardour:midi in"),
        (plain_alsa, "Keys 20:0", "Keys"),
        (plain_jack, "a2j:MPK mini 3 [24] (capture): MPK mini 3 MIDI 1", "a2j:MPK mini 3 (capture): MPK mini 3 MIDI 1"),
        (plain_jack, "ardour:jam/midi_in 1", "ardour:jam/midi_in 1"),
        (plain_windows, "MPK mini 3 1", "MPK mini 3"),
    ],
)
def test_numbers_that_change_are_no_part_of_a_name(plain, own, stable):
    assert plain(own) == stable


NAMES = ["Midi Through Port-0", "MPK mini 3 MIDI 1", "MPK mini 3 MIDI 1 #2", "Launchpad Mini [DAW]"]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("mpk", "MPK mini 3 MIDI 1"),
        ("MPK MINI 3 MIDI 1 #2", "MPK mini 3 MIDI 1 #2"),
        ("#2", "MPK mini 3 MIDI 1 #2"),
        ("launch*[daw]", "Launchpad Mini [DAW]"),
        ("m?k*", "MPK mini 3 MIDI 1"),
        ("mini", "MPK mini 3 MIDI 1"),
        ("korg", None),
    ],
)
def test_a_pattern_means_the_exact_name_or_the_first_that_matches_in_any_case(pattern, meant):
    assert find(pattern, NAMES) == meant


@given(st.sampled_from(NAMES), st.booleans())
def test_every_name_means_itself(name, loud):
    assert find(name.upper() if loud else name.lower(), NAMES) == name


def test_what_is_taken_is_passed_over():
    assert find("mpk", NAMES, taken={"MPK mini 3 MIDI 1"}) == "MPK mini 3 MIDI 1 #2"


@pytest.mark.parametrize(
    "name", ["jamlink:in", "jamlink-01:chords", "jamlink:jamlink in 128:0", "jamlink chords", "Jamlink"]
)
def test_ports_of_ours_are_known_by_name(name):
    assert is_ours(name)


@pytest.mark.parametrize("name", ["jamlinker:in", "my jamlink", "MPK mini"])
def test_ports_of_others_are_not_ours(name):
    assert not is_ours(name)


@pytest.mark.parametrize("name", ["jamlink in", "jamlink out", "jamlink chords"])
def test_where_cables_are_made_by_hand_each_is_offered_in_one_direction_only(name):
    offered = {way for way in Direction if offered_without_own_ports(name, way)}
    assert offered == {Direction.IN if name.endswith("in") else Direction.OUT}


def test_cables_that_lead_back_are_known():
    assert is_loop_cable("IAC Driver Bus 1")
    assert not is_loop_cable("MPK mini")


def test_an_unknown_midi_system_is_refused_with_the_names_of_those_there_are():
    with pytest.raises(Nonsense, match="JACK, ALSA"):
        systems("oss", "jamlink", ManualClock())


def test_the_name_of_a_system_may_be_typed_in_any_case():
    assert systems("alsa", "jamlink", ManualClock())[0].name == "ALSA"


def test_a_machine_without_midi_lists_nothing_and_says_why(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody-runs-this")
    found = list_ports(ManualClock(), "JACK")
    assert found.ports == ()
    assert found.systems == ()
    assert [gone.remedy for gone in found.missing] != [""]


@pytest.mark.parametrize(("own", "program"), [
    ("MPK mini 3:MPK mini 3 MIDI 1 24:0", ""),
    ("Midi Through:Midi Through Port-0 14:0", ""),
    ("FLUID Synth (812):Synth input port (812:0) 128:0", "128"),
    ("Keys", ""),
])  # fmt: skip
def test_programs_have_the_higher_numbers_of_alsa(own, program):
    assert program_alsa(own) == program
