"""Facts into `inputs`: what happened to an incident and that no probe sees. Expected losses are counted and logged; a
fact is worth a line on a timeline, and nothing waits for it."""

import trio

from collector.inputs import FactInput, encode_input
from parallax.clock import wall_ns
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull
from parallax.log import get_log

LONGEST_S = 2.0
"""How long whoever has a fact waits for the journal."""
_log = get_log(__name__)


class Facts:
    """Writes facts down."""

    def __init__(self, inputs: Journal) -> None:
        self._inputs = inputs
        self.lost = 0
        """Since the start of the process."""

    async def write(self, fact: FactInput) -> None:
        """Never raises but for cancellation."""
        why = "the journal is slow"
        with trio.move_on_after(LONGEST_S):
            try:
                await self._inputs.append([encode_input(fact, at_ns=wall_ns())])
            except (JournalBusy, JournalFull, JournalError) as error:
                why = str(error)
            else:
                return
        self.lost += 1
        _log.warning("a fact is not on its timeline", what=fact.what, incident=fact.incident, why=why)
