"""What a MIDI file sounds like, and where in the sound notes begin."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

SOUND_FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
RATE = 22_050
_WINDOW, _HOP = 512, 110
_BESIDE = 8
"""Hops, 40 ms: of two rises closer than this only the stronger counts."""
PLAIN, FAINT = 20.0, 8.0
"""Sum over all frequencies of the logarithm's rise. A piano that only rings on stays below the first; a low note struck
again on itself may rise by little more than the second."""


def fluidsynth() -> str:
    """The program. Missing, it is a failure where CI=true, else a skip."""
    program = shutil.which("fluidsynth")
    if program is not None and SOUND_FONT.exists():
        return program
    if os.environ.get("CI") == "true":
        pytest.fail("FluidSynth or its sound font is missing; run: make tools")
    pytest.skip("FluidSynth or its sound font is not installed")


def sound_of(midi: Path, raw: Path) -> np.ndarray:
    """Mono samples of the file, played dry (no reverb, so that silence is silence); `raw` is written on the way."""
    dry = ["-o", "synth.reverb.active=0", "-o", "synth.chorus.active=0"]
    to_file = ["-r", str(RATE), "-O", "s16", "-T", "raw", "-F", str(raw)]
    subprocess.run([fluidsynth(), "-ni", *dry, *to_file, str(SOUND_FONT), str(midi)], check=True, capture_output=True)
    return np.fromfile(raw, np.int16).reshape(-1, 2).mean(axis=1) / 32_768


def onsets_s(sound: np.ndarray, rises: float) -> np.ndarray:
    """Seconds at which something begins to sound: where the spectrum rises all at once, by `rises` or more."""
    starts = range(0, len(sound) - _WINDOW, _HOP)
    spectra = np.abs(np.array([np.fft.rfft(sound[i : i + _WINDOW] * np.hanning(_WINDOW)) for i in starts]))
    loud = np.log1p(100 * spectra)
    flux = np.maximum(loud[2:] - loud[:-2], 0).sum(axis=1)
    peaks = [
        i for i, rise in enumerate(flux) if rise > rises and rise == flux[max(0, i - _BESIDE) : i + _BESIDE + 1].max()
    ]
    return (np.array(peaks) * _HOP + _HOP + _WINDOW / 2) / RATE
