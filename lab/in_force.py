"""The faults in force in one of the lab's processes: orders about them, and the truth that is noted of them."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Literal

import msgspec

from lab.control import FaultState, Order, Reply
from lab.stdio import of_line
from lab.truth import Fact, Truth
from parallax.clock import wall_ns
from parallax.loading.problems import nearest

LONGEST_ACTOR = 200
END = "the end of the lab"
"""Who mends what is still broken when the process ends in order."""


class InForce:
    """Breaking and mending may be said twice; the second time changes nothing."""

    def __init__(
        self,
        names: Collection[str],
        truth: Truth,
        carry_out: Callable[[Collection[str]], None],
        *,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        """`names`: the faults of this process. `carry_out` makes it so that these are in force, and no others."""
        self._names, self._truth, self._carry_out, self._wall = names, truth, carry_out, wall
        self._faults: dict[str, FaultState] = {}

    def take(self, order: Order) -> Reply:
        """Carries out one order: break, mend or state. What cannot be done is said in the reply."""
        if order.do == "state":
            return self.reply()
        if order.do not in ("break", "mend"):
            return self.reply(f"there is no order {order.do[:80]!r} here; the orders are break, mend and state")
        if order.fault not in self._names:
            known = f"{nearest(order.fault, self._names)}the faults here are {', '.join(self._names)}"
            return self.reply(f"there is no fault {order.fault[:80]!r} here; {known}")
        return self.reply(self._turn("break" if order.do == "break" else "mend", order.fault, order.actor))

    def reply(self, error: str = "") -> Reply:
        """What is in force now, and why nothing was done."""
        return Reply(error=error, faults=list(self._faults.values()))

    def end(self) -> None:
        """Notes that all is mended, as it ends with the process."""
        for fault in self._faults:
            with suppress(OSError):
                self._truth.note(Fact(at=self._wall(), do="mend", fault=fault, actor=END))
        self._faults.clear()

    def _turn(self, do: Literal["break", "mend"], fault: str, actor: str) -> str:
        """What cannot be noted as the truth is not done."""
        if (do == "break") == (fault in self._faults):
            return ""
        now, actor = self._wall(), actor[:LONGEST_ACTOR]
        try:
            self._truth.note(Fact(at=now, do=do, fault=fault, actor=actor))
        except OSError as error:
            return f"nothing was done, as {self._truth.path} cannot be written: {error.strerror}"
        if do == "break":
            self._faults[fault] = FaultState(fault=fault, since=now, actor=actor)
        else:
            del self._faults[fault]
        self._carry_out(self._faults.keys())
        return ""


def reply_to(line: bytes, take: Callable[[Order], Reply]) -> Reply:
    """What is answered to a line of the parent's."""
    try:
        order = of_line(line, Order)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return msgspec.structs.replace(take(Order(do="state")), error=f"the order is not understood: {error}")
    return take(order)
