"""The machinery of a flow: named steps in order, each an observation of its own, until one fails.

    Step("token", exchange_code)                        one step: gathers on its tape, or ends it (reply.end)
    Step("discovery", discover, part="light", attempts=2)  a failed one has a control attempt, as it changes nothing
    Stage(("authorize", "password", ...), walk)         several steps, of which the pages decide which are taken

A step that failed, at its control attempts too, ends the flow: whatever follows would be judged on what is missing.
After the end, however it came, cancellation too, what may live on at the provider is ended by the preset's `clean`,
shielded, with its own deadline.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, Literal

import msgspec
import trio

from parallax.plan.pinned import own_name
from parallax.plan.signin_specs import SigninSpec
from probe import control
from probe.kind import Subject
from probe.signin.browser import Browser, Names
from probe.signin.cadence import Cadence
from probe.signin.reply import CLEANING, Ended, passed
from probe.steps import Steps, Taken
from probe.tape import Tape
from probe.vault import Values, Withheld, fill

CLEANUP_S = 5.0
"""How long cleaning up may take."""

Part = Literal["light", "silent", "full"]


class Step(msgspec.Struct, frozen=True):
    """One step of a preset."""

    name: str
    gather: "Callable[[Flow, Tape], Awaitable[None]]"
    part: Part = "full"
    """In which runs it is taken: a light one is in all."""
    attempts: int = 1
    """How many are made at most, until one passes. More than one only where it changes nothing at the provider: what
    follows the first is a control."""
    wanted: "Callable[[Flow], bool]" = lambda flow: True
    """Whether what came before leaves something to do for it."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)


class Stage(msgspec.Struct, frozen=True):
    """Several steps, taken as it turns out."""

    names: tuple[str, ...]
    play: "Callable[[Flow], Awaitable[bool]]"
    """Takes them by `flow.take`; gives whether the flow may go on."""
    part: Part = "full"


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A list of steps made for a kind of provider."""

    steps: tuple[Step | Stage, ...]
    new_state: Callable[[SigninSpec], Any] = lambda spec: None
    """What a run's steps share beside the flow itself."""
    signs_in: bool = False
    """A whole run signs somebody in: budget, turn and halts hold."""
    keeps: bool = False
    """A session can be kept for silent runs."""
    secrets: "Callable[[Any], list[str]]" = lambda state: []
    """What a kept state holds that is secret."""
    is_over: "Callable[[Flow], bool]" = lambda flow: True
    """After a silent step that failed: whether the kept session is over, as the provider said so."""
    unclean: "Callable[[Flow], bool]" = lambda flow: False
    """Whether something may live on at the provider."""
    clean: "Callable[[Flow, Tape], Awaitable[None]] | None" = None
    """Ends it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The steps that it can have, in order."""
        return tuple(name for each in self.steps for name in each.names)


class Flow:
    """One run of a flow: what its steps share. `state` is the preset's own; `values` is what templates may name."""

    def __init__(
        self,
        spec: SigninSpec,
        steps: Steps,
        cadence: Cadence,
        preset: Preset,
        user: Browser,
        backchannel: Browser,
        *,
        without: Collection[str] = (),
    ) -> None:
        """`without`: steps that this run does not take, beside those that the plan leaves out."""
        self.spec, self.steps, self.cadence, self.preset = spec, steps, cadence, preset
        self.left_out = frozenset((*spec.leave_out, *without))
        self.tools = steps.tools
        self.user, self.backchannel = user, backchannel
        self.values: dict[str, Any] = dict(first_values(steps))
        if spec.user is not None:
            self.values["user.name"] = self.user_name
        self.state: Any = preset.new_state(spec)
        self.stopped = False
        """A step failed, and none follows."""
        self._gone: set[tuple[str, ...]] = set()
        self._planned = [name for each in self._due() for name in each.names if name not in spec.leave_out]

    @property
    def user_name(self) -> str:
        """Who signs in, as it is typed; empty where nobody does."""
        user = self.spec.user
        if user is None:
            return ""
        try:
            return fill(user.name, self.values, self.steps.target, self.tools.vault, self.tools.hidden)
        except Withheld:  # told by the step that types it
            return user.name

    @property
    def redirect_uri(self) -> str | None:
        """Where the user's browser stops; None for a flow without a client."""
        return str(self.spec.client.redirect_uri) if self.spec.client is not None else None

    def _due(self) -> Iterator[Step | Stage]:
        parts: dict[Cadence, frozenset[Part]] = {
            "light": frozenset({"light"}),
            "silent": frozenset({"light", "silent"}),
            "full": frozenset({"light", "full"}),
        }
        return (each for each in self.preset.steps if each.part in parts[self.cadence])

    async def go(self, which: "Callable[[Step | Stage], bool]" = lambda each: True) -> None:
        """Takes those steps that are due, were not gone through before, and are asked for, until one fails."""
        for each in self._due():
            if self.stopped:
                return
            if each.names in self._gone or not which(each):
                continue
            self._gone.add(each.names)
            if self.left_out.issuperset(each.names):
                continue
            if isinstance(each, Stage):
                self.stopped = not await each.play(self)
            elif each.wanted(self):
                self.stopped = not await self._attempt(each)

    async def clean(self) -> None:
        """Ends what may live on at the provider, if anything does. To be called in every case; it shields itself."""
        clean = self.preset.clean
        if clean is None or not self.preset.unclean(self):
            return

        async def gather(flow: Flow, tape: Tape) -> None:
            tape.material[CLEANING] = True
            await clean(flow, tape)

        with trio.CancelScope(shield=True):
            await self.take("cleanup", gather, timeout_s=CLEANUP_S)

    async def take(
        self,
        name: str,
        gather: "Callable[[Flow, Tape], Awaitable[None]]",
        *,
        part: Part = "full",
        attempt: int = 1,
        timeout_s: float | None = None,
    ) -> Taken:
        """Takes one step; never raises but for cancellation."""

        async def gathered(tape: Tape) -> None:
            tape.note(place=self._place(name), every_s=self._every_s(part))
            with suppress(Ended):
                await gather(self, tape)

        return await self.steps.take(self._subject(name), gathered, attempt=attempt, timeout_s=timeout_s)

    async def _attempt(self, step: Step) -> bool:
        """Makes its attempts until one passes, and the flow may go on by what that brought. Each has connections of
        its own, at another address where the host has one, and leaves time for those after it."""
        for left in range(step.attempts, 0, -1):
            timeout_s = self.steps.left_s / left if left > 1 else None
            number = step.attempts - left + 1
            if number == 1:
                taken = await self.take(step.name, step.gather, part=step.part, timeout_s=timeout_s)
            else:
                taken = await self._again(step, number, timeout_s)
            if passed(taken.evidence):
                return True
            if not control.wants_control(taken.verdict) or self.steps.left_s < control.AFTER_S + control.SHORTEST_S:
                return False
            if left > 1:
                await trio.sleep(control.AFTER_S)
        return False

    async def _again(self, step: Step, number: int, timeout_s: float | None) -> Taken:
        names = Names(choice=number - 1)
        user, backchannel = self.user, self.backchannel
        async with Browser(self.tools, names, user.jar) as one, Browser(self.tools, names, backchannel.jar) as other:
            self.user, self.backchannel = one, other
            try:
                return await self.take(step.name, step.gather, part=step.part, attempt=number, timeout_s=timeout_s)
            finally:
                self.user, self.backchannel = user, backchannel

    def _subject(self, name: str) -> Subject:
        target = self.steps.target
        dims = {"step": name, "issuer": target, "flow": self.spec.use or "steps", "cadence": self.cadence}
        return Subject(target=target, host="", name=name, dims=dims)

    def _place(self, name: str) -> list[int] | None:
        return [self._planned.index(name) + 1, len(self._planned)] if name in self._planned else None

    def _every_s(self, part: Part) -> float | None:
        """Seconds until the step is due again, where that is not with the next run."""
        every = self.spec.every
        due = {"light": None, "silent": every.silent, "full": every.full}[part]
        return float(due) if due is not None and due > self.steps.check.period else None


def first_values(steps: Steps) -> Values:
    """What every flow's templates may name from its start."""
    return {"probe": steps.probe, "run": steps.run, "check": own_name(steps.check)}
