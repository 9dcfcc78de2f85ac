"""Whether this probe's own uplink works, family by family, by control targets: hosts run by others than the targets.

A TCP connection, or its refusal, proves the way to one control; where two thirds of them or more do not answer at the
same moment, the uplink is down: much of the Internet is out of reach then, and one control that is near says little.
Controls belong to others, so at a slow pace one of them is asked, and the others only if it is silent. All of them are
asked when a check has newly failed.
"""

from collections.abc import Awaitable, Callable, Sequence

import trio

from parallax.dialling.errors import failure_of
from parallax.dialling.route import NotAllowed, Routes
from parallax.dialling.sockets import close_now, open_tcp
from parallax.values import Address, Family

PACE_S = 15.0
FAILING_PACE_S = 5.0
SHORTEST_PACE_S = 0.5
FIRST_ANSWER_S = 0.35
LAST_ANSWER_S = 0.8
"""A control is asked this long after a check began before the others are asked too; all must answer by the second."""

Dial = Callable[[Address], Awaitable[bool | None]]
"""True: the control answered. False: it did not. None: this says nothing (not allowed, no file descriptors)."""


class Uplink:
    """The uplink of one family. `up` is None while nothing is known: no controls, or none that may be dialled."""

    def __init__(self, controls: Sequence[Address], dial: Dial) -> None:
        self._controls, self._dial = list(controls), dial
        self._wanted, self._done = trio.Event(), trio.Event()
        self._thorough = False
        """Whether the next check is to ask all of them."""
        self.up: bool | None = None
        self.checked_from = float("-inf")
        """When the last finished check began; trio's clock."""
        self.down_until = float("-inf")
        """When a check last found it down; trio's clock."""

    def replace(self, controls: Sequence[Address]) -> None:
        """Other controls from a new plan; what the old ones said is forgotten when they changed."""
        if list(controls) != self._controls:
            self._controls, self.up, self.checked_from = list(controls), None, float("-inf")
            self._wanted.set()

    async def serve(self) -> None:
        """Checks at its pace until cancelled."""
        while True:
            began = trio.current_time()
            await self._check(began)
            await trio.sleep_until(began + SHORTEST_PACE_S)
            pace_s = FAILING_PACE_S if self.up is False else PACE_S
            with trio.move_on_at(began + pace_s):
                await self._wanted.wait()
            self._wanted = trio.Event()

    async def wait_checked(self, since: float, at_most_s: float, thorough: bool = False) -> None:
        """Returns once a check has finished that began at `since` or later, or after `at_most_s`. `thorough`: one that
        is to be begun asks all of them."""
        if not self._controls:
            return
        with trio.move_on_after(at_most_s):
            while self.checked_from < since:
                self._thorough |= thorough
                self._wanted.set()
                await self._done.wait()

    def was_down(self, started: float) -> bool:
        """Whether it is down now, or was found down since a moment."""
        return self.up is False or self.down_until >= started

    async def _check(self, began: float) -> None:
        everyone, self._thorough = self._thorough, False
        self.up = await self._ask(everyone) if self._controls else None
        self.checked_from = began
        if self.up is False:
            self.down_until = trio.current_time()
        done, self._done = self._done, trio.Event()
        done.set()

    async def _ask(self, everyone: bool) -> bool | None:
        """One control first, unless everyone is to be asked; when it is silent, all others at once. The one that
        answered is asked first next time."""
        controls = list(self._controls)
        answers: list[bool | None] = []
        first_done = trio.Event()
        with trio.move_on_after(LAST_ANSWER_S):
            async with trio.open_nursery() as nursery:

                async def ask(control: Address) -> None:
                    answers.append(await self._dial(control))
                    first_done.set()
                    if answers[-1]:
                        self._prefer(control)
                        if proves(answers, len(controls)):
                            nursery.cancel_scope.cancel()

                nursery.start_soon(ask, controls[0])
                if not everyone:
                    with trio.move_on_after(FIRST_ANSWER_S):
                        await first_done.wait()
                for control in [] if True in answers else controls[1:]:
                    nursery.start_soon(ask, control)
        if proves(answers, len(controls)) or (not everyone and answers[:1] == [True]):
            return True
        return None if len(answers) == len(controls) and not {True, False} & {*answers} else False

    def _prefer(self, control: Address) -> None:
        if control in self._controls:
            self._controls.remove(control)
            self._controls.insert(0, control)


def proves(answers: Sequence[bool | None], controls: int) -> bool:
    """Whether so many answered that less than two thirds are silent; those that say nothing are not there."""
    asked = controls - answers.count(None)
    return 3 * (asked - answers.count(True)) < 2 * asked


def dialler(routes: Callable[[], Routes]) -> Dial:
    """A dial that makes a TCP connection and closes it, by the routes in force."""

    async def dial(control: Address) -> bool | None:
        try:
            stream = await open_tcp(control, routes())
        except (NotAllowed, OSError) as error:
            return _PROOF.get(failure_of(error), False)
        close_now(stream)
        return True

    return dial


_PROOF = {"refused": True, "reset": True, "not_allowed": None, "local_error": None}
"""What a failed dial says about the uplink; False for every other word."""


def by_family(controls: Sequence[Address], family: Family) -> list[Address]:
    return [control for control in controls if control.family == family]
