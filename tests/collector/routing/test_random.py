"""Whatever comes: every trigger has its resolve, nobody is told an end twice, and all is over in the end."""

import random

import pytest

from collector.events import Event, FailoverWord, FaultDomain
from collector.routing.state import NEVER
from parallax.clock import NS
from tests.collector.routing.desk import MIN, TEAM, Desk, failover, notice, plan, readiness, to
from tests.collector.routing.test_holding import window
from tests.fakes.events import AT, incident, risk

WORDS: tuple[FailoverWord, ...] = (
    "blocked",
    "recommended",
    "command",
    "effective",
    "not_effective",
    "both_bad",
    "switched",
)
DOMAINS = (
    FaultDomain(kind="operator", name="dns-a"),
    FaultDomain(kind="endpoint", name="front", certain=False),
    FaultDomain(kind="region", name="eu"),
    None,
)


class World:
    """What could be concluded, in an order in which it could be."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.stages: dict[str, str] = {}

    def event(self) -> Event:
        draw = self.random
        sort = draw.randrange(10)
        if sort == 0:
            return failover(draw.choice(WORDS), incident=draw.choice([None, "i1"]))
        if sort == 1:
            return readiness(draw.choice(("lost", "restored")))
        if sort == 2:
            return notice(draw.choice(("warning", "info", "critical")))
        if sort == 3:
            return risk("r1", draw.choice(("raised", "cleared")))
        name = f"i{draw.randrange(5)}"
        stage = self.stages.get(name, "")
        steps = {"": ["opened"], "open": ["updated", "monitoring", "resolved"], "over": ["reopened", "resolved"],
                 "closed": ["reopened"]}  # fmt: skip
        change = draw.choice(steps[stage])
        self.stages[name] = {"monitoring": "over", "resolved": "closed"}.get(change, "open")
        parent = draw.choice(("", "", "i0")) if name != "i0" else ""
        return incident(
            name,
            change,  # type: ignore[arg-type]
            severity=draw.choice(("critical", "warning", "info")),
            domain=draw.choice(DOMAINS),
            components=draw.choice((("Sign-in",), ("Mail",), ())),
            parent=parent,
        )

    def ends(self) -> list[Event]:
        left = [incident(name, "resolved") for name, stage in self.stages.items() if stage in ("open", "over")]
        return [*left, failover("withdrawn"), readiness("restored"), risk("r1", "cleared")]


@pytest.mark.parametrize("seed", range(40))
def test_every_trigger_has_its_resolve(seed: int) -> None:
    world = World(seed)
    draw = world.random
    routes = [to("team", "log"), to("pager", tier=["page"])] if seed % 2 else []
    made = plan(
        *routes, group=[TEAM], maintenance=[window(AT + 30 * MIN, AT + 50 * MIN), window(AT, AT + 9 * MIN, "Mail")]
    )
    desk = Desk(made)
    owed: set[tuple[str, str]] = set()
    pages: dict[tuple[str, str], int] = {}

    def note(*events: Event, after: int) -> None:
        for alert in desk.take(*events, after=after):
            assert len(set(alert.to)) == len(alert.to)
            for name in alert.to:
                one = (alert.key, name)
                if alert.phase == "trigger":
                    assert one not in owed, "opened twice"
                    owed.add(one)
                elif alert.phase == "update":
                    owed.add(one)
                elif alert.phase == "resolve":
                    assert one in owed, "the end of what nobody was told of"
                    owed.remove(one)
                pages[one] = pages.get(one, 0) + alert.pages

    for step in range(150):
        roll = draw.randrange(20)
        if roll == 0:
            desk.command("silence", severity=[draw.choice(("critical", "warning"))], until=[str(desk.now + 7 * MIN)])
        elif roll == 1:
            desk.command("silence_end", id=[f"s{draw.randrange(10)}"])
        elif roll == 2 and step < 100:
            desk.rewind(desk.now - draw.randrange(3600) * NS)
        note(*(world.event() for _ in range(draw.randrange(3))), after=draw.randrange(120) * NS)
    note(*world.ends(), after=NS)
    assert owed == set()
    note(after=30 * 24 * 60 * MIN)
    assert not desk.state.alerts
    assert desk.state.due == NEVER
