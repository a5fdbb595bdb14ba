"""The doctor on a machine where all is well."""

from __future__ import annotations

import jack
import pytest

from jamlink.errors import Unavailable
from jamlink.runtime.doctor import measure_loopback, run_checks
from jamlink.runtime.monotonic import MonotonicClock

pytestmark = pytest.mark.real


@pytest.mark.parametrize("system", ["JACK", "rtmidi-JACK"])
def test_notes_go_out_and_come_in_again_through_ports_of_our_own(jack_server, tmp_path, system):
    checks = {check.name: check for check in run_checks(MonotonicClock(), tmp_path, system=system)}
    assert set(checks) == {"Python", "MIDI", "ports", "loop-back", "priority", "disk"}
    assert "out and in again" in checks["loop-back"].what, checks["loop-back"]
    assert checks["MIDI"].what == f"{system} answers."


@pytest.mark.parametrize("system", ["JACK", "rtmidi-JACK"])
def test_the_loop_back_is_measured_and_an_offset_said(jack_server, system):
    check = measure_loopback(MonotonicClock(), "", "", system)
    assert "the way out and in again takes" in check.what, check


@pytest.fixture
def daw(jack_server):
    """A client that monitors: what comes in goes out again in the same period."""
    client = jack.Client("daw", no_start_server=True)
    heard, said = client.midi_inports.register("in"), client.midi_outports.register("out")
    monitors = [True]

    @client.set_process_callback
    def process(frames):
        said.clear_buffer()
        for offset, data in heard.incoming_midi_events():
            if monitors[0]:
                said.write_midi_event(offset, data)

    client.activate()
    yield monitors
    client.deactivate()
    client.close()


def test_the_way_through_a_daw_and_back_is_measured_and_a_daw_that_does_not_monitor_is_said(daw):
    check = measure_loopback(MonotonicClock(), "daw", "daw", "JACK")
    assert "the way out and in again takes" in check.what, check
    daw[0] = False
    check = measure_loopback(MonotonicClock(), "daw", "daw", "JACK")
    assert not check.ok
    assert "50 of 50 notes did not come back. Let the output lead back into the input" in f"{check.what} {check.remedy}"


def test_ports_that_are_not_there_are_said_in_one_sentence(jack_server):
    with pytest.raises(Unavailable, match="no such ports"):
        measure_loopback(MonotonicClock(), "nowhere", "", "JACK")
