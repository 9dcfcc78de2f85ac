"""Jobs that need what the host lacks are not begun, on their grid or when asked for, and each tick is counted."""

import msgspec
import trio.testing

from parallax.asks import Ask
from parallax.values import Endpoint
from probe.extra_runs import Pace
from probe.schedule import Pair
from tests.probe.test_runner import Bench, during

LAME, WELL = Pair("lame", "t"), Pair("well", "t")


async def test_what_is_lacking_is_counted_and_others_go_on(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    lame = msgspec.structs.replace(bench.job(10, 1), needs=frozenset({"dot", "ipv6"}))
    bench.runner.assign({LAME: lame, WELL: msgspec.structs.replace(bench.job(10, 1), needs=frozenset({"ipv4"}))})
    bench.runner.lacks = {"ipv6": "no route"}
    await during(60.5, bench.runner.serve)
    assert bench.counters.not_run == {"ipv6": 6}
    assert (len(bench.ticks), bench.counters.skipped) == (6, {})
    bench.runner.lacks = {}
    await during(60, bench.runner.serve)
    assert len(bench.ticks) == 18, "once it is there it is run"
    assert bench.counters.not_run == {"ipv6": 6}


async def test_nobody_can_ask_for_it(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    pace = Pace(floor_s=1.0, period_s=3600.0)
    lame = msgspec.structs.replace(
        bench.job(3600, 1, phase_s=3000, endpoint=Endpoint("192.0.2.1:443")), needs=frozenset({"ipv6"}), pace=pace
    )
    bench.runner.assign({LAME: lame})
    bench.runner.lacks = {"ipv6": "no route"}
    ask = Ask(id="1", check="lame", target="t", every_s=5.0, left_s=30.0, why="suspicion")
    bench.runner.heed("collector", [ask])
    await during(30, bench.runner.serve)
    assert bench.ticks == []
    assert 1 <= bench.counters.not_run["ipv6"] <= 10, "it is not tried in a tight loop"
