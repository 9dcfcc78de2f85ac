"""One attempt by itself, on virtual time: deadline, failures, and what is read once the clock stands."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from parallax.clock import NS
from probe.attempt import evidence_of, record
from probe.judges.connection import judge_connection
from probe.tape import Tape


async def recorded(gather: Callable[[Tape], Awaitable[None]], timeout_s: float = 5.0) -> Tape:
    tape = Tape()
    await record(tape, timeout_s, lambda: gather(tape))
    return tape


async def test_partial_evidence_survives_the_deadline(autojump_clock: trio.testing.MockClock) -> None:
    async def gather(tape: Tape) -> None:
        with tape.phase("connect"):
            await trio.sleep(1)
        tape.read_later(lambda: {"read": True})
        with tape.phase("tls"):
            await trio.sleep_forever()

    evidence = evidence_of(await recorded(gather))
    assert [(p.name, p.duration_ns) for p in evidence.phases] == [("connect", NS), ("tls", 4 * NS)]
    assert (evidence.failure, evidence.phase, evidence.duration_ns) == ("timeout", "tls", 5 * NS)
    assert evidence.findings == {"read": True}


async def test_what_is_read_later_finds_the_clock_standing(autojump_clock: trio.testing.MockClock) -> None:
    tape: Tape
    seen: list[int] = []

    def read() -> dict[str, Any]:
        autojump_clock.jump(3)
        seen.append(tape.evidence().duration_ns)
        return {}

    async def gather(its: Tape) -> None:
        nonlocal tape
        tape = its
        its.read_later(read)
        await trio.sleep(2)

    gathered = await recorded(gather)
    assert seen == [], "another attempt may be measuring still"
    assert evidence_of(gathered).duration_ns == 2 * NS
    assert seen == [2 * NS]


@pytest.mark.parametrize("late", [False, True])
async def test_a_bug_is_the_probes_fault_wherever_it_is(late: bool, autojump_clock: trio.testing.MockClock) -> None:
    def broken() -> dict[str, Any]:
        raise LookupError("oh")

    async def gather(tape: Tape) -> None:
        if late:
            tape.read_later(broken)
        else:
            broken()

    evidence = evidence_of(await recorded(gather))
    verdict = judge_connection(evidence)
    assert verdict is not None
    assert (verdict.reason, verdict.side, evidence.findings) == ("probe_error", "probe", {"detail": "oh"})
