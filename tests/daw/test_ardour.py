"""jamlink in a real DAW: Ardour records what was taken and nothing else, where it was meant to be.

Ardour runs without a window under JACK's dummy driver, with a session made by script. jamlink runs as a player starts
it; its ports are connected to armed tracks, its gestures come from a pad.
"""

from __future__ import annotations

import contextlib
import statistics
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from jamlink.errors import Unavailable
from jamlink.ledger.store import verify
from jamlink.plugin.build import URI
from jamlink.ports.jack_server import private_jack_server
from jamlink.runtime.replaying import replay
from tests.daw import sound
from tests.daw import take as takes
from tests.daw.ardour import BPM, TapeNote, regions, started
from tests.daw.conftest import without
from tests.daw.take import CHANNELS, MS_PER_BEAT, ROLES, TRACKS, Take, misplaced_ms, spread, what
from tests.realtime.running import Running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

DAW_TICK_MS = MS_PER_BEAT / 1920
"""Ardour keeps a recorded note at the nearest of 1920 places in a beat."""
CLOCK_TO_TAPE_MS = 10.0
"""Ardour's MIDI clock runs 5.7 ms behind its own recorder, always the same."""

MOST, HALF = 0.8, 0.5
"""Of the notes. The drummer strikes all the time and so into every stumble of JACK's time; of jamlink's few notes many
may fall into one."""
STUMBLE_MS = 20.0
STILL_MS = 10.0
"""What keeps the machine's time lies within this on tape, most of it, where JACK's time keeps still. On a machine with
more to do than it can, JACK's dummy driver loses whole periods; then only half of the notes are compared."""
TAKES = 2
ROUNDED_MS = 0.01 * MS_PER_BEAT
"""Lengths are compared by hundredths of a beat, in whose order equal notes are matched."""
FOLLOWED_MS = 2 * 0.33
"""A follower is only told what it would get wrong by more than a third of a millisecond, to either side."""


@pytest.fixture(
    scope="module",
    params=[takes.OWN_CLOCK, takes.DAWS_CLOCK, takes.PLUGIN],
    ids=["own clock", "DAW's clock", "plug-in"],
)
def take(request, quiet_jack, bundle, tmp_path_factory) -> Take:
    """Another one where JACK's time stumbled in the first."""
    for _ in range(TAKES):
        made = recorded(request.param, quiet_jack, bundle, tmp_path_factory.mktemp("take"))
        if stood_still(made):
            break
    return made


def stood_still(take: Take) -> bool:
    """Whether JACK's time did."""
    return take.realtime and spread(misplaced_ms(take.drummer, take.tape["drummer"]), MOST) <= STILL_MS


def bare_ms(take: Take) -> float:
    """How far what the drummer struck lies apart on tape, and what else a client's time may be off by."""
    told = 2 * DAW_TICK_MS + (FOLLOWED_MS if take.follows else 0)
    return spread(misplaced_ms(take.drummer, take.tape["drummer"])) + told


def recorded(route: takes.Route, quiet_jack: Path, bundle: Path, folder: Path) -> Take:
    with pytest.MonkeyPatch.context() as environment, contextlib.ExitStack() as things:
        environment.setenv("JAMLINK_PLUGIN", str(folder / "meet" / "plug-in"))
        environment.setenv("LV2_PATH", f"{bundle.parent}:/usr/lib/lv2")
        try:
            server = things.enter_context(private_jack_server(period_frames=256))
            daw = things.enter_context(started(folder, quiet_jack, (*TRACKS, *route.plugs)))
        except Unavailable as missing:
            without(missing)
            raise
        for track, part in route.plugs.items():
            daw.order(f"plugin {track} {URI} {part}", "plugged")
        running = Running(folder / "jam", *route.flags, play=False, system=route.system)
        things.callback(running.end)
        return takes.record_a_take(route, daw, running, server.realtime)


def test_the_musician_is_on_tape_note_for_note(take):
    assert len(take.musician) > 30
    assert Counter(map(what, take.tape["musician"])) == Counter(map(what, take.musician))


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_track_holds_exactly_the_notes_that_were_taken(take, role):
    assert len(take.decided("accepted")) == 2
    assert take.accepted(role)
    assert Counter(map(what, take.tape[role])) == Counter(map(what, take.accepted(role)))
    assert {note.channel for note in take.tape[role]} == {CHANNELS[role]}


def test_what_was_only_heard_or_refused_is_on_no_track(take):
    assert take.previewed, "the idea was heard before it was taken"
    assert {data[0] & 0x0F for data in take.previewed} == {15}
    assert take.decided("rejected")
    assert set(take.tape) == set(TRACKS)
    assert all(note.channel == CHANNELS[role] for role in ROLES for note in take.tape[role])


def test_jamlink_keeps_time_as_well_as_a_bare_client(take):
    meant, tape = all_roles(take)
    late = {
        "musician": misplaced_ms(take.musician, take.tape["musician"]),
        "drummer": misplaced_ms(take.drummer, take.tape["drummer"]),
        "jamlink": misplaced_ms(meant, tape),
    }
    bare, still = bare_ms(take), stood_still(take)
    for who, lates in late.items():
        figures = statistics.median(lates), spread(lates), spread(lates, MOST)
        print(f"{who}: median {figures[0]:.3f} ms, spread {figures[1]:.3f} ms, of most {figures[2]:.3f} ms")
    assert abs(statistics.median(late["musician"])) < CLOCK_TO_TAPE_MS
    assert spread(late["jamlink"], MOST if still else HALF) <= bare
    if still:
        assert spread(late["jamlink"]) <= 2 * bare + STUMBLE_MS
    if take.follows:
        assert abs(statistics.median(late["jamlink"])) < CLOCK_TO_TAPE_MS + bare


def all_roles(take: Take) -> tuple[list[takes.Placed], list[TapeNote]]:
    """What was taken, and what is on tape, for all roles."""
    return [n for role in ROLES for n in take.accepted(role)], [n for role in ROLES for n in take.tape[role]]


def test_lengths_are_kept_as_well_as_a_bare_client_keeps_time(take):
    off = []
    for role in ROLES:
        meant = sorted((what(n), round(n.ends - n.begins, 2)) for n in take.accepted(role))
        kept = sorted((what(n), round(n.ends - n.begins, 2)) for n in take.tape[role])
        for (_, long), (_, recorded) in zip(meant, kept, strict=True):
            off.append(abs(long - recorded) * MS_PER_BEAT)
    assert sorted(off)[int(len(off) * (MOST if stood_still(take) else HALF))] <= bare_ms(take) + ROUNDED_MS


def test_what_the_daw_recorded_sounds_where_it_was_recorded(take, tmp_path):
    for region in regions(take.session):
        if region.track not in ROLES:
            continue
        recorded = sorted({round(note.begins * 60 / BPM, 2) for note in take.tape[region.track]})
        samples = sound.sound_of(region.file, tmp_path / "take.raw")
        heard = sound.onsets_s(samples, sound.FAINT)
        for onset in recorded:
            assert np.abs(heard - onset).min() < 0.02, f"{region.track} at {onset} s is not heard"
        if region.track == "melody":  # one note at a time: nothing else may begin
            assert all(
                np.abs(np.array(recorded) - onset).min() < 0.02 for onset in sound.onsets_s(samples, sound.PLAIN)
            )


def test_the_record_is_whole_and_replays(take):
    assert verify(take.jam_file).whole
    assert replay(take.jam_file).same
