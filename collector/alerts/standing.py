"""How a receiver stands: what became of the tries, counted and in words; the same trouble is logged once."""

from typing import Literal

import msgspec
import trio

from collector.alerts.knowing import Waiting
from collector.alerts.outcomes import Outcome
from collector.routing.watchdog import WATCHDOG
from parallax.log import get_log
from parallax.plan.alert_types import Receiver

_log = get_log(__name__)

ReceiverState = Literal["ok", "failing", "disabled"]


class ReceiverStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver stands."""

    name: str
    kind: str
    waiting: int
    """Alerts that it has not taken yet."""
    delivered: int
    """Since the start of the process."""
    last_word: str
    """What became of the last attempt."""
    given_up: int = 0
    """Since the start of the process: too old, refused one by one, or the receiver is disabled."""
    state: ReceiverState = "ok"
    failing_s: float | None = None
    """How long no attempt has succeeded, where the last one failed."""


class Standing:
    """Told of each try by `Delivery`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._failing_since: float | None = None
        self._word, self._last = "", "nothing was sent yet"
        self._delivered = self._given_up = 0

    def status(self, *, waiting: int, disabled: bool) -> ReceiverStatus:
        """Right now, with what only the delivery knows."""
        failing_s = None if self._failing_since is None else round(trio.current_time() - self._failing_since, 1)
        return ReceiverStatus(
            name=self._receiver.name,
            kind=self._receiver.kind,
            waiting=waiting,
            delivered=self._delivered,
            last_word=self._last,
            given_up=self._given_up,
            state="disabled" if disabled else "ok" if failing_s is None else "failing",
            failing_s=failing_s,
        )

    def note_unready(self, problem: str) -> None:
        """It cannot be told anything before its owner has mended this."""
        self._last, self._failing_since = problem, trio.current_time()
        _log.error("receiver cannot be told", receiver=self._receiver.name, why=problem)

    def note_enabled(self) -> None:
        """It is taken in again."""
        self._last = "enabled again"

    def note_try(self, waiting: Waiting, outcome: Outcome, words: str) -> None:
        """What came of a try; `words` are the answer's."""
        about, name = waiting.alert.about, self._receiver.name
        if outcome.action == "deliver":
            self._delivered += 1
            self._last = f"{about} delivered: {words}"
            if self._word:
                _log.info("receiver takes alerts again", receiver=name)
            if about != WATCHDOG:
                _log.info("alert delivered", receiver=name, type=about, id=waiting.id)
            self._word, self._failing_since = "", None
            return
        self._last = f"{about} not delivered: {words}"
        if outcome.word != self._word:
            log = _log.warning if outcome.action in ("retry", "wait") else _log.error
            log("alert not delivered", receiver=name, type=about, id=waiting.id, why=words)
        if self._failing_since is None:
            self._failing_since = trio.current_time()
        self._word = outcome.word

    def note_given_up(self, waiting: Waiting, why: str) -> None:
        """It gets this alert no more."""
        about = waiting.alert.about
        self._given_up += 1
        self._last = f"{about} given up: {why}"
        _log.error("alert given up", receiver=self._receiver.name, type=about, id=waiting.id, why=why)
