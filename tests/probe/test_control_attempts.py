"""One attempt more at what failed: when, of what, and that it ends before the next tick. Over real sockets."""

import pytest

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.specs import Assertion, HttpSpec
from parallax.plan.types import Check
from parallax.values import Duration
from probe.runs import Vantage, run_target
from probe.tools import Tools
from tests.fakes.http_server import Behaviour, Peer, http_server


def answering(*statuses: int) -> Behaviour:
    """One status a connection, the last one for all that follow."""
    left = list(statuses)

    async def behave(peer: Peer) -> None:
        await peer.request()
        status = left.pop(0) if len(left) > 1 else left[0]
        await peer.send(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % status)

    return behave


async def run(behaviour: Behaviour, *, period_s: float = 30, timeout_s: float = 5, **spec: object) -> list[Observation]:
    async with http_server(behaviour) as server:
        target = f"http://{server.address}/"
        check = Check(
            name="c", kind="http", targets=[target], period=Duration(period_s), timeout=Duration(timeout_s),
            external=True, probes=[], spec=HttpSpec(**spec),
        )  # fmt: skip
        tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(), resolvers=())
        found = await run_target(check, target, Vantage(probe="p", families=(4,)), tools, scheduled_at=0)
        assert server.accepted == len(found)  # each over a connection of its own
        return found


@pytest.mark.parametrize(
    ("statuses", "reasons"),
    [
        ((503, 200), ["http_server_error", None]),
        ((503, 503), ["http_server_error", "http_server_error"]),
        ((200, 503), [None]),
        ((429, 200), ["http_throttled"]),
        ((403, 200), ["http_forbidden"]),
    ],
)
async def test_what_clients_try_again_is_tried_again_once(statuses: tuple[int, ...], reasons: list[str | None]):
    found = await run(answering(*statuses))
    assert [o.reason for o in found] == reasons
    assert [o.attempt for o in found] == [1, 2][: len(found)]
    if len(found) == 2:
        first, control = found
        assert (first.run, first.subject, first.scheduled_at) == (control.run, control.subject, control.scheduled_at)
        assert control.started_at - first.started_at >= first.duration_ns + 100_000_000


async def test_what_changes_something_at_the_target_is_never_repeated():
    assert len(await run(answering(503, 200), method="POST")) == 1


async def test_what_is_only_degraded_is_not_repeated():
    slow = [Assertion(duration=Duration(0.000001), otherwise="degraded")]
    assert [o.reason for o in await run(answering(200), assertions=slow)] == ["http_slow"]


async def test_it_is_left_out_where_the_next_tick_is_near():
    async def silent(peer: Peer) -> None:
        await peer.until_gone()

    found = await run(silent, period_s=2.0, timeout_s=1.6)
    assert [(o.reason, o.attempt) for o in found] == [("first_byte_timeout", 1)]
