"""The truth beside what was said, as tables."""

from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from click.testing import CliRunner

from collector.events import (
    CheckChanged,
    Event,
    EventData,
    Evidence,
    FaultDomain,
    Incident,
    IncidentChanged,
    Noticed,
    ProbeChanged,
    RiskChanged,
    encode_event,
)
from collector.events import Risk as RiskValue
from lab.faults import FAULTS
from lab.report import NOWHERE, Blame, report_of, report_table
from lab.told import EventsUnreadable, read_events
from lab.truth import Fact, Truth, read_truth
from parallax.cli.lab import lab
from parallax.clock import NS
from parallax.journal import Limits, open_journal

T0 = 1_790_000_000 * NS
Kind = Literal["operator", "zone", "name_server", "region", "endpoint", "probe"]


def at(seconds: float) -> int:
    return T0 + int(seconds * NS)


def broke(fault: str, seconds: float) -> Fact:
    return Fact(at=at(seconds), do="break", fault=fault, actor="test")


def mended(fault: str, seconds: float) -> Fact:
    return Fact(at=at(seconds), do="mend", fault=fault, actor="test")


def event(seconds: float, data: EventData) -> Event:
    return Event(id=f"e-{seconds}", at=at(seconds), cause=1, data=data)


def doubt(seconds: float, state: Any = "suspected", since: float | None = None) -> Event:
    since = seconds if since is None else since
    return event(
        seconds,
        CheckChanged(
            check="api", kind="http", target="t", subject="s", state=state, before="up", since=at(since),
            evidence=Evidence(failing=1, voters=8, networks=1, span_ns=0),
        ),
    )  # fmt: skip


def incident(
    seconds: float,
    change: Literal["opened", "updated", "reopened", "resolved"],
    where: tuple[Kind, str] | None,
    *,
    name: str = "i1",
    started: float | None = None,
    parent: str = "",
) -> Event:
    domain = FaultDomain(kind=where[0], name=where[1]) if where else None
    value = Incident(
        id=name, title=f"{domain or 'something'} fails", severity="critical", domain=domain,
        started_at=at(seconds if started is None else started), opened_at=at(seconds), updated_at=at(seconds),
        parent=parent,
    )  # fmt: skip
    return event(seconds, IncidentChanged(change=change, what=value.title, incident=value))


DNS_A: tuple[Kind, str] = ("operator", "dns-a")
NS2: tuple[Kind, str] = ("name_server", "ns2.dns-a.example")
US: tuple[Kind, str] = ("region", "us-east")


def test_a_fault_that_is_seen_named_and_cleared() -> None:
    [found] = report_of(
        [broke("operator-dark", 10), mended("operator-dark", 60)],
        [doubt(13), incident(15.5, "opened", DNS_A), incident(71, "resolved", DNS_A)],
    )
    assert (found.suspected_s, found.confirmed_s, found.named_s, found.cleared_s) == (3.0, 5.5, 5.5, 11.0)
    assert (found.said, found.incidents, found.blamed, found.right) == ("operator dns-a", 1, (), True)


def test_what_was_blamed_first_is_told_with_its_span() -> None:
    [found] = report_of(
        [broke("operator-dark", 0), mended("operator-dark", 60)],
        [
            incident(4, "opened", None),
            incident(5, "updated", NS2),
            incident(6, "updated", NS2),
            incident(9, "updated", DNS_A),
            incident(70, "resolved", DNS_A),
            incident(8, "opened", US, name="i2"),
            incident(20, "resolved", US, name="i2"),
        ],
    )
    assert found.named_s == 9.0
    assert found.confirmed_s == 4.0
    assert found.blamed == (
        Blame(domain="name server ns2.dns-a.example", title="name server ns2.dns-a.example fails", after_s=5, for_s=4),
        Blame(domain="region us-east", title="region us-east fails", after_s=8, for_s=12),
    )
    assert (found.incidents, found.right) == (2, False)
    assert found.said == "operator dns-a", "at last"


def test_an_incident_that_another_explains_blames_nobody() -> None:
    [found] = report_of(
        [broke("operator-dark", 0)],
        [incident(4, "opened", DNS_A), incident(5, "opened", US, name="i2", parent="i1")],
    )
    assert found.right
    assert found.incidents == 2


def test_two_faults_at_once_have_their_incidents_each() -> None:
    first, second = report_of(
        [broke("operator-dark", 0), broke("region-down", 20), mended("region-down", 60), mended("operator-dark", 90)],
        [
            incident(5, "opened", DNS_A),
            incident(26, "opened", US, name="i2", started=21),
            incident(66, "resolved", US, name="i2"),
            incident(99, "resolved", DNS_A),
        ],
    )
    assert (first.fault, first.named_s, first.cleared_s, first.blamed) == ("operator-dark", 5.0, 9.0, ())
    assert (second.fault, second.named_s, second.cleared_s, second.blamed) == ("region-down", 6.0, 6.0, ())


def test_what_is_late_is_still_the_mended_faults_own() -> None:
    first, second = report_of(
        [broke("operator-dark", 0), mended("operator-dark", 50), broke("name-server-dark", 60)],
        [incident(70, "opened", DNS_A), incident(66, "opened", NS2, name="i2")],
    )
    assert (first.named_s, second.named_s) == (70.0, 6.0)
    assert (first.blamed, second.blamed) == ((), ())


def test_a_relapse_is_told_of_the_break_that_it_follows() -> None:
    first, second = report_of(
        [broke("region-down", 0), mended("region-down", 50), broke("region-down", 300), mended("region-down", 350)],
        [
            incident(5, "opened", US),
            incident(60, "resolved", US),
            incident(307, "reopened", US, started=0),
            incident(361, "resolved", US),
        ],
    )
    assert (first.named_s, first.cleared_s) == (5.0, 10.0)
    assert (second.named_s, second.cleared_s) == (7.0, 11.0)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("site-withdrawn", event(9, Noticed(word="site_lost", title="t"))),
        ("delegation-moved", event(9, Noticed(word="move_started", title="t"))),
        (
            "fallback-completed",
            event(
                9,
                RiskChanged(change="cleared", risk=RiskValue(id="r", title="t", check="c", components=(), since=at(0))),
            ),
        ),
    ],
)
def test_what_is_no_incident_is_named_by_the_event_that_says_it(fault: str, said: Event) -> None:
    [found] = report_of([broke(fault, 1), mended(fault, 30)], [doubt(3), said])
    assert (found.suspected_s, found.confirmed_s, found.named_s, found.cleared_s) == (8.0, 8.0, 8.0, None)
    [blamed] = report_of([broke(fault, 1), mended(fault, 30)], [incident(9, "opened", US)])
    assert not blamed.right
    assert [each.domain for each in blamed.blamed] == ["region us-east"]


def test_a_probe_in_trouble_is_suspected_by_its_own_event() -> None:
    [found] = report_of(
        [broke("uplink-dead", 0)],
        [
            event(15, ProbeChanged(probe="fra1", state="silent", since=at(1), why="w")),
            incident(15.5, "opened", ("probe", "fra1")),
        ],
    )
    assert (found.suspected_s, found.named_s, found.mended_at, found.cleared_s) == (15.0, 15.5, None, None)


def test_probes_in_trouble_of_their_own_are_told_apart() -> None:
    [found] = report_of(
        [broke("region-down", 0)],
        [incident(3, "opened", ("probe", "lon1"), name="i2"), incident(6, "opened", US)],
    )
    assert (found.confirmed_s, found.blamed, found.probes, found.right) == (6.0, (), ("lon1",), True)
    [wrong] = report_of([broke("clock-wrong", 0)], [incident(3, "opened", ("probe", "lon1"), name="i2")])
    assert (wrong.confirmed_s, wrong.named_s, wrong.probes) == (None, None, ("lon1",))


def test_probes_that_were_in_trouble_when_it_broke_are_told() -> None:
    [found] = report_of(
        [broke("region-down", 10)],
        [
            incident(3, "opened", ("probe", "lon1"), name="i1"),
            incident(4, "opened", ("probe", "fra1"), name="i2"),
            incident(8, "resolved", ("probe", "fra1"), name="i2"),
            incident(16, "opened", US, name="i3"),
        ],
    )
    assert (found.confirmed_s, found.probes, found.right) == (6.0, ("lon1",), True)


def test_what_was_doubted_before_it_broke_is_another_matter() -> None:
    [found] = report_of([broke("region-down", 10), mended("region-down", 40)], [doubt(5), doubt(12, "down", since=5)])
    assert (found.suspected_s, found.confirmed_s, found.named_s, found.said) == (None, None, None, "")


def test_incidents_while_nothing_was_broken_are_no_faults() -> None:
    assert report_of([], [incident(5, "opened", US)]) == []
    [found] = report_of([broke("region-down", 300), mended("region-down", 340)], [incident(5, "opened", US)])
    assert found.named_s is None


def test_every_fault_of_the_lab_says_what_is_right() -> None:
    for name, fault in FAULTS.items():
        assert bool(fault.domains) == fault.incident, name
        assert bool(fault.says) != fault.incident, name


def test_the_table_for_people() -> None:
    found = report_of(
        [broke("operator-dark", 10), mended("operator-dark", 60), broke("region-down", 300)],
        [doubt(13), incident(15.5, "opened", NS2), incident(20, "updated", DNS_A), incident(71, "resolved", DNS_A)],
    )
    head, first, second, empty, total = report_table(found)
    assert head.split()[0] == "fault"
    assert [cell.strip() for cell in first.split("  ") if cell.strip()] == [
        "operator-dark", "09-21 14:13:30", "3.0 s", "5.5 s", "10.0 s", "11.0 s", "operator dns-a",
        "name server ns2.dns-a.example after 6 s for 4 s", "well",
    ]  # fmt: skip
    assert "still broken" in second
    assert empty == ""
    assert total == "1 of 2 named rightly, in 10.0 s (median); something else blamed beside or before: 1"
    assert report_table([]) == ["nothing was broken yet; parallax lab list has what can be"]


async def _state(folder: Path, facts: list[Fact], events: list[Event]) -> None:
    (folder / "world").mkdir()
    truth = Truth(folder / "world" / "faults.jsonl")
    for fact in facts:
        truth.note(fact)
    truth.close()
    (folder / "collector").mkdir()
    async with open_journal(folder / "collector" / "events.db", Limits(max_bytes=1_000_000, max_age_s=1e9)) as journal:
        for each in events:
            await journal.append([encode_event(each)])


async def test_it_is_read_from_the_state_folder(tmp_path: Path) -> None:
    facts = [broke("operator-dark", 10), mended("operator-dark", 60)]
    await _state(tmp_path, facts, [incident(15, "opened", DNS_A), incident(71, "resolved", DNS_A)])
    with (tmp_path / "world" / "faults.jsonl").open("ab") as torn:
        torn.write(b'{"at":1,"do":"bre')
    assert read_truth(tmp_path / "world" / "faults.jsonl") == facts
    assert len(list(read_events(tmp_path / "collector" / "events.db"))) == 2
    assert len(list(read_events(tmp_path / "collector" / "events.db", at(20)))) == 1
    told = CliRunner().invoke(lab, ["report", "--state", str(tmp_path), "--json"])
    assert told.exit_code == 0, told.output
    [found] = msgspec.json.decode(told.output)
    assert (found["fault"], found["named_s"], found["cleared_s"]) == ("operator-dark", 5.0, 11.0)
    table = CliRunner().invoke(lab, ["report", "--state", str(tmp_path), "--last", "1"])
    assert "1 of 1 named rightly" in table.output


def test_where_no_lab_ran_it_says_so(tmp_path: Path) -> None:
    told = CliRunner().invoke(lab, ["report", "--state", str(tmp_path)])
    assert told.exit_code == 2
    assert "faults.jsonl cannot be read: No such file or directory" in told.output
    with pytest.raises(EventsUnreadable):
        list(read_events(tmp_path / "events.db"))
    (tmp_path / "events.db").write_bytes(b"\xff" * 10_000)
    with pytest.raises(EventsUnreadable):
        list(read_events(tmp_path / "events.db"))


def test_an_incident_without_a_place_is_nowhere_and_blames_nobody() -> None:
    [found] = report_of([broke("region-down", 0)], [incident(5, "opened", None)])
    assert (found.confirmed_s, found.named_s, found.said, found.blamed) == (5.0, None, NOWHERE, ())
