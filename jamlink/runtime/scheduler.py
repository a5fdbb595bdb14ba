"""What has to go out and when, and what sounds because of it.

The queue and the ledger of sounding notes are one object, for a note-on that was taken from the queue and its note-off
that is still in it must never be parted. It is pure: no clock, no port, no lock; the moment is always an argument.

Rules, each a law in the tests:

* Nothing is taken before it is due.
* At one moment: note-offs first, then the rest in the order it came. Only the end of a note that begins at that very
  moment and came after it stays behind it.
* On the wire the note-ons and note-offs of one key (output, channel, pitch) alternate. A second onset while the key
  sounds goes out as off + on; the key ends with the last owner's note-off. So every note-on gets exactly one note-off,
  whatever synth or recorder listens, and nobody's note is cut by somebody else's end.
* The house's notes are a player's keys, which go down once: a doubled note-on, as bad cables and missed periods give
  it, needs no second note-off.
* A note-off of an owner who has no such note sounding is swallowed: what was cancelled already ended. Only the house's
  own (a key let go that had gone down before notes passed through) goes out, unless somebody's note sounds there.
* Ends asked for by cancel, silence and panic overtake everything that is queued.
* A note-on whose moment is long gone (the machine slept or stood still) is dropped and counted; note-offs never are.
* While an output is absent its note-ons are dropped and counted. Ends that could not be told are told when it is back.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.ports.base import HOUSE, Outgoing
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

Key: TypeAlias = tuple[int, int, int]
"""(output, channel 0 to 15, pitch)."""

STALE = ms(500)
"""A note-on later than this is no music any more: one beat at 120 bpm."""
QUEUE_MOST = 65_536
"""Beyond this many queued messages note-ons and controllers are refused and counted, note-offs never: the session hands
over less than a second of music at a time, so more than this means it has gone mad."""
MEMORY = Ns(2 * NS_PER_SECOND)
"""A cable that was pulled is noticed within a second: note-offs this recent are said again when it is back."""
DROPOUT_MEMORY = ms(500)
"""A dropout is told at once, but may itself have been a long stall: note-offs this recent are said again after it."""
_REMEMBERED_MOST = 1024

_NOTE_OFF, _NOTE_ON, _CONTROL, _BEND = 0x80, 0x90, 0xB0, 0xE0
_SUSTAIN, _SOSTENUTO = 64, 66
_SOUND_OFF, _RESET, _NOTES_OFF = 120, 121, 123
_PEDALS = (_SUSTAIN, _SOSTENUTO)
_PEDAL_DOWN = 64
_OFFS_FIRST, _IN_ORDER, _OWN_END_LAST = 0, 1, 2

_Entry: TypeAlias = tuple[Ns, int, int, Outgoing]


def is_note_on(data: bytes) -> bool:
    """Whether these bytes start a note; with velocity 0 they end one."""
    return len(data) == 3 and data[0] & 0xF0 == _NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """Whether these bytes end a note."""
    return len(data) == 3 and (data[0] & 0xF0 == _NOTE_OFF or (data[0] & 0xF0 == _NOTE_ON and data[2] == 0))


def key_of(message: Outgoing) -> Key:
    """The key that a note message is about."""
    return message.port, message.data[0] & 0x0F, message.data[1]


@dataclass(slots=True)
class Dropped:
    """Counts of what was not sent since the scheduler was made."""

    too_late: int = 0
    unheard: int = 0
    refused: int = 0


class Scheduler:
    """The timed queue and the ledger of sounding notes for the outputs of one MIDI system. One caller at a time."""

    def __init__(self, stale: Ns = STALE) -> None:
        self._stale = stale
        self._heap: list[_Entry] = []
        self._arrivals = 0
        self._urgent: deque[Outgoing] = deque()
        self._onsets: Counter[tuple[Ns, int, Key]] = Counter()
        self._queued: Counter[int] = Counter()
        self._sounding: dict[Key, list[int]] = {}
        self._held: Counter[int] = Counter()
        self._pedals: dict[tuple[int, int, int], int] = {}
        self._used: set[tuple[int, int]] = set()
        self._absent: set[int] = set()
        self._untold: set[Key] = set()
        self._ended: deque[tuple[Ns, Key]] = deque(maxlen=_REMEMBERED_MOST)
        self.dropped = Dropped()

    # -- putting in

    def push(self, messages: Iterable[Outgoing]) -> None:
        """Queues messages; what is already past its moment goes out with the next take."""
        for message in messages:
            self._push_one(message)

    def _push_one(self, message: Outgoing) -> None:
        off = is_note_off(message.data)
        if len(self._heap) >= QUEUE_MOST and not off:
            self.dropped.refused += 1
            return
        rank = _IN_ORDER
        if off:
            begins_now = self._onsets[message.due, message.owner, key_of(message)] > 0
            rank = _OWN_END_LAST if begins_now else _OFFS_FIRST
        elif is_note_on(message.data):
            self._onsets[message.due, message.owner, key_of(message)] += 1
        self._arrivals += 1
        self._queued[message.owner] += 1
        heapq.heappush(self._heap, (message.due, rank, self._arrivals, message))

    # -- taking out

    def next_due(self) -> Ns | None:
        """When something has to leave next; None when nothing is queued."""
        if self._urgent:
            return self._urgent[0].due
        return self._heap[0][0] if self._heap else None

    def take_due(self, until: Ns) -> list[Outgoing]:
        """Everything due before `until`, ends first; from here on it counts as sent."""
        taken = list(self._urgent)
        self._urgent.clear()
        while self._heap and self._heap[0][0] < until:
            message = heapq.heappop(self._heap)[3]
            self._forget_queued(message)
            if is_note_on(message.data) and until - message.due > self._stale:
                self.dropped.too_late += 1
            else:
                taken += self._release(message)
        return taken

    def _forget_queued(self, message: Outgoing) -> None:
        _count_down(self._queued, message.owner)
        if is_note_on(message.data):
            _count_down(self._onsets, (message.due, message.owner, key_of(message)))

    def _release(self, message: Outgoing) -> list[Outgoing]:
        """The messages to write for one that is due, with the ledger brought up to date."""
        if is_note_off(message.data):
            return self._end(message)
        if message.port in self._absent:
            self.dropped.unheard += 1
            return []
        if message.data[0] < 0xF0:
            self._used.add((message.port, message.data[0] & 0x0F))
        if is_note_on(message.data):
            return self._begin(message)
        self._note_pedal(message)
        return [message]

    def _begin(self, message: Outgoing) -> list[Outgoing]:
        key = key_of(message)
        owners = self._sounding.setdefault(key, [])
        again = [_off(key, owners[-1], message.due)] if owners else []
        if message.owner != HOUSE or HOUSE not in owners:
            owners.append(message.owner)
            self._held[message.owner] += 1
        return [*again, message]

    def _end(self, message: Outgoing) -> list[Outgoing]:
        key = key_of(message)
        owners = self._sounding.get(key, [])
        if message.owner not in owners:
            return [message] if message.owner == HOUSE and not owners and key[0] not in self._absent else []
        owners.remove(message.owner)
        _count_down(self._held, message.owner)
        return [] if owners else self._tell_end(key, message)

    def _tell_end(self, key: Key, message: Outgoing) -> list[Outgoing]:
        del self._sounding[key]
        if key[0] in self._absent:
            self._untold.add(key)
            return []
        self._ended.append((message.due, key))
        return [message]

    def _note_pedal(self, message: Outgoing) -> None:
        data = message.data
        if data[0] & 0xF0 != _CONTROL or len(data) != 3 or data[1] not in _PEDALS:
            return
        pedal = (message.port, data[0] & 0x0F, data[1])
        if data[2] >= _PEDAL_DOWN:
            self._pedals[pedal] = message.owner
        else:
            self._pedals.pop(pedal, None)

    # -- ending

    def cancel(self, owner: int, now: Ns) -> None:
        """Drops what is queued for `owner`; what sounds for it ends, and its pedals go up, with the next take."""
        self._drop(lambda message: message.owner == owner)
        for key, owners in list(self._sounding.items()):
            for _ in range(owners.count(owner)):
                self._urgent += self._end(_off(key, owner, now))
        self._urgent += self._pedals_up({p for p, by in self._pedals.items() if by == owner}, owner, now)

    def silence(self, now: Ns, outputs: Collection[int] | None = None) -> None:
        """Drops everything queued; what sounds ends, pedals go up and bends to the centre on every channel used.

        With `outputs`, on these only.
        """
        self._drop(lambda message: outputs is None or message.port in outputs)
        for key, owners in list(self._sounding.items()):
            if outputs is None or key[0] in outputs:
                for owner in list(owners):
                    self._urgent += self._end(_off(key, owner, now))
        used = self._used_channels(outputs)
        self._urgent += self._pedals_up({(*channel, pedal) for channel in used for pedal in _PEDALS}, HOUSE, now)
        self._urgent += [_channel_message(now, c, _BEND, 0x00, 0x40) for c in used]
        self._used -= set(used)

    def _drop(self, unwanted: Callable[[Outgoing], bool]) -> None:
        """Takes messages out of the queue unsent."""
        kept = []
        for entry in self._heap:
            if unwanted(entry[3]):
                self._forget_queued(entry[3])
            else:
                kept.append(entry)
        heapq.heapify(kept)
        self._heap = kept

    def _used_channels(self, outputs: Collection[int] | None) -> list[tuple[int, int]]:
        there = (c for c in self._used if c[0] not in self._absent)
        return sorted(c for c in there if outputs is None or c[0] in outputs)

    def panic(self, now: Ns, outputs: Sequence[int]) -> None:
        """Silence, then all-sound-off, reset-controllers and all-notes-off on all 16 channels of `outputs`."""
        self.silence(now)
        channels = [(output, channel) for output in outputs if output not in self._absent for channel in range(16)]
        for control in (_SOUND_OFF, _RESET, _NOTES_OFF):
            self._urgent += [_channel_message(now, c, _CONTROL, control, 0) for c in channels]

    def farewell(self, now: Ns, outputs: Collection[int] | None = None) -> None:
        """What is said on every way out: silence, then all-notes-off on the channels that were used."""
        used = self._used_channels(outputs)
        self.silence(now, outputs)
        self._urgent += [_channel_message(now, c, _CONTROL, _NOTES_OFF, 0) for c in used]

    def _pedals_up(self, pedals: Iterable[tuple[int, int, int]], owner: int, now: Ns) -> list[Outgoing]:
        ups = []
        for output, channel, pedal in sorted(pedals):
            self._pedals.pop((output, channel, pedal), None)
            if output not in self._absent:
                ups.append(Outgoing(now, output, owner, bytes((_CONTROL | channel, pedal, 0))))
        return ups

    # -- outputs that come and go

    def lost(self, output: int) -> None:
        """`output` is not there: from now on its note-ons are dropped, and its ends remembered."""
        self._absent.add(output)
        self._untold |= {key_of(m) for m in self._urgent if m.port == output and is_note_off(m.data)}
        self._urgent = deque(m for m in self._urgent if m.port != output)

    def back(self, output: int, now: Ns) -> None:
        """`output` is there (again): says every end it may have missed, and the pedals that are not down."""
        self._absent.discard(output)
        missed = {key for at, key in self._ended if key[0] == output and at >= now - MEMORY}
        untold = {key for key in self._untold if key[0] == output}
        self._untold -= untold
        self._say_again(missed | untold, now)
        up = {(*c, pedal) for c in self._used if c[0] == output for pedal in _PEDALS} - set(self._pedals)
        self._urgent += self._pedals_up(up, HOUSE, now)

    def dropout(self, now: Ns) -> None:
        """The system missed a period and may have lost messages: says the latest ends again."""
        self._say_again({key for at, key in self._ended if at >= now - DROPOUT_MEMORY}, now)

    def owed_by_another(self, keys: Iterable[Key], now: Ns) -> None:
        """Takes over the ends of notes that another process left sounding."""
        keys = set(keys)
        self._untold |= {key for key in keys if key[0] in self._absent}
        self._say_again(keys, now)

    def _say_again(self, keys: Iterable[Key], now: Ns) -> None:
        audible = [key for key in sorted(keys) if key[0] not in self._absent]
        self._urgent += [_off(key, HOUSE, now) for key in audible if key not in self._sounding]

    # -- looking in

    def owed(self) -> tuple[Key, ...]:
        """The keys that sound now."""
        return tuple(self._sounding)

    def is_idle(self, owner: int) -> bool:
        """Whether nothing of `owner` is queued or sounds, and every end has been taken."""
        return not (self._queued[owner] or self._held[owner] or any(m.owner == owner for m in self._urgent))

    def __len__(self) -> int:
        return len(self._heap) + len(self._urgent)


def _off(key: Key, owner: int, at: Ns) -> Outgoing:
    output, channel, pitch = key
    return Outgoing(at, output, owner, bytes((_NOTE_OFF | channel, pitch, 0)))


def _channel_message(at: Ns, channel: tuple[int, int], status: int, first: int, second: int) -> Outgoing:
    return Outgoing(at, channel[0], HOUSE, bytes((status | channel[1], first, second)))


def _count_down(counts: Counter, what: object) -> None:
    counts[what] -= 1
    if counts[what] <= 0:
        del counts[what]
