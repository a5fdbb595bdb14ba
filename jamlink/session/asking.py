"""Asking for ideas: what is asked for, whom, by when, and what the model is told beforehand so that it is ready.

The model is asked; what it has not said in time, or where there is none, the stand-in says at once. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jamlink.session import effects as fx
from jamlink.session.around import Around, Keys
from jamlink.session.deeds import Deeds
from jamlink.session.inputs import Mode
from jamlink.session.proposal import Happening, ProposalRequest, State, next_state
from jamlink.session.slots import decide_by
from jamlink.session.stand import Stage, Stand
from jamlink.timing.units import Ns, ms

STAND_IN_ROOM = ms(100)
"""Before the last call: a model that has no idea by then leaves time for the stand-in to have one."""
PREPARE_AFTER = ms(30)
"""Between something that changes what would be asked for and the word to the model: a chord's notes count as one."""
PREPARE_EVERY = ms(100)
"""The least between two such words."""


class Asking:
    """One owner: whoever proposes. `next_id` numbers requests, together with everything else in the session."""

    def __init__(self, next_id: Callable[[], int], now: Ns) -> None:
        self.request: ProposalRequest | None = None
        """What is waited for."""
        self.keys: Keys = None, None
        """The keys in which was asked last."""
        self.prepare_at: Ns | None = None
        """When the model is told what it will be asked for; None where that has not changed."""
        self._prepared_at = Ns(now - PREPARE_EVERY)
        self._next_id = next_id

    def ask(self, stand: Stand, around: Around) -> Deeds:
        """Ask for the hand that `stand` counts now."""
        self.keys = around.keys
        self.request = request = _request(self._next_id(), stand.deal, around.now, stand, around)
        yield _asked(request, "model" if around.model else "stand-in")
        yield fx.AskProposer(request) if around.model else fx.AskStandIn(request)

    def expire(self, around: Around) -> Deeds:
        """No idea in time: the stand-in answers, and the record says that it did."""
        request = self.request
        assert request is not None
        yield _gone(request, Happening.DEADLINE)
        yield fx.CancelRequest(request.id)
        self.request = replace(request, deadline=Ns(request.deadline + around.settings.patience))
        yield _asked(request, "stand-in")
        yield fx.AskStandIn(request)

    def withdraw(self, happening: Happening) -> Deeds:
        """What was asked for is no longer wanted."""
        request, self.request = self.request, None
        if request is not None:
            yield fx.CancelRequest(request.id)
            yield _gone(request, happening)

    def soon(self, now: Ns) -> None:
        """What would be asked for has changed: tell the model soon, so that it is ready when it is asked."""
        if self.prepare_at is None:
            self.prepare_at = Ns(max(now + PREPARE_AFTER, self._prepared_at + PREPARE_EVERY))

    def prepare(self, stand: Stand, around: Around) -> Deeds:
        """Tell the model what it will be asked for next, as far as that is known now."""
        self.prepare_at = None
        along = around.settings.mode is Mode.ACCOMPANY
        if not around.model or self.request is not None or stand.stage is Stage.CLOSED or along:
            return
        self._prepared_at = around.now
        waits = around.transport.playing and stand.stage is Stage.WAITING
        at = around.line.ns_at(stand.moves_on_at(around.transport, around.settings.mode)) if waits else around.now
        yield fx.Prepare(_request(0, stand.deal + 1, Ns(max(at, around.now)), stand, around))


def _request(number: int, deal: int, at: Ns, stand: Stand, around: Around) -> ProposalRequest:
    """The request for hand `deal` of the next slot as it is at `at`, when what is held now is held still."""
    settings, meter, line, slot = around.settings, around.meter, around.line, stand.slot
    latest = line.ns_at(decide_by(slot, meter, line))
    patient = Ns(at + settings.patience)
    context = around.listener.context(
        at,
        settings.context_bars,
        meter,
        line.tempo,
        tuple(span for span in around.ours.chords if span.onset < slot.start),
        tuple(around.ours.melody),
    )
    return ProposalRequest(
        id=number,
        slot=slot,
        roles=settings.roles,
        context=context,
        controls=around.controls,
        seed=settings.seed * 1_000_003 + slot.start // slot.bar_ticks * 1_009 + deal,
        count=settings.hand,
        deadline=min(patient, max(at, Ns(latest - STAND_IN_ROOM))) if around.transport.playing else patient,
        answer=settings.mode is Mode.TRADE,
        avoid=tuple(stand.refused),
        key=around.listener.locked_key,
    )


def _asked(request: ProposalRequest, to: str) -> fx.Asked:
    return fx.Asked(request.id, request.slot, to, request.context.fingerprint, request.seed, request.deadline)


def _gone(request: ProposalRequest, happening: Happening) -> fx.Moved:
    """A request has no proposals yet, but a life."""
    return fx.Moved(request.id, State.REQUESTED, happening, next_state(State.REQUESTED, happening))
