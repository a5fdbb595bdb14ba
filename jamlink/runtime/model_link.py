"""The session process's side of the model process: requests go down, ideas come up, and a dead process is replaced.

No numpy here. A process that hangs is the session's business at first (its deadline passes and a stand-in plays), but
one that leaves three requests in a row without any answer is replaced too: even a slow one answers a cancel at once.

When the next one is started depends on how far the dead one had come (`_WAITS`):

    it had been ready          at once: whatever ended it came from outside, or from one request of many, and the player
                               goes on with the better ideas in a third of a second; only where four in a row answered
                               nothing, after a second each, since then it is rather the requests
    it died while it loaded    the first time at once, then after growing waits: something kills whoever loads, and to
                               load takes a core from the others
    it said why it cannot      after a second, then longer: its files are damaged or missing, and only a person puts
                               them back

One that becomes ready begins the second and third count anew, an answer the first. Whatever the count after being
ready, and up to four deaths in a row while loading, the wait and the loading together stay below two seconds.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.runtime import model_wire as wire
from jamlink.runtime.ipc import Framed, spawn
from jamlink.runtime.model_wire import CandidatesReady, ChordsReady, Failed, FromModel, Ready
from jamlink.runtime.one_process import OneProcess
from jamlink.session.proposal import ChordsRequest, ProposalRequest
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

__all__ = ["CandidatesReady", "ChordsReady", "Failed", "FromModel", "ModelLink", "Ready"]

MODULE = "jamlink.runtime.model_main"


class Stage(Enum):
    """How far a process came."""

    LOADING = "loading"
    REFUSED = "refused"
    """It said why it will not be ready."""
    READY = "ready"


_WAITS: dict[Stage, tuple[Ns, ...]] = {
    Stage.READY: (*[Ns(0)] * 4, Ns(NS_PER_SECOND)),
    Stage.LOADING: (Ns(0), ms(250), ms(500), *(Ns(s * NS_PER_SECOND) for s in (1, 2, 4, 8, 16, 30))),
    Stage.REFUSED: tuple(Ns(s * NS_PER_SECOND) for s in (1, 2, 4, 8, 16, 30)),
}
"""By the stage in which a process died: before the next is started, after the first, second, ... in a row; the last
one for all others."""
MOST_MISSED = 3
_GRACE = ms(500)
"""After a request's deadline, when it is cancelled, an answer may take this long."""
_FIRST_ANSWER = Ns(60 * NS_PER_SECOND)
"""Loading and warming up may take this long on a busy machine."""
_LAST_GRACE_S = 0.5


class ModelLink(OneProcess):
    """Owns one model process at a time, starting now. One thread; no method waits, except `close` (half a second).

    Call `receive` whenever `fileno` is readable and at least every 100 ms: it also watches and replaces. `fileno`
    changes when the process is replaced. `proposer` names a class of another proposer, "module:Class"; `threads` as in
    the settings.
    """

    def __init__(self, clock: Clock, folder: Path, proposer: str | None = None, threads: int = 0) -> None:
        super().__init__()
        self._clock = clock
        self._arguments = ["--folder", str(folder), "--threads", str(threads)]
        self._arguments += ["--proposer", proposer] if proposer else []
        self._since = Ns(0)
        self._stage = Stage.LOADING
        self._open: dict[int, Ns] = {}
        """Requests without an answer, and when they count as missed."""
        self._unwanted: set[int] = set()
        self._missed = 0
        self._never_ready = self._answered_nothing = 0
        """Processes in a row that died so."""
        self._respawn_at: Ns | None = clock.now()
        self._told = ""
        self._news: list[FromModel] = []
        self.damaged = 0
        """Frames that were no message and were passed over."""
        self._respawn(clock.now())

    def ask(self, request: ProposalRequest) -> None:
        """Ask for ideas. The answer comes from `receive`, a `Failed` where there is no process to ask."""
        self._ask(request, wire.Ask(request))

    def ask_chords(self, request: ChordsRequest) -> None:
        """Ask for chords; as `ask`."""
        self._ask(request, wire.AskChords(request))

    def prepare(self, request: ProposalRequest) -> None:
        """This will be asked for next; no answer comes. Left out where the process has not read all it was told."""
        if self._pipe is not None and self._stage is not Stage.LOADING and not self._pipe.waiting:
            self._pipe.send(wire.encode(wire.Prepare(request)))

    def cancel(self, request_id: int) -> None:
        """Nobody waits for this answer any more; none will come."""
        if self._pipe is not None and request_id in self._open:
            self._unwanted.add(request_id)
            self._pipe.send(wire.encode(wire.CancelAsk(request_id)))

    def receive(self) -> list[FromModel]:
        """What the model said since the last call, and what became of it."""
        now = self._clock.now()
        if self._pipe is not None:
            self._hear(self._pipe, now)
        self._watch(now)
        self._forget_the_dead()
        if self._respawn_at is not None and now >= self._respawn_at:
            self._respawn(now)
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Let the process go; kill it after half a second."""
        self._respawn_at = None
        self._let_go(_LAST_GRACE_S)

    def _ask(self, request: ProposalRequest | ChordsRequest, message: wire.ToModel) -> None:
        if self._pipe is not None and self._pipe.send(wire.encode(message)):
            self._open[request.id] = Ns(max(request.deadline, self._clock.now()) + _GRACE)
        else:
            self._news.append(Failed(request.id, "The model is not running; it is being started again."))

    def _hear(self, pipe: Framed, now: Ns) -> None:
        for frame in pipe.receive():
            try:
                answer = wire.decode(frame)
            except Nonsense:
                self.damaged += 1  # its request will count as missed
            else:
                self._take(answer, now)

    def _take(self, answer: FromModel, now: Ns) -> None:
        match answer:
            case Ready():
                self._stage, self._never_ready, self._told = Stage.READY, 0, ""
                self._news.append(answer)
            case Failed(request_id=None):
                self._stage = Stage.REFUSED
                self._tell(answer.sentence)
            case Failed(request_id=int(number)) | CandidatesReady(request_id=number) | ChordsReady(request_id=number):
                self._missed = self._answered_nothing = 0
                wanted = self._open.pop(number, None) is not None and number not in self._unwanted
                self._unwanted.discard(number)
                if wanted:
                    self._news.append(answer)

    def _watch(self, now: Ns) -> None:
        if self._child is None or self._pipe is None:
            return
        overdue = [number for number, missed_at in self._open.items() if now > missed_at]
        for number in overdue:
            del self._open[number]
            self._unwanted.discard(number)
        loading = self._stage is not Stage.READY
        self._missed += 0 if loading else len(overdue)
        if self._pipe.closed or self._child.poll() is not None:
            self._replace("The model stopped; it is being started again.", now)
        elif self._missed >= MOST_MISSED or (loading and now - self._since > _FIRST_ANSWER):
            self._replace("The model does not answer; it is being started again.", now)

    def _replace(self, sentence: str, now: Ns) -> None:
        """Bury the process, answer for it, and plan the next one."""
        self._bury()
        self._plan_next(now)
        self._news += [Failed(number, sentence) for number in self._open if number not in self._unwanted]
        self._open.clear()
        self._unwanted.clear()
        if not self._told:
            self._tell(sentence)

    def _plan_next(self, now: Ns) -> None:
        """When the next process is started, after one that died in the stage it is in."""
        if self._stage is Stage.READY:
            self._answered_nothing += 1
            in_a_row = self._answered_nothing
        else:
            self._never_ready += 1
            in_a_row = self._never_ready
        waits = _WAITS[self._stage]
        self._respawn_at = Ns(now + waits[min(in_a_row, len(waits)) - 1])

    def _tell(self, sentence: str) -> None:
        """The whole model failed. The same trouble is told once, until it is over."""
        if sentence != self._told:
            self._told = sentence
            self._news.append(Failed(None, sentence))

    def _respawn(self, now: Ns) -> None:
        self._respawn_at, self._stage, self._missed, self._since = None, Stage.LOADING, 0, now
        try:
            self._child, self._pipe = spawn(MODULE, *self._arguments)
        except OSError as error:
            self._tell(f"The model process cannot be started ({error}). Close other programs.")
            self._plan_next(now)
