"""Which bars come next, and when something can be done about them. Pure."""

from __future__ import annotations

from jamlink.session.inputs import Mode
from jamlink.session.proposal import Slot
from jamlink.session.settings import SessionSettings
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, ms

_LAST_CALL = ms(120)
"""An accept nearer than this to its slot could not be promised any more; it rolls to the next."""
_ANSWER_LEAD = ms(700)


def slot_after(tick: Ticks, meter: Meter, settings: SessionSettings) -> Slot:
    """The first slot that starts after `tick`. The first bars of a run, and of a trade, are the player's."""
    bar, bars = meter.bar_ticks, settings.bars
    trading = settings.mode is Mode.TRADE
    first, period = bars * bar, (2 if trading else 1) * bars * bar
    turns = max(0, (tick - first) // period + 1)
    return Slot(Ticks(first + turns * period), bars, bar)


def ask_at(slot: Slot, meter: Meter) -> Ticks:
    """When to ask for a slot: two bars before it, one for slots of one or two bars."""
    ahead = 2 if slot.bars > 2 else 1
    return Ticks(max(0, slot.start - ahead * meter.bar_ticks))


def ask_answer_at(slot: Slot, meter: Meter, timeline: Timeline) -> Ticks:
    """When to ask for an answer in trading: as late as the last beat, since the phrase is still being played."""
    lead = max(meter.beat_ticks, _ticks(timeline, _ANSWER_LEAD))
    return Ticks(max(0, slot.start - min(lead, slot.length)))


def decide_by(slot: Slot, meter: Meter, timeline: Timeline) -> Ticks:
    """The last tick at which an accept is in time for `slot`."""
    return last_call(slot.start, meter, timeline)


def last_call(start: Ticks, meter: Meter, timeline: Timeline) -> Ticks:
    """The last tick at which something can still be laid out to sound from `start`."""
    return Ticks(start - max(meter.beat_ticks // 4, _ticks(timeline, _LAST_CALL)))


def _ticks(timeline: Timeline, span: Ns) -> Ticks:
    return Ticks(timeline.tick_at(Ns(timeline.ns_origin + span)) - timeline.tick_origin)
