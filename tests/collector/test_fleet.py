"""Who counts as connected, also when the collector's own clock is put right."""

from collector.fleet import CONNECTED_NS, Fleet, status_of
from parallax.clock import NS

NOON = 1_800_000_000 * NS
HOUR = 3600 * NS


def test_the_most_recent_comes_first_and_silence_ends_it() -> None:
    fleet = Fleet()
    for n, probe in enumerate(("b", "a", "c")):
        fleet.heard(probe, NOON + n * NS, "192.0.2.1")
    assert fleet.connected(NOON + 2 * NS) == ("c", "a", "b")
    assert fleet.connected(NOON + CONNECTED_NS + NS) == ("c", "a")
    assert fleet.connected(NOON + CONNECTED_NS + 3 * NS) == ()


def test_a_clock_put_back_makes_nobody_connected_for_long() -> None:
    fleet = Fleet()
    fleet.heard("gone", NOON, "192.0.2.1")
    fleet.heard("here", NOON, "192.0.2.2")
    assert fleet.connected(NOON - HOUR) == ()
    fleet.heard("here", NOON - HOUR, "192.0.2.2")
    assert fleet.connected(NOON - HOUR) == ("here",)
    [gone, here] = status_of(fleet, NOON - HOUR, {"here": "its host is overloaded"})
    assert (gone.unhealthy, here.unhealthy) == ("", "its host is overloaded")
    assert (gone.connected, here.connected, here.heard_s_ago) == (False, True, 0.0)
