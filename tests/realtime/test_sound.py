"""What a render sounds like: a real synthesizer plays the file with the accepted ideas and the file without.

Up to the bar on which the first accepted idea starts, the two are the same sound, sample by sample; from that bar on
there is something to hear in one that is not in the other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from jamlink.app.offline import render
from jamlink.ledger.store import read
from jamlink.midi.smf import read_score

pytestmark = pytest.mark.real

PIANIST = Path(__file__).parent.parent / "data" / "mozart_k331_p04.mid"
SOUND_FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
RATE = 22_050


@pytest.fixture(scope="module")
def fluidsynth():
    program = shutil.which("fluidsynth")
    if program is None or not SOUND_FONT.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("FluidSynth or its sound font is missing; run: make tools")
        pytest.skip("FluidSynth or its sound font is not installed")
    return program


def sound_of(program: str, midi: Path) -> np.ndarray:
    """Mono samples of the file, played dry (no reverb, so that silence is silence)."""
    raw = midi.with_suffix(".raw")
    dry = ["-o", "synth.reverb.active=0", "-o", "synth.chorus.active=0"]
    subprocess.run(
        [program, "-ni", *dry, "-r", str(RATE), "-O", "s16", "-T", "raw", "-F", str(raw), str(SOUND_FONT), str(midi)],
        check=True,
        capture_output=True,
    )
    return np.fromfile(raw, np.int16).reshape(-1, 2).mean(axis=1)


def jam(target: Path, accept: str) -> dict:
    said = {"session.bars": 2, "session.seed": 5, "model.proposer": "rules"}
    return render(PIANIST, target, said, accept=accept, model="jam-s")


def first_note_of_ours(session: Path, midi: Path) -> float:
    """Seconds into the exported file at which the first accepted note is due."""
    ours = {"chords", "melody", "bass"}
    score = read_score(midi)
    onsets = [score.ns_at(note.onset) for part in score.parts if part.name in ours for note in part.notes]
    sent = [entry for entry in read(session) if entry.kind == "sent"]
    assert sent
    return min(onsets) / 1e9


def test_the_sound_changes_on_the_bar_of_the_first_accepted_idea_and_not_before(fluidsynth, tmp_path):
    with_ideas, without = tmp_path / "with.mid", tmp_path / "without.mid"
    report = jam(with_ideas, "best")
    jam(without, "none")
    assert report["slots"][0]["verdict"] == "accepted"
    starts = first_note_of_ours(Path(report["session"]), with_ideas)
    score = read_score(with_ideas)
    assert abs(score.ns_at(score.meters[0].meter.bar_start(report["slots"][0]["bar"] - 1)) / 1e9 - starts) < 0.002
    a, b = sound_of(fluidsynth, with_ideas), sound_of(fluidsynth, without)
    length = min(len(a), len(b))
    difference = np.abs(a[:length] - b[:length])
    before, after = int((starts - 0.01) * RATE), int((starts + 0.5) * RATE)
    assert difference[:before].max() == 0
    assert difference[before:after].max() > 300, "half a second into the idea it can be heard"
