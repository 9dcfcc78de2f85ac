"""A receiver that cannot be told is alerted through the others, once."""

from typing import Literal

from collector.events import AlertRouted, Noticed
from collector.inputs import DeliveryInput
from collector.routing.sinks import MOST_SINKS, Sink, note_delivery, note_start, rewind_sinks, route_sinks
from parallax.clock import NS
from parallax.plan.alert_types import Receiver
from parallax.plan.types import Plan

PLAN = Plan(receiver=[Receiver(name=name, kind="webhook") for name in ("ops", "chat", "log")])
START = 1_700_000_000


Outcome = Literal["sent", "retried", "given_up"]


class World:
    """Time in seconds since the start; the state is encoded and decoded between any two records."""

    def __init__(self) -> None:
        self.sinks: dict[str, Sink] = {}
        self.plan = PLAN
        self.told: list[AlertRouted] = []

    def at(self, second: float, outcome: Outcome | None = None, name: str = "ops") -> None:
        now = round((START + second) * NS)
        if outcome is not None:
            line = DeliveryInput(at=now, alert="e", key="k", receiver=name, outcome=outcome, text="refused")
            note_delivery(self.sinks, line, now)
        self.told += route_sinks(self.sinks, self.plan, now)

    @property
    def said(self) -> list[tuple[str, str, tuple[str, ...]]]:
        return [(each.phase, each.key, each.to) for each in self.told]


TRIGGER = ("trigger", "sink/ops", ("chat", "log"))
RESOLVE = ("resolve", "sink/ops", ("chat", "log"))


def test_a_dead_receiver_is_told_of_through_the_others_and_its_end_too() -> None:
    world = World()
    world.at(0, "retried")
    world.at(119)
    assert world.said == []
    world.at(120)
    world.at(500)
    assert world.said == [TRIGGER]
    [told] = world.told[0].of
    assert isinstance(told.data, Noticed)
    assert (told.data.title, told.data.why) == (
        "Receiver ops cannot be told of alerts",
        "since 2023-11-14T22:13:20.000Z: refused",
    )
    world.at(600, "sent")
    world.at(899)
    assert world.said == [TRIGGER]
    world.at(900)
    assert world.said == [TRIGGER, RESOLVE]
    assert world.told[1].of[0].data.title == "Receiver ops takes alerts again, after 10 min"  # type: ignore[union-attr]
    assert world.sinks == {}


def test_a_hiccup_is_nobodys_business() -> None:
    world = World()
    for second in range(0, 1000, 100):
        world.at(second, "retried")
        world.at(second + 99, "sent")
    assert (world.said, world.sinks) == ([], {})


def test_one_that_flaps_is_one_alert() -> None:
    world = World()
    world.at(0, "retried")
    world.at(130)
    for second in range(200, 4000, 200):
        world.at(second, "sent")
        world.at(second + 100, "retried")
    assert world.said == [TRIGGER]
    world.at(4000, "sent")
    for second in range(4010, 4400, 10):
        world.at(second, "sent")
    assert world.said == [TRIGGER, RESOLVE]


def test_two_dead_ones_are_told_of_through_each_other() -> None:
    world = World()
    world.at(0, "retried")
    world.at(60, "retried", "chat")
    world.at(130)
    world.at(190)
    assert world.said == [TRIGGER, ("trigger", "sink/chat", ("ops", "log"))]


def test_a_start_forgets_what_was_not_told_and_ends_what_fails_no_more() -> None:
    world = World()
    world.at(0, "retried", "chat")
    world.at(10, "retried")
    note_start(world.sinks, (START + 60) * NS)
    world.at(300)
    assert world.said == []
    world.at(300, "retried")
    world.at(420)
    note_start(world.sinks, (START + 500) * NS)
    world.at(799)
    assert world.said == [TRIGGER]
    world.at(800)
    assert world.said == [TRIGGER, RESOLVE]


def test_one_that_leaves_the_plan_is_closed_and_a_lonely_one_has_nobody() -> None:
    world = World()
    world.at(0, "retried")
    world.at(120)
    world.plan = Plan(receiver=[Receiver(name="chat", kind="webhook")])
    world.at(130)
    assert world.said == [TRIGGER, ("resolve", "sink/ops", ("chat",))]
    world.at(200, "retried", "chat")
    world.at(320)
    assert world.said[2:] == [("trigger", "sink/chat", ())]


def test_a_clock_put_back_and_bounds() -> None:
    world = World()
    world.at(1000, "retried")
    rewind_sinks(world.sinks, START * NS)
    world.at(119)
    assert world.said == []
    world.at(120)
    assert world.said == [TRIGGER]
    for number in range(2 * MOST_SINKS):
        world.at(130, "retried", f"r{number}")
        note_delivery(world.sinks, DeliveryInput(at=0, alert="e", key="k", receiver=f"x{number}", outcome="retried"), 1)
    assert len(world.sinks) <= MOST_SINKS
