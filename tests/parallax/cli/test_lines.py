"""The lines that `parallax up` prints."""

from typing import Any

import pytest

from collector.events import CheckChanged, ComponentChanged, Event, EventData, Evidence, ProbeChanged
from parallax.cli.lines import Summary, event_fields, event_line
from parallax.clock import NS
from tests.fakes import events
from tests.fakes.boards import empty_board, full_board

AT = events.AT
"""22:13:20 UTC."""
ONE = Evidence(failing=1, voters=1, networks=1, span_ns=0, single=True)


def event(data: EventData) -> Event:
    return Event(id="e1", at=AT, cause=1, data=data)


def check(**more: Any) -> Event:
    known: dict[str, Any] = {
        "check": "front door",
        "kind": "tls",
        "target": "shop.example:443",
        "subject": "192.0.2.1:443",
        "state": "down",
        "before": "suspected",
        "since": AT,
        "reason": "connect_refused",
        "evidence": ONE,
    }
    return event(CheckChanged(**(known | more)))


def test_a_failure_says_what_where_why_what_to_look_at_and_how_sure_that_is():
    line = event_line(check())
    assert line is not None
    assert line.startswith(
        "failed    front door  shop.example:443 at 192.0.2.1:443  nothing listens on the port (connect_refused); look"
    )
    assert line.endswith("the one probe failed; single vantage: cannot tell target from network")


def test_what_is_mended_is_said_and_a_first_sight_that_is_well_is_not():
    assert event_line(check(state="up", before="down", reason=None)) == (
        "ok        front door  shop.example:443 at 192.0.2.1:443  again"
    )
    assert event_line(check(state="up", before="unknown", reason=None)) is None


@pytest.mark.parametrize(("state", "before"), [("suspected", "up"), ("up", "suspected"), ("unknown", "suspected")])
def test_a_suspicion_is_no_line(state: str, before: str):
    assert event_line(check(state=state, before=before)) is None


def test_a_private_address_leads_to_the_option_of_up():
    line = event_line(check(reason="address_not_allowed"))
    assert line is not None
    assert "--allow NETWORK" in line


def test_a_reason_of_a_later_version_is_shown_as_it_is():
    line = event_line(check(reason="moon_in_the_way", evidence=Evidence(failing=2, voters=3, networks=2, span_ns=NS)))
    assert line is not None
    assert "  moon_in_the_way  2 of 3 probes in 2 networks failed within 1.0 s" in line


def test_incidents_and_risks():
    assert event_line(events.incident()) == (
        "incident  opened: it is opened; at DNS operator dns-a; 4 of 5 probes in 3 networks failed within 9.0 s; "
        "since 22:13:20Z"
    )
    assert event_line(events.incident(change="updated")) == "incident  updated: it is updated"
    assert event_line(events.incident(change="resolved")) == "incident  resolved: it is resolved; after 4 min"
    assert event_line(events.risk()) == (
        "risk      raised: the certificate of front expires; users may feel it from 23:13:20Z"
    )
    assert event_line(events.risk(change="cleared")) == "risk      cleared: the certificate of front expires"


def test_probes_and_components():
    silent = ProbeChanged(probe="fra1", state="silent", since=AT, why="nothing heard for 20 s")
    assert event_line(event(silent)) == "probe     fra1 is silent: nothing heard for 20 s"
    hurt = ComponentChanged(
        component="Sign-in", state="partial_outage", before="operational", since=AT, why="region us-east is down"
    )
    assert event_line(event(hurt)) == ("component Sign-in: partial outage, before: operational; region us-east is down")


def test_json_has_the_whole_event():
    fields = event_fields(check())
    assert (fields["what"], fields["type"], fields["at"]) == ("event", "check.down", AT)
    assert fields["data"].reason == "connect_refused"


def test_a_summary_counts_every_state():
    assert str(Summary.of(empty_board(), 0)) == "nothing measured yet; 0 observations"
    text = str(Summary.of(full_board(), 1204))
    for part in (
        "1 degraded",
        "components: ",
        "1 partial outage",
        "probes: 5 healthy, 1 unhealthy, 1 silent, 1 unknown",
    ):
        assert part in text
    assert text.endswith("2 open incidents; 3 risks; 1204 observations")
