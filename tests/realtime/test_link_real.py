"""Ableton Link with a real peer, in a network namespace of its own: Link calls on every interface otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("link")]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def told():
    private = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    here = subprocess.run([*private, "true"], capture_output=True, check=False).returncode == 0
    if find_spec("aalink") is None or not here:
        why = "no network of its own can be had here" if find_spec("aalink") else "aalink is not installed"
        pytest.fail(why) if os.environ.get("CI") == "true" and here else pytest.skip(why)
    room = [*private, sys.executable, "-m", "tests.realtime.link_room"]
    ran = subprocess.run(room, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_joining_changes_nobody_s_tempo(told):
    assert told["alone"] == "own clock"
    assert told["joined"]["peer"]["peers"] == 1
    assert told["joined"]["peer"]["tempo"] == pytest.approx(97.5, abs=0.001)
    assert told["joined"]["ours"] == pytest.approx(97.5, abs=0.01)


def test_our_beats_are_theirs(told):
    apart = sorted(map(abs, told["apart"]))
    print(f"apart, in beats: in the middle {apart[len(apart) // 2]:.5f}, most {apart[-1]:.5f}")
    assert apart[len(apart) // 2] < 1 / 96


def test_a_new_tempo_is_followed(told):
    assert told["new tempo"]["peer"]["tempo"] == pytest.approx(110, abs=0.001)
    assert told["new tempo"]["ours"] == pytest.approx(110, abs=0.01)
    assert abs(told["new tempo"]["apart"]) < 1 / 24


def test_a_link_process_that_dies_is_replaced_and_the_music_neither_stops_nor_leaves_the_beat(told):
    assert not told["replaced"]["stopped"]
    assert abs(told["replaced"]["apart"]) < 1 / 24


def test_starts_are_shared_and_a_lost_peer_leaves_the_music_going(told):
    assert abs(told["started"]["apart"]) < 1 / 24
    assert told["lost"] == {"playing": True, "words": "Link lost: going on at 110"}
