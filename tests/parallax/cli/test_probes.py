"""The list of probes as people read it."""

from typing import Any

import msgspec

from parallax.cli.probes import HEADINGS, sorted_probes, table
from parallax.clock import NS
from tests.fakes.boards import NOW, probe


def board(**more: dict[str, Any]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(probe(place, **more.get(f"p{place}", {}))) for place in range(3)]


def test_those_in_trouble_come_first_and_say_why() -> None:
    heard = {
        "p0": {"lacks": {"ipv6": "no route"}},
        "p1": {"agent": "0.0.9"},
        "p2": {"state": "silent", "why": "nothing was heard of it for 60 s", "heard_at": NOW - 60 * NS},
    }
    found = sorted_probes(board(**heard), "0.1.0", outdated=False)
    lines = table(found, "0.1.0", NOW)
    first, second, third = (each["id"] for each in found)
    assert (found[0]["state"], second < third) == ("silent", True)
    assert tuple(lines[0].split()) == HEADINGS
    assert [line.split()[0] for line in lines[1:4]] == [first, second, third]
    assert "0.0.9*" in "\n".join(lines)
    assert lines[4:] == [
        "",
        f"{first}: nothing was heard of it for 60 s",
        f"{msgspec.to_builtins(probe(0))['id']}: ipv6: no route",
        "1 of another version than the collector, 0.1.0",
    ]
    assert not any(line.endswith(" ") for line in lines)


def test_only_the_outdated_and_none_of_them() -> None:
    heard = {"p1": {"agent": "0.0.9"}, "p2": {"agent": "", "state": "unknown", "heard_at": None, "lag_s": None}}
    found = sorted_probes(board(**heard), "0.1.0", outdated=True)
    assert [each["agent"] for each in found] == ["0.0.9"], "one that was never heard is not outdated"
    assert table([], "0.1.0", NOW, outdated=True) == ["every probe that was heard is of version 0.1.0"]
    every = sorted_probes(board(**heard), "0.1.0", outdated=False)
    assert "never" in "\n".join(table(every, "0.1.0", NOW))


def test_what_a_probe_says_does_not_move_the_cursor() -> None:
    found = sorted_probes(board(p0={"agent": "\x1b[2J", "lacks": {"a\n": "b\x07"}}), "0.1.0", outdated=False)
    assert all(line.isprintable() for line in table(found, "0.1.0", NOW))
