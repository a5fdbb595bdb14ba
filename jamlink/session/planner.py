"""From an accepted idea to messages: voiced, played with the player's own feel, every note-on with its note-off.

Pure functions. Ticks are absolute; nothing here knows what a nanosecond is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jamlink.midi.events import note_off, note_on
from jamlink.music.feel import Feel, humanise
from jamlink.music.note import Note
from jamlink.music.voicing import comp, voice
from jamlink.session.effects import METRONOME, Out, ScheduledMessage
from jamlink.session.proposal import Proposal
from jamlink.session.settings import Channels
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

CLICK_LENGTH = Ticks(60)
FIRST_CLICK = (76, 110)
"""Pitch and velocity on the first beat: the high wood block of General MIDI's percussion map."""
OTHER_CLICK = (77, 80)


@dataclass(frozen=True, slots=True)
class Playing:
    """How a plan is to be played."""

    meter: Meter
    feel: Feel
    density: float
    channels: Channels
    voicing: tuple[int, ...] = ()
    """The voicing that sounded last, from which the hands move on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The notes of an idea per output, in ticks from the slot's start, and the voicing it ends on."""

    notes: dict[Out, tuple[Note, ...]]
    voicing: tuple[int, ...]


def plan(proposal: Proposal, playing: Playing) -> Plan:
    """What `proposal` sounds like. All notes lie inside the slot; the same proposal and playing give the same plan."""
    content, length = proposal.content, proposal.slot.length
    voicings = voice([span.chord for span in content.chords], previous=playing.voicing)
    comping = comp(content.chords, voicings, playing.feel, playing.meter, playing.density)
    parts = {Out.CHORDS: comping, Out.MELODY: content.melody, Out.BASS: content.bass}
    notes = {
        out: tuple(_inside(humanise(part, playing.feel, content.seed + i), length))
        for i, (out, part) in enumerate(parts.items())
    }
    sounding = [v for v in voicings if v]
    return Plan(notes, sounding[-1] if sounding else playing.voicing)


def messages_of(plan: Plan, start: Ticks, owner: int, channels: Channels) -> list[ScheduledMessage]:
    """The plan as messages with its slot beginning at `start`."""
    channel = {Out.CHORDS: channels.chords, Out.MELODY: channels.melody, Out.BASS: channels.bass}
    return [
        message
        for out, notes in plan.notes.items()
        for note in notes
        for message in note_messages(note.shifted(start), out, channel[out], owner)
    ]


def preview_messages(plan: Plan, start: Ticks, owner: int, channels: Channels) -> list[ScheduledMessage]:
    """The plan on the preview output only, all roles together."""
    together = {note for notes in plan.notes.values() for note in notes}
    return [
        message
        for note in sorted(together)
        for message in note_messages(note.shifted(start), Out.PREVIEW, channels.preview, owner)
    ]


def clicks(meter: Meter, bar: int, channels: Channels) -> list[ScheduledMessage]:
    """A bar of metronome: one click for each felt beat."""
    found: list[ScheduledMessage] = []
    for beat in range(meter.beats):
        pitch, velocity = FIRST_CLICK if beat == 0 else OTHER_CLICK
        onset = Ticks(meter.bar_start(bar) + beat * meter.beat_ticks)
        note = Note(onset, pitch, CLICK_LENGTH, velocity)
        found += note_messages(note, Out.METRONOME, channels.metronome, METRONOME)
    return found


def note_messages(note: Note, out: Out, channel: int, owner: int) -> tuple[ScheduledMessage, ScheduledMessage]:
    """The note-on and the note-off of a note."""
    return (
        ScheduledMessage(note.onset, note_on(channel, note.pitch, note.velocity), out, owner),
        ScheduledMessage(note.end, note_off(channel, note.pitch), out, owner),
    )


def _inside(notes: Sequence[Note], length: Ticks) -> Iterable[Note]:
    """Notes cut to [0, length), and cut where the same pitch strikes again, so that no note ends another."""
    next_onset: dict[int, Ticks] = {}
    kept = []
    for note in sorted(notes, reverse=True):
        onset = Ticks(max(0, note.onset))
        end = Ticks(min(note.end, length, next_onset.get(note.pitch, length)))
        if end > onset:
            kept.append(Note(onset, note.pitch, Ticks(end - onset), note.velocity))
            next_onset[note.pitch] = onset
    return reversed(kept)
