"""Every failing line of the doctor's says what to do."""

from __future__ import annotations

import shutil

import pytest

from jamlink.errors import Unavailable
from jamlink.ports.base import Direction, Listing
from jamlink.ports.discovery import Found, PortInfo
from jamlink.ports.windows import WindowsFacts
from jamlink.runtime import doctor
from jamlink.runtime.doctor import (
    Check,
    check_cables,
    check_folder,
    check_notes,
    check_ports,
    check_python,
    check_systems,
    loopback,
    run_checks,
)
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.testing.clock import ManualClock

NOTHING = Found((), (Unavailable("No JACK.", "Start it."), Unavailable("No ALSA.", "Load it.")), ())
KEYS = PortInfo("JACK", Direction.IN, "MPK mini")


def test_an_old_python_is_named_with_the_one_to_install():
    check = check_python((3, 9, 1))
    assert not check.ok
    assert (check.what, check.remedy) == ("3.9.1", "Install Python 3.11 or newer.")
    assert check_python().ok


def test_one_midi_system_is_enough_and_the_absent_one_is_told():
    check = check_systems(Found((), (Unavailable("No ALSA.", "Load it."),), ("JACK",)))
    assert check.ok
    assert check.what == "JACK answers. No ALSA."


def test_without_any_midi_system_one_thing_to_do_is_said():
    check = check_systems(NOTHING)
    assert not check.ok
    assert (check.what, check.remedy) == ("No JACK. No ALSA.", "Load it.")
    assert not check_notes(ManualClock(), NOTHING, "auto")[0].ok


def test_ports_are_listed_by_direction_and_none_is_well_where_we_make_our_own():
    assert check_ports(NOTHING).ok
    assert check_ports(Found((KEYS,), (), ("JACK",))).what == "to hear from: MPK mini; to play to: none"


@pytest.mark.parametrize(
    ("there", "ok", "words"),
    [
        (Listing(), False, "missing; loopMIDI is installed. Open loopMIDI"),
        (Listing(("MPK mini",), ()), False, "Open loopMIDI"),
        (Listing(("MPK mini",), ("Synth",)), True, "For a DAW: Open loopMIDI"),
        (Listing(("jamlink in",), ("jamlink out",)), True, "both are there, by loopMIDI"),
    ],
)
def test_on_windows_missing_cables_are_one_step_and_no_trouble_beside_a_keyboard_and_a_synth(there, ok, words):
    check = check_cables(WindowsFacts(False, True, there))
    assert check.ok is ok
    assert words in (check.what if ok else f"{check.what} {check.remedy}")


def test_on_windows_the_doctor_looks_for_cables_and_elsewhere_not(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "list_ports", lambda clock, system: NOTHING)
    names = {}
    for here in (True, False):
        monkeypatch.setattr(doctor, "_ON_WINDOWS", here)
        names[here] = [check.name for check in run_checks(MonotonicClock(), tmp_path)]
    assert set(names[True]) - set(names[False]) == {"cables"}


def test_the_session_folder_is_made_and_nothing_stays_in_it(tmp_path):
    folder = tmp_path / "new" / "sessions"
    assert check_folder(folder).ok
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_names_the_setting(tmp_path):
    (tmp_path / "file").write_text("in the way")
    check = check_folder(tmp_path / "file" / "sessions")
    assert not check.ok
    assert "sessions_folder" in check.remedy


def test_a_full_disk_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1000))
    check = check_folder(tmp_path)
    assert not check.ok
    assert "room" in check.remedy


def broken():
    raise ZeroDivisionError("by zero")


def without_model():
    raise Unavailable("There is no model.", "Install it.")


def test_more_checks_come_last_and_one_that_breaks_has_failed_and_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "list_ports", lambda clock, system: NOTHING)
    well = Check("model", True, "jam-s")
    *own, model, trouble, bug = run_checks(MonotonicClock(), tmp_path, [lambda: well, without_model, broken])
    assert [check.name for check in own] == ["Python", "MIDI", "ports", "loop-back", "disk"]
    assert model is well
    assert (trouble.ok, trouble.what, trouble.remedy) == (False, "There is no model.", "Install it.")
    assert not bug.ok
    assert "by zero" in bug.what
    assert all(check.remedy for check in (*own, trouble, bug) if not check.ok)


@pytest.mark.parametrize(("trips", "ok"), [([1.0] * 80, True), ([1.0] * 79, False), ([50.0] * 80, False)])
def test_a_lost_note_or_a_slow_way_fails(trips, ok):
    check = doctor._judge(trips)
    assert check.ok is ok
    assert check.remedy


def test_without_a_midi_system_there_is_nothing_to_measure_and_one_thing_to_do(monkeypatch):
    monkeypatch.setattr(doctor, "list_ports", lambda clock, system: NOTHING)
    assert loopback(ManualClock(), "", "", "auto") == [check_systems(NOTHING)]


# -- the offset to set ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ways", "ok", "words"),
    [
        ([11.0] * 50, True, "offsets = { all = -5.5 }"),
        ([0.2] * 50, True, "no offset is needed"),
        ([-0.3] * 50, True, "no offset is needed"),
        ([10.0, 30.0] * 25, False, "unsteady"),
        ([11.0] * 20, False, "30 of 50 notes did not come back"),
        ([], False, "50 of 50"),
    ],
)
def test_half_of_a_steady_way_is_the_offset_and_an_unsteady_one_has_none(ways, ok, words):
    check = doctor.judge_loopback(ways)
    assert check.ok is ok
    assert words in f"{check.what} {check.remedy}"
