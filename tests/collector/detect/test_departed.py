"""A zone leaves an operator that is dark: what was wrong there is over once nobody is led there any more, and not
before."""

from typing import Any

import pytest

from collector.detect.verdicts.departed import UNDELEGATED
from collector.events import CheckChanged, IncidentChanged, RiskChanged
from parallax.clock import NS
from parallax.plan.types import Check
from tests.collector.detect.scenes import T0
from tests.collector.detect.test_zones import DARK
from tests.collector.detect.zone_world import PLAN, RESOLVERS, ZONE, Vendor, servers

PERIOD_S = 15
SEEN_S = PERIOD_S + 42.5 + 5
"""Every probe has read the new delegation, and what it said before of the old servers is no longer fresh."""


class Moving(Vendor):
    """Resolvers show which delegation they hold; probes may go on to see the one of before."""

    def __init__(self, plan: str = PLAN) -> None:
        self.behind: set[str] = set()
        """Resolvers that hold the delegation of before."""
        self.blind: set[str] = set()
        """Probes that cannot read the parent any more, and so watch the servers they know."""
        self.before = "dns-a"
        super().__init__(plan)
        self.mail_at = {"dns-a", "dns-b"}
        self.rule(self._delegation)

    def move(self, to: str = "dns-b", *, behind: set[str] | None = None) -> None:
        self.before, self.delegated = self.delegated, to
        self.behind = behind or set()

    def _servers(self, probe: str) -> list[tuple[str, dict[str, str]]]:
        now = self.delegated
        self.delegated = self.before if probe in self.blind else now
        try:
            return super()._servers(probe)
        finally:
            self.delegated = now

    def _server(self, subject: str) -> dict[str, Any]:
        now = self.delegated
        ip = subject.removesuffix("/tcp").rpartition(":")[0].strip("[]")
        self.delegated = next(o for o in (now, self.before) if ip in {each[2] for each in servers(o)})
        try:
            return super()._server(subject)
        finally:
            self.delegated = now

    def _delegation(self, probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.kind != "dns.zone" or subject != "delegation":
            return {}
        if probe in self.blind:
            return {"reason": "dns_parent_unreachable", "findings": {}}
        names = {o: sorted({each[0] for each in servers(o)}) for o in (self.delegated, self.before)}
        says = {name: {"ns": names[self.before if name in self.behind else self.delegated]} for name in RESOLVERS}
        findings = {"parent": "example", "ns": names[self.delegated], "ttl": 120, "ds": [], "resolvers": says}
        if self.before != self.delegated:
            dark = self.before in self.dark
            findings["former"] = {f"{e[2]}:53": "timeout" if dark else "auth_answer" for e in servers(self.before)[:4]}
        return {"findings": findings}


def dark_world(dark_s: float = 60) -> Moving:
    world = Moving()
    world.run(60)
    world.dark = {"dns-a"}
    world.run(dark_s)
    assert [incident.title for incident in world.incidents()] == [DARK]
    return world


def whys(world: Moving) -> set[str]:
    return {e.data.why for e in world.events if isinstance(e.data, CheckChanged) and "dns-a" in str(e.data)} | {
        e.data.why for e in world.events if isinstance(e.data, CheckChanged) and e.data.subject.startswith("192.0.2.1")
    }


def runways(world: Moving) -> list[Any]:
    return [risk for risk in world.board.risks if risk.runway or risk.title == DARK]


def test_an_incident_ends_once_the_zone_has_left_who_is_dark() -> None:
    world = dark_world()
    world.move()
    world.run(SEEN_S + 10)
    assert world.incidents() == []
    assert UNDELEGATED in whys(world)
    assert runways(world) == []
    assert [e.data.what for e in world.events if isinstance(e.data, IncidentChanged)][-1] == UNDELEGATED
    assert {
        s.operator for check in world.board.checks for s in check.subjects if check.name == "zone" and s.server
    } == {"dns-b"}
    world.dark.clear()
    world.run(60)
    assert len(world.told("incident.opened")) == 1


def test_one_probe_that_goes_on_asking_there_keeps_nothing_open() -> None:
    world = dark_world()
    world.blind = {"sin1"}
    world.move()
    world.run(SEEN_S + 10)
    assert world.incidents() == []
    world.run(120)
    assert world.incidents() == []
    assert not [s for check in world.board.checks for s in check.subjects if s.operator == "dns-a" and s.server]


@pytest.mark.slow
def test_two_probes_that_see_another_parent_moves_nothing() -> None:
    world = Moving()
    world.run(60)
    told = world.rule(
        lambda probe, check, target, subject, t: (
            {"findings": {"parent": "example", "ns": ["ns1.evil.example"], "ttl": 60}}
            if probe in ("sin1", "nrt1") and subject == "delegation"
            else {}
        )
    )
    named = set()
    for _ in range(90):
        world.run(1)
        named.add(world.state.zones.serving[ZONE])
    assert named == {("dns-a",)}, "two of eight are not most"
    world.mend(told)
    world.dark = {"dns-a"}
    world.run(30)
    assert [incident.title for incident in world.incidents()] == [DARK]


@pytest.mark.slow
def test_what_still_fails_at_the_fallback_is_what_it_is_about_then() -> None:
    world = Moving()
    world.mail_at = {"dns-a"}
    world.run(60)
    world.dark = {"dns-a"}
    world.run(260)
    [incident] = world.incidents()
    assert (incident.title, incident.impact) == (DARK, "full_outage")
    world.move()
    world.run(SEEN_S + 10)
    [incident] = world.incidents()
    assert incident.title.startswith(f"Mail of {ZONE}: "), "within a round, not when the last TTL is over"
    assert runways(world) == []
    world.mail_at.add("dns-b")
    world.run(60)
    assert world.incidents() == []


@pytest.mark.slow
def test_a_risk_of_who_is_out_of_use_is_cleared_though_something_else_is_one() -> None:
    world = Moving(PLAN.replace('risks = ["parity"]', 'risks = ["zone", "mail"]'))
    world.mail_at = {"dns-a"}
    world.run(60)
    world.dark = {"dns-a"}
    world.run(260)
    world.move()
    world.run(SEEN_S + 15)
    told = [(e.data.change, e.data.risk.title) for e in world.events if isinstance(e.data, RiskChanged)]
    told = [each for each in told if not each[1].startswith("Fallback")]
    assert ("cleared", DARK) in told
    assert told[-1][0] == "raised"
    assert told[-1][1].startswith(f"Mail of {ZONE}: ")


def test_it_goes_on_for_as_long_as_a_sampled_cache_leads_there() -> None:
    world = dark_world(30)
    world.move(behind={"own"})
    world.run(SEEN_S + 10)
    [incident] = world.incidents()
    assert incident.title == DARK
    [risk] = runways(world)
    assert risk.runway is not None
    assert risk.runway.sampled == 24
    assert {held.resolver for held in risk.runway.held} == {"own"}, "the others have the new delegation"
    assert risk.runway.expired <= 8
    world.run(200)
    assert [incident.title for incident in world.incidents()] == [DARK]
    assert world.told("notice.old_set_withdrawn_early") == [], "it was dark before the move"
    world.behind = set()
    world.run(40)
    assert world.incidents() == []
    assert runways(world) == []


def test_an_old_operator_that_goes_dark_after_the_move_hurts_who_is_still_led_there() -> None:
    world = Moving()
    world.run(60)
    world.move(behind=set(RESOLVERS))
    world.run(20)
    world.dark = {"dns-a"}
    world.run(60)
    assert [e.type for e in world.told("notice.old_set")] == ["notice.old_set_withdrawn_early"]


@pytest.mark.slow
def test_a_planned_move_is_no_trouble() -> None:
    world = Moving()
    world.run(60)
    world.move()
    world.run(300)
    assert [e.type for e in world.events if not e.type.startswith("notice")] == []


def test_a_server_whose_name_leads_nowhere_is_left_like_any_other() -> None:
    world = Moving()
    lost = ("ns9.dns-a.example", {"server": "ns9.dns-a.example", "operator": "dns-a", "zone": ZONE})

    def finds(probe: str, check: Check, target: str) -> list[tuple[str, dict[str, str]]]:
        found = Moving.finds(world, probe, check, target)
        return [*found, lost] if check.kind == "dns.zone" and world.delegated == "dns-a" else found

    def rule(probe: str, check: Check, target: str, subject: str, t: float) -> dict[str, Any]:
        if subject == lost[0]:
            return {"reason": "dns_server_unresolvable", "findings": {"class": "no_address"}}
        if subject == "delegation" and world.delegated == "dns-a":
            ns = [*sorted({each[0] for each in servers("dns-a")}), lost[0]]
            return {"findings": {"parent": "example", "ns": ns, "ttl": 120}}
        return {}

    world.finds = finds  # type: ignore[method-assign]
    world.rule(rule)
    world.run(60)
    assert len(world.incidents()) == 1
    world.move()
    world.run(SEEN_S + 10)
    assert world.incidents() == []


def test_a_zone_that_comes_back_is_watched_again() -> None:
    world = dark_world()
    world.move()
    world.run(SEEN_S + 30)
    world.dark.clear()
    world.move("dns-a")
    world.run(SEEN_S + 10)
    subjects = {s.subject: s.state for check in world.board.checks for s in check.subjects if check.name == "zone"}
    assert subjects["192.0.2.11:53"] == "up"
    world.dark = {"dns-a"}
    world.run(25)
    [incident] = world.incidents()
    assert incident.title == DARK
    [risk] = runways(world)
    assert risk.runway is not None
    assert (world.now - T0) // NS == pytest.approx(world.t, abs=1)
