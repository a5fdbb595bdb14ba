"""Standard MIDI files (RP-001, version 1.0): any musician's file in, type-1 files out.

Reading is our own and not mido's for three reasons, measured: mido reads a whole file before a limit can be looked at
(7 s for a million events, ours 4), refuses a file for one odd key signature, and accepts a division of 0 and
SMPTE time, which fail later. It does the writing, and in the tests it is the oracle of our reading.

A chunk that is cut or an event that cannot be read makes the file `Nonsense`. A mark that means nothing (tempo 0, nine
flats) is left out: no note is lost for it.
"""

from __future__ import annotations

import io
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import mido

from jamlink.errors import Nonsense
from jamlink.midi.files import read_whole, write_whole
from jamlink.midi.score import Bend, Control, KeyMark, Marker, MeterMark, MidiScore, Part, TempoMark
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.pitch import pitch_class_name
from jamlink.timing.units import NS_PER_SECOND, TICKS_PER_QUARTER, Tempo, Ticks

BYTES_LIMIT = 32 * 2**20
EVENTS_LIMIT = 1_000_000
LENGTH_LIMIT_HOURS = 24
TEXT_LIMIT = 200
"""Characters of a name or marker; the rest is cut."""

_AGAIN = "Save it again from the program that made it."


def read_score(path: Path) -> MidiScore:
    """The score in the file at `path`. Raises `Nonsense`, with a remedy, for whatever cannot be played."""
    return _named(read_whole(path, BYTES_LIMIT), str(path))


def parse_score(data: bytes) -> MidiScore:
    """The score in the bytes of a file. Raises `Nonsense`."""
    return _named(data, "This file")


def write_score(score: MidiScore, path: Path) -> None:
    """Write a type-1 file, whole or not at all. Raises `Unavailable` where the disk refuses."""
    write_whole(path, score_bytes(score))


# -- reading: chunks and events ---------------------------------------------------------------------------------------

Event: TypeAlias = tuple[int, int, bytes]
"""Tick in the file's own division, status byte, data. A meta event's data begins with its type."""

_META, _SYSEX, _SYSEX_MORE = 0xFF, 0xF0, 0xF7
_NAME, _MARKER, _END_OF_TRACK, _TEMPO, _METER, _KEY = 0x03, 0x06, 0x2F, 0x51, 0x58, 0x59
_TEXT, _LYRIC = 0x01, 0x05


class _Broken(Exception):
    """What is wrong with the file, to be said after its name."""


def _named(data: bytes, name: str) -> MidiScore:
    try:
        score = _score(data)
    except _Broken as broken:
        raise Nonsense(f"{name} {broken}.", _AGAIN) from None
    if not any(part.notes for part in score.parts):
        raise Nonsense(f"{name} holds no notes.", "Choose a file with music in it.")
    if score.length > LENGTH_LIMIT_HOURS * 3600 * NS_PER_SECOND:
        raise Nonsense(f"{name} lasts more than {LENGTH_LIMIT_HOURS} hours.", "Cut it, or check its tempo.")
    return score


def _score(data: bytes) -> MidiScore:
    division, chunks = _chunks(data)
    left = EVENTS_LIMIT
    reader = _Reader(division)
    for chunk in chunks:
        left -= reader.read_track(chunk, left)
    return reader.score()


def _chunks(data: bytes) -> tuple[int, list[bytes]]:
    """The division and the bytes of each track."""
    if not data:
        raise _Broken("is empty")
    if data[:4] != b"MThd":
        raise _Broken("is not a MIDI file")
    chunks = list(_split(data))
    header = chunks[0][1] if chunks else b""
    if len(header) < 6:
        raise _Broken("has a header that is cut off")
    kind, division = int.from_bytes(header[:2]), int.from_bytes(header[4:6])
    if kind > 1:
        raise _Broken("holds separate patterns (type 2), not one piece (type 0 or 1)")
    if division & 0x8000:
        raise _Broken("counts time in film frames (SMPTE), not in beats")
    if division == 0:
        raise _Broken("says that a beat has no length (division 0)")
    return division, [body for name, body in chunks if name == b"MTrk"]


def _split(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of each chunk. Chunks of unknown names are legal; so are up to 7 bytes of padding at the end."""
    place = 0
    while place + 8 <= len(data):
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8])
        place += 8
        if place + size > len(data):
            raise _Broken("is cut off: it ends inside a track")
        yield name, data[place : place + size]
        place += size


class _Cursor:
    """A place in a track's bytes."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def more(self) -> bool:
        return self._place < len(self._data)

    def take(self, size: int) -> bytes:
        taken = self._data[self._place : self._place + size]
        if len(taken) < size:
            raise _Broken("is cut off: it ends inside an event")
        self._place += size
        return taken

    def status(self, running: int) -> int:
        """The next status byte; `running` where it is left out because it stays the same."""
        byte = self.take(1)[0]
        if byte >= 0x80:
            return byte
        self._place -= 1
        return running

    def number(self) -> int:
        """A variable-length quantity: seven bits a byte, most significant first, at most four bytes."""
        value = 0
        for _ in range(4):
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise _Broken("is damaged: a length in it has no end")


def _events(track: bytes) -> Iterator[Event]:
    """The events of a track, up to its end mark or its last byte."""
    cursor, tick, running = _Cursor(track), 0, 0
    while cursor.more:
        tick += cursor.number()
        status = cursor.status(running)
        if status >= 0xF0:
            data = _long_event(cursor, status)
        else:
            running, data = status, _channel_event(cursor, status)
        if status == _META and data[0] == _END_OF_TRACK:
            return
        yield tick, status, data


def _channel_event(cursor: _Cursor, status: int) -> bytes:
    data = cursor.take(1 if status & 0xE0 == 0xC0 else 2)
    if status < 0x80 or max(data) > 0x7F:
        raise _Broken("is damaged: an event in it makes no sense")
    return data


def _long_event(cursor: _Cursor, status: int) -> bytes:
    """A meta event, type first, or a dump."""
    if status not in (_META, _SYSEX, _SYSEX_MORE):
        raise _Broken("is damaged: an event in it makes no sense")
    kind = cursor.take(1) if status == _META else b""
    return kind + cursor.take(cursor.number())


# -- reading: events to music -----------------------------------------------------------------------------------------


class _Reader:
    """Gathers what all tracks say about the piece."""

    def __init__(self, division: int) -> None:
        self._division = division
        self._parts: list[Part] = []
        self._tempos: dict[Ticks, TempoMark] = {Ticks(0): MidiScore(()).tempos[0]}
        self._meters: dict[Ticks, MeterMark] = {Ticks(0): MidiScore(()).meters[0]}
        self._keys: dict[Ticks, KeyMark] = {}
        self._markers: list[Marker] = []
        self._texts: list[Marker] = []
        self._names: list[str] = []

    def read_track(self, track: bytes, limit: int) -> int:
        """Take in a track of at most `limit` events; how many it had."""
        reader, name, count = _TrackReader(), "", 0
        for count, (raw, status, data) in enumerate(_events(track), 1):
            if count > limit:
                raise _Broken(f"has more than {EVENTS_LIMIT:,} events")
            tick = self._ticks(raw)
            if status == _META:
                name = name or (_text(data[1:]) if data[0] == _NAME else "")
                self._mark(tick, data[0], data[1:])
            else:
                reader.read(tick, status, data)
        self._names.append(name)
        self._parts += reader.parts(name)
        return count

    def score(self) -> MidiScore:
        """All of it."""
        return MidiScore(
            tuple(self._parts),
            tuple(mark for _, mark in sorted(self._tempos.items())),
            tuple(mark for _, mark in sorted(self._meters.items())),
            tuple(mark for _, mark in sorted(self._keys.items())),
            tuple(sorted(self._markers, key=lambda marker: marker.at)),
            self._names[0] if self._names else "",
            tuple(sorted(self._texts, key=lambda marker: marker.at)),
        )

    def _ticks(self, raw: int) -> Ticks:
        """From the file's division to 960 per quarter, to the nearest tick."""
        return Ticks((2 * raw * TICKS_PER_QUARTER + self._division) // (2 * self._division))

    def _mark(self, at: Ticks, kind: int, data: bytes) -> None:
        """Take in a meta event; one that makes no sense is left out."""
        if kind == _TEMPO and len(data) == 3 and any(data):
            self._tempos[at] = TempoMark(at, Tempo(int.from_bytes(data) * 1000))
        elif kind == _METER and len(data) >= 2 and data[0] and data[1] <= 6:
            self._meters[at] = MeterMark(at, data[0], 2 ** data[1])
        elif kind == _KEY and len(data) == 2 and data[1] <= 1:
            sharps = int.from_bytes(data[:1], signed=True)
            if -7 <= sharps <= 7:
                minor = bool(data[1])
                self._keys[at] = KeyMark(at, Key((sharps * 7 + (9 if minor else 0)) % 12, minor))
        elif kind in (_MARKER, _TEXT, _LYRIC) and _text(data):
            (self._markers if kind == _MARKER else self._texts).append(Marker(at, _text(data)))


@dataclass(slots=True)
class _Voice:
    """What one channel of a track plays."""

    notes: list[Note] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    program: int | None = None
    bends: list[Bend] = field(default_factory=list)
    down: dict[int, deque[tuple[Ticks, int]]] = field(default_factory=lambda: defaultdict(deque))
    """By pitch: onset and velocity of the notes that sound, oldest first."""

    def end_note(self, at: Ticks, pitch: int) -> None:
        """The oldest note of `pitch` ends. One that is not sounding is ignored."""
        if self.down[pitch]:
            onset, velocity = self.down[pitch].popleft()
            self.notes.append(Note(onset, pitch, Ticks(max(1, at - onset)), velocity))

    def end_all(self, at: Ticks) -> None:
        """The track is over."""
        for pitch in list(self.down):
            while self.down[pitch]:
                self.end_note(at, pitch)


class _TrackReader:
    """Turns the channel events of one track into parts, one for each channel."""

    def __init__(self) -> None:
        self._voices: dict[int, _Voice] = defaultdict(_Voice)
        self._last = Ticks(0)

    def read(self, at: Ticks, status: int, data: bytes) -> None:
        """Take in an event; those that make no notes, pedals, bends or programs are passed over."""
        self._last = at
        kind, voice = status >> 4, self._voices[status & 0x0F]
        if kind == 9 and data[1]:
            voice.down[data[0]].append((at, data[1]))
        elif kind in (8, 9):
            voice.end_note(at, data[0])
        elif kind == 0xB:
            voice.controls.append(Control(at, data[0], data[1]))
        elif kind == 0xE:
            voice.bends.append(Bend(at, (data[0] | data[1] << 7) - 8192))
        elif kind == 0xC and voice.program is None:
            voice.program = data[0]

    def parts(self, name: str) -> Iterator[Part]:
        """The parts with anything in them, by channel."""
        for channel, voice in sorted(self._voices.items()):
            voice.end_all(self._last)
            if voice.notes or voice.controls or voice.bends:
                notes, controls = tuple(sorted(voice.notes)), tuple(voice.controls)
                yield Part(name, channel, notes, controls, voice.program, tuple(voice.bends))


def _text(data: bytes) -> str:
    """Text as people typed it: UTF-8 if it is that, else Latin-1; without control characters, and not endless."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "".join(c for c in text[:TEXT_LIMIT] if c.isprintable()).strip()


# -- writing ----------------------------------------------------------------------------------------------------------


def score_bytes(score: MidiScore) -> bytes:
    """A type-1 file: a first track with name, tempo, meter, key and markers, then one track for each part."""
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks.append(_track(score.name, _marks(score)))
    file.tracks += [_track(part.name, _played(part)) for part in score.parts]
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


Placed: TypeAlias = tuple[Ticks, int, mido.Message]
"""A message with its tick and its rank among those of the same tick: note-offs, then the rest, then note-ons."""

_FIRST, _MIDDLE, _LAST = 0, 1, 2


def _track(name: str, placed: Iterable[Placed]) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    for at, _, message in sorted(placed, key=lambda p: p[:2]):
        track.append(message.copy(time=at - now))
        now = at
    return track


def _marks(score: MidiScore) -> Iterator[Placed]:
    for tempo in score.tempos:
        yield tempo.at, _FIRST, mido.MetaMessage("set_tempo", tempo=round(tempo.tempo / 1000))
    for meter in score.meters:
        numbers = {"numerator": meter.numerator, "denominator": meter.denominator}
        yield meter.at, _FIRST, mido.MetaMessage("time_signature", **numbers)
    for key in score.keys:
        yield key.at, _FIRST, mido.MetaMessage("key_signature", key=_key_name(key.key))
    for marker in score.markers:
        yield marker.at, _MIDDLE, mido.MetaMessage("marker", text=marker.text)


def _played(part: Part) -> Iterator[Placed]:
    where = {"channel": part.channel}
    if part.program is not None:
        yield Ticks(0), _FIRST, mido.Message("program_change", program=part.program, **where)
    for move in part.controls:
        yield move.at, _MIDDLE, mido.Message("control_change", control=move.control, value=move.value, **where)
    for bend in part.bends:
        yield bend.at, _MIDDLE, mido.Message("pitchwheel", pitch=bend.value, **where)
    for note in part.notes:
        yield note.onset, _LAST, mido.Message("note_on", note=note.pitch, velocity=note.velocity, **where)
        yield note.end, _FIRST, mido.Message("note_off", note=note.pitch, **where)


def _key_name(key: Key) -> str:
    """As mido spells keys: Bb, F#m."""
    return pitch_class_name(key.tonic, flats=key.flats) + ("m" if key.minor else "")
