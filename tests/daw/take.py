"""One take in a real DAW: a scripted musician plays, jamlink proposes, a pad decides, Ardour records.

Two bare clients are recorded beside jamlink. The musician keeps the DAW's time: it writes each note at a frame counted
from the one at which the DAW says "start". The drummer keeps the machine's time, as jamlink does on its own clock: it
asks JACK which frame a moment is. On a busy machine JACK's time stumbles against the machine's, and no client that does
not follow the DAW can know.
"""

from __future__ import annotations

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import jack

from jamlink.ledger.store import read
from jamlink.midi.events import encode, note_off, note_on
from jamlink.midi.score import performance
from jamlink.midi.smf import read_score
from jamlink.session.core import START_LEAD
from jamlink.testing.jack import JackPlayer, JackRecorder
from jamlink.timing.units import NS_PER_SECOND, TICKS_PER_QUARTER, Ns, ms
from tests.daw.ardour import BPM, Ardour, TapeNote, notes_on_tape, regions
from tests.realtime.conftest import wait_until
from tests.realtime.running import Running

ROLES = ("chords", "melody", "bass")
TRACKS = ("musician", "drummer", *ROLES)
CHANNELS = dict(zip(ROLES, (0, 1, 2), strict=True))
PIANIST = Path(__file__).parent.parent / "data" / "mozart_k331_p04.mid"
ACCEPT, REJECT, PREVIEW, PLAY = (note_on(9, pad, 100) for pad in (36, 37, 39, 42))
BEATS_PER_BAR = 4
MS_PER_BEAT = 60_000 / BPM
FLAGS = ("--bars", "2", "--seed", "7", "--count-in", "0", "--click", "on")
OTHER_BPM = 97
"""What a jamlink that follows the DAW is set to beforehand."""
FIRST_BAR = 1
"""The bar of the DAW, counted from 0, on which the musician begins; jamlink too, where it keeps its own clock."""
BARS_PLAYED = 5
"""What the musician plays of the performance: into the second idea that is taken."""


class Placed(NamedTuple):
    """A note that should be on tape, and where: in beats of whoever placed it."""

    begins: float
    ends: float
    channel: int
    pitch: int
    velocity: int


@dataclass
class Take:
    """What is left of it."""

    session: Path
    jam_file: Path
    jam_said: list[str]
    musician: list[Placed]
    """What the musician played, in beats from the DAW's start."""
    drummer: list[Placed]
    """What the drummer played, in beats from the first stroke."""
    previewed: list[bytes]
    """Onsets that came out of the preview port."""
    follows: bool
    """Whether jamlink followed the DAW's clock."""
    realtime: bool
    """Whether the machine gave JACK real-time priority; without it nothing can be said about timing."""

    @cached_property
    def tape(self) -> dict[str, list[TapeNote]]:
        """What the DAW's tracks hold."""
        found: dict[str, list[TapeNote]] = {}
        for region in regions(self.session):
            found.setdefault(region.track, []).extend(notes_on_tape(region))
        return {track: sorted(notes) for track, notes in found.items()}

    @cached_property
    def entries(self) -> list[tuple[str, Any]]:
        """jamlink's own record."""
        return [(entry.kind, entry.value) for entry in read(self.jam_file)]

    def decided(self, verdict: str) -> list[dict[str, Any]]:
        """The decisions of that kind."""
        return [value for kind, value in self.entries if kind == "decided" and value["verdict"] == verdict]

    def accepted(self, role: str) -> list[Placed]:
        """What was taken for a role, on the DAW's timeline, by the record."""
        owners = {value["proposal_id"] for value in self.decided("accepted")}
        sent = [v for kind, v in self.entries if kind == "sent" and v["out"] == role and v["owner"] in owners]
        return sorted(_paired(sent, 0 if self.follows else FIRST_BAR * BEATS_PER_BAR))


def _paired(sent: list[dict[str, Any]], shift: float) -> Iterator[Placed]:
    """Notes of messages: each onset with the next end of its key."""
    begun: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for value in sorted(sent, key=lambda value: value["at"]):
        status, pitch, velocity = base64.b64decode(value["data"])
        at = value["at"] / TICKS_PER_QUARTER + shift
        if status & 0xF0 == 0x90 and velocity:
            begun.setdefault((status & 0x0F, pitch), []).append((at, velocity))
        elif status & 0xF0 in (0x80, 0x90):
            since, loud = begun[status & 0x0F, pitch].pop(0)
            yield Placed(since, at, status & 0x0F, pitch, loud)


def what(note: Placed | TapeNote) -> tuple[int, int, int]:
    """A note without its place."""
    return note.channel, note.pitch, note.velocity


def misplaced_ms(intended: list[Placed], tape: list[TapeNote]) -> list[float]:
    """How much later than meant each note begins on tape; the same notes in both, in any order of simultaneous ones."""
    assert Counter(map(what, intended)) == Counter(map(what, tape))
    by_key = sorted(intended, key=lambda n: (what(n), n.begins)), sorted(tape, key=lambda n: (what(n), n.begins))
    return [(b.begins - a.begins) * MS_PER_BEAT for a, b in zip(*by_key, strict=True)]


def spread(values: list[float], share: float = 1.0) -> float:
    """From the least to the most, of the middle `share` of the values."""
    cut = round(len(values) * (1 - share) / 2)
    middle = sorted(values)[cut : len(values) - cut]
    return middle[-1] - middle[0]


# -- the bare clients ------------------------------------------------------------------------------------------------------


def play(musician: JackPlayer, start: int) -> list[Placed]:
    """Queues the pianist's performance from FIRST_BAR on; returns what that should leave on a track.

    `start` is the frame of the DAW's beat 0.
    """
    frames_per_beat = musician.rate * 60 // BPM
    first = start + FIRST_BAR * BEATS_PER_BAR * frames_per_beat
    last = first + BARS_PLAYED * BEATS_PER_BAR * frames_per_beat
    down: dict[tuple[int, int], tuple[int, int]] = {}
    placed = []
    for event in performance(read_score(PIANIST), "piano"):
        data, frame = encode(event), first + event.at * musician.rate // NS_PER_SECOND
        key = data[0] & 0x0F, data[1]
        if data[0] & 0xF0 == 0x80 and key in down:
            musician.play(data, frame)
            since, velocity = down.pop(key)
            placed.append(Placed((since - start) / frames_per_beat, (frame - start) / frames_per_beat, *key, velocity))
        elif data[0] & 0xF0 == 0x90 and frame < last:
            musician.play(data, frame)
            down[key] = frame, data[2]
    return placed


class Drummer:
    """Strikes eight times a beat by the machine's clock, until the `with` ends. A thread of its own hands notes over."""

    EVERY = Ns(NS_PER_SECOND * 60 // BPM // 8)
    AHEAD = ms(200)

    def __init__(self) -> None:
        self.player = JackPlayer("drummer")
        self.struck: list[Placed] = []
        """In beats from the first."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._strike)

    def _strike(self) -> None:
        first = due = Ns(time.monotonic_ns() + self.AHEAD)
        while not self._over.wait(0.02):
            while due < time.monotonic_ns() + self.AHEAD:
                frame = self.player.client.frame_time + (due - time.monotonic_ns()) * self.player.rate // NS_PER_SECOND
                length = self.EVERY // 2
                self.player.play(note_on(9, 42, 90), frame)
                self.player.play(note_off(9, 42), frame + length * self.player.rate // NS_PER_SECOND)
                beat = (due - first) * BPM / 60 / NS_PER_SECOND
                self.struck.append(Placed(beat, beat + length * BPM / 60 / NS_PER_SECOND, 9, 42, 90))
                due = Ns(due + self.EVERY)

    def __enter__(self) -> Drummer:
        return self

    def begin(self) -> None:
        """From now on."""
        self._thread.start()

    def end(self) -> None:
        """The last stroke has sounded."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
            wait_until(lambda: self.player.idle)

    def __exit__(self, *_: object) -> None:
        self.end()
        self.player.close()


def daws_start(clock: JackRecorder) -> int | None:
    """The frame of the DAW's MIDI clock "start"; None until it was said."""
    return next((r.frame for r in clock.recorded if r.data == b"\xfa"), None)


# -- ways from jamlink to the DAW's tracks ---------------------------------------------------------------------------------


class Route(NamedTuple):
    """How the notes get there. `plugs` are further tracks, each with the plug-in set to a part; see jamlink.ttl."""

    system: str
    """jamlink's MIDI system."""
    plugs: dict[str, int]
    inputs: str
    """The port that hears the musician and the pads."""
    output: str
    """The port of a role, "{}", or of the preview."""
    clock: str
    """The port that the DAW's MIDI clock goes to, if any."""
    follows: bool
    """Whether jamlink follows the DAW, or keeps its own clock and is started by hand."""

    @property
    def flags(self) -> tuple[str, ...]:
        """How jamlink is started."""
        return (*FLAGS, "--tempo", str(OTHER_BPM if self.follows else BPM))

    def lay_cables(self, client: Any, hands: tuple[str, ...], preview: str) -> None:
        """The musician and the pads to jamlink, each role to its track, the preview to an ear and the click to none."""
        for hand in hands:
            connect(client, hand, self.inputs)
        for role in ROLES:
            connect(client, self.output.format(role), f"ardour:{role}/midi_in 1")
        connect(client, self.output.format("preview"), preview)
        if self.clock:
            connect(client, "ardour:MIDI Clock out", self.clock)


OWN_CLOCK = Route("JACK", {}, "jamlink:in", "jamlink:{}", "", follows=False)
DAWS_CLOCK = Route("JACK", {}, "jamlink:in", "jamlink:{}", "jamlink:clock in", follows=True)
PLUGIN = Route(
    "plug-in",
    {"plug-ears": 6, "plug-chords": 1, "plug-melody": 2, "plug-bass": 3, "plug-preview": 5},
    "ardour:plug-ears/midi_in 1",
    "ardour:plug-{}/midi_out 1",
    "",
    follows=True,
)


# -- the take ----------------------------------------------------------------------------------------------------------


def connect(client: Any, source: str, target: str) -> None:
    """A cable; once they are both there."""

    def there() -> bool:
        try:
            client.connect(source, target)
        except jack.JackError:
            return target in {port.name for port in _connected(client, source)}
        return True

    wait_until(there)


def _connected(client: Any, port: str) -> list[Any]:
    try:
        return list(client.get_all_connections(port))
    except jack.JackError:
        return []


def record_a_take(route: Route, daw: Ardour, running: Running, realtime: bool) -> Take:
    """From a DAW that is ready and a jam that has just been started to a saved session. Some 20 s."""
    with (
        JackPlayer("musician") as musician,
        JackPlayer("pads") as pads,
        JackRecorder("clock") as clock,
        JackRecorder("preview") as preview,
        Drummer() as drummer,
    ):
        client = musician.client
        connect(client, musician.port_name, "ardour:musician/midi_in 1")
        connect(client, drummer.player.port_name, "ardour:drummer/midi_in 1")
        connect(client, "ardour:MIDI Clock out", clock.port_name)
        route.lay_cables(client, (musician.port_name, pads.port_name), preview.port_name)
        wait_until(lambda: running.has_its_model)
        for track in TRACKS:
            daw.order(f"arm {track}", "armed")
        daw.order("record", "rolling")
        wait_until(lambda: daws_start(clock) is not None)
        start = daws_start(clock)
        assert start is not None
        bar = musician.rate * 60 // BPM * BEATS_PER_BAR
        placed = play(musician, start)
        drummer.begin()
        lead = START_LEAD * musician.rate // NS_PER_SECOND
        if not route.follows:
            pads.play(PLAY, start + FIRST_BAR * bar - lead)
        decide(pads, preview, running)
        wait_until(lambda: musician.idle)
        drummer.end()
        daw.order(f"stop {' '.join(TRACKS)}", "stopped")
        previewed = [r.data for r in preview.note_ons()]
    running.end()
    daw.quit()
    return Take(
        daw.session, running.session_file, running.lines, placed, drummer.struck, previewed, route.follows, realtime
    )


def decide(pads: JackPlayer, preview: JackRecorder, running: Running) -> None:
    """The first hand is heard and taken, the second thrown away, the next one taken; until all of it was played."""

    def times(words: str) -> int:
        return sum(words in line for line in running.lines)

    def over() -> bool:
        playing = [line for line in running.lines if line.startswith(("playing:", "played out"))]
        return times("playing:") >= 2 and playing[-1] == "played out"

    wait_until(lambda: times("decide by") >= 1)
    pads.play(PREVIEW)
    wait_until(preview.note_ons)
    pads.play(ACCEPT)
    wait_until(lambda: times("taken") >= 1)
    wait_until(lambda: times("decide by") >= 2)
    pads.play(REJECT)
    wait_until(lambda: times("decide by") >= 3)
    pads.play(ACCEPT)
    wait_until(lambda: times("taken") >= 2)
    wait_until(over)
