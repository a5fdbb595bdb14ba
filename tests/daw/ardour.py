"""A real DAW for tests: Debian's Ardour without a window, taking orders from a script of its own (`daw.lua`).

It joins the JACK server named by JACK_DEFAULT_SERVER, has a home folder of its own, and is ended with the `with`.
Its regions are read from the MIDI files in its session folder, at the file's full resolution, and not through Ardour.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree

import mido

from jamlink.errors import Unavailable

HERE = Path(__file__).parent
PROGRAMS = ("ardour9-lua", "ardour8-lua", "ardour7-lua")
"""Debian 12 has the last one."""
TRIES = 3
BPM = 120
"""Ardour's own tempo for a new session."""
RATE = 48_000
"""Frames a second of its sessions; see daw.lua."""
_SESSION_BEAT = 1920
"""Ticks to a beat in Ardour's session files; its MIDI files count 19,200."""
PATIENCE_S = 60.0
"""Ardour is ready in 3 to 6 s on a quiet machine; a busy one may take its time."""


@dataclass(frozen=True, slots=True, order=True)
class TapeNote:
    """A note on a DAW's track: where it begins and ends, in beats from the session's start."""

    begins: float
    ends: float
    channel: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Region:
    """A recorded region: its place on the timeline and in its file, in beats, and the file."""

    track: str
    position: float
    start: float
    length: float
    file: Path


def build_quiet_jack(folder: Path) -> Path:
    """A libjack for Ardour alone; see quiet_jack.c. Raises `Unavailable` without the tools."""
    for tool in ("cc", "patchelf"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{tool} is missing.", "Run: make tools")
    found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    real = next((line.split()[-1] for line in found.splitlines() if "libjack.so.0" in line), None)
    if real is None:
        raise Unavailable("JACK's library is missing.", "Run: make tools")
    renamed = folder / "libjack-real.so.0"
    shutil.copy(real, renamed)
    subprocess.run(["patchelf", "--set-soname", renamed.name, renamed], check=True)
    here = ["-Wl,-soname,libjack.so.0", "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", f"-L{folder}", f"-l:{renamed.name}"]
    made = folder / "libjack.so.0"
    warn = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *warn, "-shared", "-fPIC", "-O2", "-o", made, HERE / "quiet_jack.c", *here], check=True)
    return folder


class Ardour:
    """Owns one Ardour. `tracks` are MIDI tracks, connected to nothing."""

    def __init__(self, folder: Path, quiet_jack: Path, tracks: tuple[str, ...]) -> None:
        program = next((name for name in PROGRAMS if shutil.which(name)), None)
        if program is None:
            raise Unavailable("Ardour is missing.", "Run: make tools")
        self.session = folder / "session"
        home = folder / "home"
        home.mkdir(parents=True)
        # The session's children see JACK's server through the environment; the rest must not see the player's Ardour.
        places = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "LD_LIBRARY_PATH": str(quiet_jack)}
        self._log = (folder / "ardour.log").open("w")
        self._process = subprocess.Popen(
            [program, str(HERE / "daw.lua"), str(self.session), "take", *tracks],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, **places},
        )
        self.said: list[str] = []
        self._answers: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("DAW "):
                self._answers.put(line.removeprefix("DAW ").strip())

    def wait_for(self, word: str) -> list[str]:
        """What it said up to the answer that begins with `word`, that one last."""
        heard: list[str] = []
        deadline = time.monotonic() + PATIENCE_S
        while not heard or heard[-1].split()[0] != word:
            try:
                heard.append(self._answers.get(timeout=max(0.0, min(1.0, deadline - time.monotonic()))))
            except queue.Empty:
                ended = self._process.poll() is not None
                assert not ended, f"Ardour ended before it said {word!r}: {self.said[-5:]}"
                assert time.monotonic() < deadline, f"Ardour never said {word!r}: {self.said[-5:]}"
        return heard

    def order(self, words: str, answer: str) -> list[str]:
        """Gives one order and waits for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        return self.wait_for(answer)

    def quit(self) -> None:
        """Saves and goes, in its own time."""
        self.order("quit", "closed")
        self._end()

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._process.poll() is None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._listener.join(timeout=PATIENCE_S)
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._log.closed:
            self._process.kill()
            self._end()


def started(folder: Path, quiet_jack: Path, tracks: tuple[str, ...]) -> Ardour:
    """An Ardour that is ready. One start in some dozens fails inside JACK's library, and is tried again."""
    for attempt in range(1, TRIES):
        with contextlib.suppress(AssertionError), contextlib.ExitStack() as ended:
            daw = ended.enter_context(Ardour(folder / f"start-{attempt}", quiet_jack, tracks))
            daw.wait_for("ready")
            ended.pop_all()
            return daw
    daw = Ardour(folder / f"start-{TRIES}", quiet_jack, tracks)
    daw.wait_for("ready")
    return daw


def regions(session: Path) -> list[Region]:
    """What lies on the tracks of a saved session, as its file says."""
    tree = ElementTree.parse(session / "take.ardour").getroot()
    (folder,) = session.glob("interchange/*/midifiles")
    sources = {source.get("id"): source.get("name", "") for source in tree.iter("Source")}
    found = []
    for playlist in tree.iter("Playlist"):
        for region in playlist.iter("Region"):
            length, _, position = region.get("length", "").partition("@")
            file = folder / sources[region.get("source-0")]
            places = _beats(position), _beats(region.get("start", "")), _beats(length)
            found.append(Region(playlist.get("name", ""), *places, file))
    return found


def _beats(place: str) -> float:
    """ "b1920" -> 1.0"""
    assert place.startswith("b"), f"{place!r} is not counted in beats"
    return int(place[1:]) / _SESSION_BEAT


def notes_on_tape(region: Region) -> list[TapeNote]:
    """The notes of a region's file, by time. A note that never ends is a failure."""
    file = mido.MidiFile(region.file)
    notes: list[TapeNote] = []
    begun: dict[tuple[int, int], list[tuple[float, int]]] = {}
    at = region.position - region.start
    for message in mido.merge_tracks(file.tracks):
        at += message.time / file.ticks_per_beat
        if message.type == "note_on" and message.velocity > 0:
            begun.setdefault((message.channel, message.note), []).append((at, message.velocity))
        elif message.type in ("note_on", "note_off"):
            since, velocity = begun[message.channel, message.note].pop(0)
            notes.append(TapeNote(since, at, message.channel, message.note, velocity))
    endless = {key: left for key, left in begun.items() if left}
    assert not endless, f"notes without an end in {region.file.name}: {endless}"
    return sorted(notes)
