"""Asks the collectors what they want to be looked at now, all of them side by side: each may be the only one that can
be reached. Without an answer the grid goes on, so what fails here costs time and nothing else."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import trio

from parallax.asks import Ask, Asks
from parallax.log import get_log
from probe.outcomes import Answer, Backoff, outcome_of

SPACING_S = 0.2
"""Between two questions, where the answers come at once."""
_log = get_log(__name__)


class AsksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question: the asks of a 200 that could be read, else as any `Answer`."""

    status: int | None = None
    failure: str | None = None
    asks: Asks | None = None
    retry_after_s: float | None = None
    detail: str = ""


class AskSource(Protocol):
    """A collector, as the client of asks sees it. Never raises but for cancellation."""

    async def get_asks(self, after: str) -> AsksAnswer: ...


class AskClient:
    """Polls one collector. `heed` gets all that it asks, at every answer."""

    def __init__(
        self,
        name: str,
        source: AskSource,
        heed: Callable[[str, Sequence[Ask]], None],
        *,
        backoff: Backoff | None = None,
    ) -> None:
        self._name, self._source, self._heed = name, source, heed
        self._backoff = backoff or Backoff()
        self._version = ""
        self.word = ""
        """Why the last question was not answered; "" if it was."""

    async def serve(self) -> None:
        """Asks until cancelled."""
        while True:
            began = trio.current_time()
            answer = await self._source.get_asks(self._version)
            if answer.status == 200 and answer.asks is not None:
                self._note("", "")
                self._backoff.reset()
                self._version = answer.asks.version
                self._heed(self._name, answer.asks.asks)
                await trio.sleep_until(began + SPACING_S)
                continue
            outcome = outcome_of(
                Answer(status=answer.status, failure=answer.failure, retry_after_s=answer.retry_after_s)
            )
            self._note("unreadable" if answer.status == 200 else outcome.word, answer.detail)
            await trio.sleep(max(outcome.wait_s, self._backoff.next_s()))

    def _note(self, word: str, detail: str) -> None:
        if word != self.word:
            log = _log.warning if word else _log.info
            log("asking what to look at now", collector=self._name, word=word or "ok", detail=detail)
        self.word = word
