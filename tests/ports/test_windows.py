"""On Windows exactly one step is missing at a time, and it is the right one. Judged from made-up facts."""

from __future__ import annotations

import pytest

from jamlink.ports.base import Listing
from jamlink.ports.windows import WindowsFacts, facts, missing, next_step

BOTH = Listing(("MPK mini 3", "jamlink in"), ("Microsoft GS Wavetable Synth", "jamlink out"))
ONLY_IN = Listing(("jamlink in",), ("Microsoft GS Wavetable Synth",))


@pytest.mark.parametrize(
    ("services", "loop_midi", "there", "step"),
    [
        (False, False, Listing(), "Install loopMIDI, or update Windows 11"),
        (False, True, Listing(), 'Open loopMIDI, type "jamlink in" and "jamlink out"'),
        (False, True, ONLY_IN, 'Open loopMIDI, type "jamlink out" under'),
        (True, False, Listing(), 'Open Windows\' MIDI Settings and make basic loopbacks called "jamlink in" and'),
        (True, True, ONLY_IN, 'Open Windows\' MIDI Settings and make a basic loopback called "jamlink out".'),
        (False, False, BOTH, ""),
        (True, True, BOTH, ""),
    ],
)
def test_the_step_is_the_next_one_with_what_is_installed(services, loop_midi, there, step):
    said = next_step(WindowsFacts(services, loop_midi, there))
    assert said.startswith(step)
    assert bool(said) == bool(step)


def test_a_cable_counts_at_its_own_end_only_and_whatever_windows_adds_to_its_name():
    turned = Listing(("jamlink out",), ("jamlink in",))
    assert missing(WindowsFacts(True, True, turned)) == ("jamlink in", "jamlink out")
    assert missing(WindowsFacts(True, True, Listing(("Jamlink In (2)",), ("jamlink out 1",)))) == ()


@pytest.mark.parametrize(
    ("there", "services", "loop_midi"),
    [
        ([], False, False),
        ([r"D:\Win\System32\midisrv.exe"], True, False),
        ([r"C:\Program Files (x86)\Tobias Erichsen\loopMIDI\loopMIDI.exe"], False, True),
    ],
)
def test_what_is_installed_is_found_in_the_folders_that_windows_names(there, services, loop_midi):
    environment = {"SystemRoot": r"D:\Win", "ProgramFiles(x86)": r"C:\Program Files (x86)"}
    found = facts(environment, there.__contains__, BOTH)
    assert (found.midi_services, found.loop_midi, found.there) == (services, loop_midi, BOTH)


def test_without_its_usual_variables_nothing_breaks():
    assert facts({}, lambda path: False, Listing()) == WindowsFacts(False, False, Listing())
