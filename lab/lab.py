"""The lab as the one who runs it sees it: what is broken, and how to break and mend it."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from lab.child import Child, ChildSilent
from lab.control import FaultState, Order, Received, Reply
from lab.faults import FAULTS
from lab.names import known_words, unknown_words
from lab.truth import Fact
from parallax.log import get_log

FACTS = 20
LONGEST_LINE = 1000
_log = get_log(__name__)


class UnknownFault(Exception):
    """There is no fault of this name; one line that says which there are."""


class LabError(Exception):
    """The lab did not do it. One line."""


class Lab:
    """World and probes. Every call raises LabError where one of them does not do or answer."""

    def __init__(self, world: Child, probes: Child, truth: Path) -> None:
        self._children = {"world": world, "probes": probes}
        self._truth = truth

    async def inject(self, fault: str, actor: str) -> None:
        """Breaks it; what is broken already stays so. Raises UnknownFault."""
        await self._tell("break", fault, actor)

    async def mend(self, fault: str, actor: str) -> None:
        """Takes the fault away, if it is there. Raises UnknownFault."""
        await self._tell("mend", fault, actor)

    async def mend_all(self, actor: str) -> list[str]:
        """Takes away all that are there; their names."""
        names = list(await self.states())
        for name in names:
            await self._tell("mend", name, actor)
        return names

    async def states(self) -> dict[str, FaultState]:
        """The faults that are in force, by name, in the order of FAULTS."""
        found = {
            state.fault: state for name in self._children for state in (await self._ask(name, Order(do="state"))).faults
        }
        return {name: found[name] for name in FAULTS if name in found}

    async def received(self) -> list[Received]:
        """What the pager received, newest first."""
        return (await self._ask("world", Order(do="pager"))).received

    def truth(self) -> list[Fact]:
        """The latest that was broken and mended, newest first. Reads a file."""
        return latest_facts(self._truth, FACTS)

    async def _tell(self, do: str, name: str, actor: str) -> None:
        fault = FAULTS.get(name)
        if fault is None:
            raise UnknownFault(f"{unknown_words(name)}; {known_words()}")
        await self._ask(fault.where, Order(do=do, fault=name, actor=actor))
        _log.info("the lab is told", do=do, fault=name, actor=actor)

    async def _ask(self, child: str, order: Order) -> Reply:
        try:
            reply = await self._children[child].ask(order, Reply)
        except ChildSilent as error:
            raise LabError(str(error)) from None
        if reply.error:
            raise LabError(reply.error)
        return reply


def latest_facts(file: Path, number: int) -> list[Fact]:
    """The end of the truth log, newest first; none where there is no file. A line cut short by a crash is passed
    over."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - number * LONGEST_LINE))
            lines = opened.read().splitlines()
    except OSError:
        return []
    facts: list[Fact] = []
    for line in reversed(lines):
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            facts.append(msgspec.json.decode(line, type=Fact))
        if len(facts) == number:
            break
    return facts
