"""A component's state where a part of it is dark: a region that probes stand in, a family, or one of them over the
other."""

import pytest

from tests.collector.detect.scenes import Scene, fleet

FLEET = [
    (f"{region}{n}", region, f"host{n}", 64500 + n + 10 * place, "data-centre")
    for place, region in enumerate(("eu", "us", "asia", "africa", "oceania"))
    for n in (1, 2)
]
PLAN = fleet(FLEET) + (
    '[defaults]\nperiod = "10s"\ntimeout = "2s"\n[[check]]\nname = "api"\nkind = "http"\nexternal = false\n'
    'targets = ["https://a.example/"]\n[[component]]\nname = "Sign-in"\nchecks = ["api"]\n'
)
V4, V6 = "192.0.2.1", "2001:db8::1"
ADDRESSES = {"a.example": [V4, V6]}
EU, US = ["eu1", "eu2"], ["us1", "us2"]
EVERY = [name for name, *_ in FLEET]


def line(*broken: dict[str, object], reason: str = "connect_timeout", seconds: float = 90) -> tuple[str, str]:
    found = Scene(PLAN, ADDRESSES)
    found.run(30)
    for each in broken:
        found.fails(reason, **each)  # type: ignore[arg-type]
    found.run(seconds)
    [component] = found.board.components
    return component.state, component.why.partition("; ")[2]


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"probes": EU}, "in eu"),
        ({"probes": EU, "subject": V6}, "in eu over IPv6"),
        ({"probes": [*EU, *US], "subject": V6}, "in eu over IPv6, in us over IPv6"),
        ({"subject": V6}, "over IPv6"),
        ({"probes": EU[:1] + US[:1]}, ""),
    ],
)
def test_a_part_that_is_dark_is_a_partial_outage_and_named(broken: dict[str, object], where: str) -> None:
    state, said = line(broken)
    assert said == (f"hardly a run gets through {where}" if where else "")
    assert state == ("partial_outage" if where else "degraded_performance")


def test_what_is_only_slow_there_is_degraded_there() -> None:
    state, said = line({"probes": EU, "subject": V6}, reason="http_slow")
    assert (state, said) == ("degraded_performance", "hardly a run gets through in eu over IPv6")


def test_what_is_dark_everywhere_is_no_part() -> None:
    assert line({}, seconds=30) == ("full_outage", "")


def test_a_region_of_one_probe_is_that_probe_for_all_that_is_known() -> None:
    state, said = line({"probes": [name for name in EVERY if name.endswith("1")][:2]})
    assert (state, said) == ("degraded_performance", "")
