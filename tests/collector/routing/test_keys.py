"""The key that two collectors derive for one outage."""

import random
from collections.abc import Iterator

import msgspec
import pytest

from collector.events import Affected, AlertRouted, FaultDomain, IncidentChanged, Told
from collector.inputs import BatchInput, decode_input, encode_input
from collector.routing.keys import shared_key
from collector.routing.state import Alert
from lab.replay.fleet import Fleet
from lab.replay.player import Player
from lab.replay.playing import INCIDENTS, heed, open_piece
from parallax.clock import NS
from parallax.journal import Record
from tests.collector.routing.desk import failover, readiness
from tests.fakes.events import AT, incident, risk

HOUR = 3600 * NS
FRONT, EU = FaultDomain(kind="endpoint", name="front"), FaultDomain(kind="region", name="eu")
JITTER_NS = NS
SHOWN_NS = 45 * NS


def alert(event: object) -> Alert:
    data, at = event.data, event.at  # type: ignore[attr-defined]
    return Alert(key="5eed5eed-7", events=[Told(id="e", at=at, data=data)])


def member(check: str, since: int) -> Affected:
    return Affected(check=check, kind="http", target="t", subject="s", state="down", since=since)


def key(name: str = "i1", at: int = AT // HOUR * HOUR, **more: object) -> str:
    event = incident(name, "opened", at=at, **more)  # type: ignore[arg-type]
    data = event.data
    assert isinstance(data, IncidentChanged)
    begun = msgspec.structs.replace(data.incident, started_at=at)
    return shared_key(alert(msgspec.structs.replace(event, data=msgspec.structs.replace(data, incident=begun))))


def test_ids_and_who_else_is_hurt_make_no_other_key() -> None:
    start = AT // HOUR * HOUR
    first = key("i1", start, domain=EU, components=("Sign-in",), title="one")
    assert first == key("j9", start + 5 * NS, domain=EU, components=("Sign-in", "Mail"), title="two", severity="info")
    assert first == key("i1", start, domain=msgspec.structs.replace(EU, certain=False))


@pytest.mark.parametrize("other", [{"domain": FRONT}, {"at": AT // HOUR * HOUR + HOUR}])
def test_another_place_or_another_time_is_another_key(other: dict[str, object]) -> None:
    assert key(domain=EU) != key(**{"domain": EU, **other})  # type: ignore[arg-type]


def test_without_a_place_it_is_what_failed_first() -> None:
    early, late = member("api", AT), member("shop", AT + 1)

    def both(*checks: Affected) -> str:
        return key(domain=None, checks=checks)

    assert both(early, late) == both(late, early) == both(early) != both(late)


def test_an_incident_is_no_risk_and_names_stay() -> None:
    assert shared_key(alert(risk("r1", "raised"))) == shared_key(alert(risk("r2", "raised")))
    assert shared_key(alert(risk("r1", "raised"))).partition("-")[0] == "risk"
    assert {shared_key(alert(each)) for each in (failover("blocked"), readiness("lost"))} == {"5eed5eed-7"}


def batches_late(records: list[Record], seed: int) -> Iterator[Record]:
    """As another collector has them: each batch some time later, those of one probe in their order."""
    rng, last, moved = random.Random(seed), dict[str, int](), []
    for record in records:
        value, at = decode_input(record), record.at_ns
        if isinstance(value, BatchInput):
            at = last[value.probe] = max(at + rng.randrange(JITTER_NS), last.get(value.probe, 0) + 1)
            value = msgspec.structs.replace(value, received_at=at)
        moved.append((at, record, encode_input(value, at_ns=at)))
    moved.sort(key=lambda each: (each[0], each[1].position))
    for position, (at, record, entry) in enumerate(moved, 1):
        yield msgspec.structs.replace(record, position=position, at_ns=at, body=entry.body)


def first_keys(player: Player) -> dict[str, str]:
    """By key within the collector, the key under which it is told first."""
    found: dict[str, str] = {}
    for event in player.events:
        data = event.data
        if isinstance(data, AlertRouted) and data.phase == "trigger" and data.incident == data.key:
            found.setdefault(data.key, shared_key(Alert(key=data.key, events=list(data.of))))
    return found


@pytest.mark.slow
def test_two_that_get_the_same_in_another_order_derive_one_key() -> None:
    """The night of 6 August 2025 up to its first page, by the whole of detection."""
    piece = open_piece(INCIDENTS / "2025-08-06-region-flapping.toml")
    assert piece.loaded is not None
    fleet, one, records, until = Fleet(piece.loaded, 0), Player("a" * 16), list[Record](), 0
    for record in fleet:
        if until and record.at_ns > until:
            break
        events = one.put(record)
        heed(fleet, one, record, events)
        records.append(record)
        if not until and any(isinstance(event.data, IncidentChanged) for event in events):
            until = record.at_ns + SHOWN_NS
    (expected,) = first_keys(one).items()
    for seed in range(2):
        other = Player("b" * 16)
        for record in batches_late(records, seed):
            other.put(record)
        (found,) = first_keys(other).items()
        assert found[0] != expected[0], "ids are each collector's own"
        assert found[1] == expected[1]
