"""What the page really sounds: its output is recorded in the browser, and onsets are found in the samples."""

from __future__ import annotations

import math
from array import array
from base64 import b64decode
from typing import Any

RATE = 48_000
HOP = RATE // 1000
"""Samples; a millisecond."""

_RECORD = """
() => {
  const { context, _out } = window.jamlink.sound;
  const into = context.createMediaStreamDestination();
  _out.connect(into);
  const recorder = new MediaRecorder(into.stream, { audioBitsPerSecond: 192000 });
  const chunks = [];
  recorder.ondataavailable = (event) => chunks.push(event.data);
  recorder.start();
  window.stopListening = () => new Promise((done) => {
    recorder.onstop = async () => {
      const raw = await new Blob(chunks).arrayBuffer();
      const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(raw);
      const samples = new Uint8Array(sound.getChannelData(0).buffer);
      let text = "";
      for (let at = 0; at < samples.length; at += 30000) text += String.fromCharCode(...samples.subarray(at, at + 30000));
      done(btoa(text));
    };
    recorder.stop();
  });
}
"""


def start(page: Any) -> None:
    """Begin to record; the page must have been woken."""
    page.evaluate(_RECORD)


def stop(page: Any) -> list[float]:
    """Loudness of what was recorded, one value per millisecond (root of the mean square, full scale is 1)."""
    samples = array("f", b64decode(page.evaluate("window.stopListening()")))
    return [math.sqrt(sum(x * x for x in samples[i : i + HOP]) / HOP) for i in range(0, len(samples) - HOP, HOP)]


def rises(loud: list[float]) -> list[float]:
    """For each millisecond how much louder the next few are than the few before: 0 for not at all."""
    floor = 1e-4
    found = [0.0] * len(loud)
    for at in range(6, len(loud) - 6):
        before, after = sum(loud[at - 5 : at]) / 5 + floor, sum(loud[at : at + 5]) / 5 + floor
        found[at] = max(0.0, math.log(after / before))
    return found


def onset_near(rise: list[float], at: float, reach: int = 30) -> tuple[int, float]:
    """The steepest rise within `reach` ms of `at`: where, and how steep."""
    around = range(max(0, int(at) - reach), min(len(rise), int(at) + reach + 1))
    best = max(around, key=lambda ms: rise[ms])
    return best, rise[best]


def delay(rise: list[float], expected: list[float]) -> int:
    """By how many ms all of `expected` must be shifted so that they fall on rises."""
    longest = len(rise) - int(max(expected)) - 1
    return max(range(longest), key=lambda shift: sum(rise[int(at) + shift] for at in expected))
