"""The plan at the probe: asked for from the collectors, kept on disk, turned into work.

The last good part is on disk, so a probe starts and works without a collector. An answer that cannot be read changes
nothing. One collector is asked as long as it answers; when it does not, the next one is.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from parallax.clock import NS, wall_ns
from parallax.log import get_log
from parallax.plan.checks import Unsupported
from parallax.plan.part import PartError, decode_part, part_checks, part_hash
from parallax.plan.types import Check, Part
from parallax.state import write_private
from probe.client import PlanAnswer
from probe.outcomes import Answer, Backoff, outcome_of

SHORTEST_POLL_S = 1.0
"""Between two questions, also where a collector answers a long poll at once."""
_log = get_log(__name__)


class PlanInForce(msgspec.Struct, frozen=True, kw_only=True):
    """What this probe works by."""

    part: Part
    hash: str
    checks: list[Check]
    unsupported: list[Unsupported]


class PlanSource(Protocol):
    """A collector, as the plan client sees it. Never raises but for cancellation."""

    async def get_plan(self, etag: str) -> PlanAnswer: ...


class PlanClient:
    """Keeps the plan in force up to date. `apply` gets every new one, the saved one first, and `clock` what a
    collector's answer says about our clock: the offset and how sure it is, seconds."""

    def __init__(
        self,
        path: Path,
        sources: Sequence[tuple[str, PlanSource]],
        apply: Callable[[PlanInForce], None],
        clock: Callable[[str, float, float], None] = lambda collector, offset_s, within_s: None,
        *,
        backoff: Backoff | None = None,
        save: Callable[[Path, bytes], Awaitable[None]] | None = None,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._path, self._sources, self._apply, self._clock = path, list(sources), apply, clock
        self._backoff, self._save, self._wall = backoff or Backoff(), save or _write, wall
        self.hash = ""
        self.words: dict[str, str] = {}
        """By collector, why the last question was not answered; "" if it was."""

    def load_saved(self) -> None:
        """Applies the part on disk, if there is one that can be read."""
        try:
            body = self._path.read_bytes()
            plan = read_plan(body)
        except FileNotFoundError:
            return
        except (OSError, PartError) as error:
            _log.warning("the saved plan cannot be used", path=str(self._path), error=str(error))
            return
        self._use(plan)

    async def serve(self) -> None:
        """Asks until cancelled."""
        at = 0
        while True:
            name, source = self._sources[at % len(self._sources)]
            began = trio.current_time()
            answer = await source.get_plan(self.hash)
            self._note_clock(name, answer)
            if await self._take(name, answer):
                self._backoff.reset()
                await trio.sleep_until(began + SHORTEST_POLL_S)
                continue
            at += 1
            if at % len(self._sources) == 0:
                await trio.sleep(self._backoff.next_s())

    async def _take(self, name: str, answer: PlanAnswer) -> bool:
        """Whether the collector did its part: the plan is the same, or a new one is in force."""
        word = self._word(answer)
        if answer.status == 200:
            try:
                plan = read_plan(answer.body)
            except PartError as error:
                word = "unreadable"
                answer = msgspec.structs.replace(answer, detail=str(error))
            else:
                if plan.hash != self.hash:
                    self._use(plan)
                    await self._keep(answer.body)
        if word != self.words.get(name, ""):
            log = _log.warning if word else _log.info
            log("asking for the plan", collector=name, word=word or "ok", detail=answer.detail)
        self.words[name] = word
        return not word

    async def _keep(self, body: bytes) -> None:
        try:
            await self._save(self._path, body)
        except OSError as error:  # a full disk must not keep a new plan from being used
            _log.warning("the plan cannot be saved", path=str(self._path), error=str(error))

    def _use(self, plan: PlanInForce) -> None:
        self.hash = plan.hash
        for check in plan.unsupported:
            _log.warning("a check cannot be run here", check=check.name, kind=check.kind, why=check.message)
        self._apply(plan)

    def _word(self, answer: PlanAnswer) -> str:
        if answer.status in (200, 304):
            return ""
        if answer.status == 404:
            return "not_in_plan"
        return outcome_of(Answer(status=answer.status, failure=answer.failure)).word

    def _note_clock(self, name: str, answer: PlanAnswer) -> None:
        """Date (RFC 9110 section 6.6.1) has whole seconds: half a second is added, and the network's way is in it."""
        if answer.date_s is not None:
            self._clock(name, answer.date_s + 0.5 - self._wall() / NS, 1.0)


async def _write(path: Path, body: bytes) -> None:
    await trio.to_thread.run_sync(write_private, path, body)


def read_plan(body: bytes) -> PlanInForce:
    """A part's bytes to what can be run of it. Raises PartError."""
    part = decode_part(body)
    checks = list(part_checks(part))
    return PlanInForce(
        part=part,
        hash=part_hash(part),
        checks=[check for check in checks if isinstance(check, Check)],
        unsupported=[check for check in checks if isinstance(check, Unsupported)],
    )
