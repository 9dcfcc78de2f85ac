"""What a run gathers on: phases with their times, findings, and at most one failure.

A check's `run` writes here as it goes, so that partial evidence survives a timeout: the phase still open when the time
ran out is where it hung. Nothing here decides anything; `judge` does, from the `Evidence`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import trio

from parallax.clock import to_ns
from parallax.observation import Phase
from probe.hidden import Hidden

Failure = Literal["timeout", "refused", "unreachable", "reset", "closed", "not_allowed", "local_error", "bug"]
"""How an attempt ended early, in words that every transport shares. A kind adds words of its own."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt saw: the input of `judge`.

    `failure` is None when the exchange ran to its end; else one of Failure or a word of the kind's own. `phase` names
    the phase in which it failed. `findings` are plain values, names and addresses: the wire makes text of them.
    """

    phases: list[Phase] = []
    findings: dict[str, Any] = {}
    failure: str | None = None
    phase: str | None = None
    duration_ns: int = 0
    material: dict[str, Any] = {}
    """What `judge` may see but the observation must not carry: bodies, whole headers."""

    def spent_ns(self, phase: str) -> int:
        """The time that went into the phases of this name; 0 without one."""
        return sum(each.duration_ns for each in self.phases if each.name == phase)


class Tape:
    """Records one attempt. `started` is trio's clock, seconds.

    An attempt that follows a name's lookup goes on from the lookup's tape: same start, its phases and findings first.
    """

    def __init__(self, after: "Tape | None" = None, hidden: Hidden | None = None) -> None:
        self.hidden: Hidden = hidden or (after.hidden if after else Hidden())
        """What must not be on it: texts are cut only after they were scrubbed."""
        self.started: float = after.started if after else trio.current_time()
        self.findings: dict[str, Any] = dict(after.findings) if after else {}
        self.dims: dict[str, str] = {}
        self.site: str | None = None
        self.material: dict[str, Any] = {}
        self._phases: list[Phase] = list(after._phases) if after else []  # noqa: SLF001
        self._open: tuple[str, float] | None = None
        self._failure: tuple[str, str | None] | None = None
        self._later: list[Callable[[], Mapping[str, Any]]] = []
        self._ended: float | None = None

    def phase(self, name: str) -> "_Phase":
        """Times a phase, as a context manager. Phases do not nest. One that is left by an exception stays open, as the
        place of failure."""
        assert self._open is None, f"phase {name} inside {self._open}"
        self._open = (name, trio.current_time())
        return _Phase(self)

    def enter(self, name: str) -> None:
        """As `phase`, for where a library's events say when: ends the phase that is open, and opens this one."""
        self._close_phase()
        self._open = (name, trio.current_time())

    def leave(self) -> None:
        """Ends the phase that is open, if any."""
        self._close_phase()

    def note(self, **findings: Any) -> None:
        """Adds findings; None values are left out, an existing key is overwritten."""
        self.findings.update({key: value for key, value in findings.items() if value is not None})

    def read_later(self, read: Callable[[], Mapping[str, Any]]) -> None:
        """For findings that take time to read out of what was gathered: `read` is called once the clock stands."""
        self._later.append(read)

    def fail(self, failure: str, detail: str = "") -> None:
        """The attempt ended early, in the phase that is open. The first failure stays."""
        if self._failure is None:
            self._failure = (failure, self._open[0] if self._open else None)
            if detail:
                self.findings["detail"] = self.hidden.scrub(detail)[:500]

    def stop(self) -> None:
        """The attempt is over: an open phase ends now, and the clock stands."""
        self._close_phase()
        if self._ended is None:
            self._ended = trio.current_time()

    def read_rest(self) -> None:
        """Notes what was left for later. Raises what the readers raise."""
        later, self._later = self._later, []
        for read in later:
            self.note(**read())

    def evidence(self) -> Evidence:
        """What is on the tape, which is stopped if it was not."""
        self.stop()
        assert self._ended is not None
        failure, phase = self._failure or (None, None)
        return Evidence(
            phases=list(self._phases),
            findings=self.findings,
            failure=failure,
            phase=phase,
            duration_ns=to_ns(self._ended - self.started),
            material=self.material,
        )

    def _close_phase(self) -> None:
        if self._open is not None:
            name, since = self._open
            now = trio.current_time()
            self._phases.append(Phase(name, to_ns(since - self.started), to_ns(now - since)))
            self._open = None


class _Phase:
    __slots__ = ("_tape",)

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is None:
            self._tape.leave()
