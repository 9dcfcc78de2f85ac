"""Which check a picture is of, what it shows, and that no alert waits for it."""

from pathlib import Path

import msgspec
import trio
import trio.testing

from collector.alerts.chart import png
from collector.alerts.notification import Notification
from collector.alerts.pictures import PICTURED, Pictured, Pictures, check_of, shares_of
from collector.alerts.receivers import RECEIVERS
from collector.events import Affected, ReadinessChanged
from collector.history import Point
from parallax.clock import NS
from parallax.dialling.post import Answer
from tests.fakes.events import AT
from tests.fakes.histories import AT as BEGIN
from tests.fakes.histories import some, world
from tests.fakes.notifications import EVERY, at_risk, changed, failover, notification

MINUTE = 60 * NS


def point(minute: int, probe: str, failed: int, *, total: int = 4, abstained: int = 0, subject: str = "s") -> Point:
    return Point(
        at=minute * MINUTE, probe=probe, subject=subject, total=total, failed=failed, abstained=abstained,
        p50_ns=None, p95_ns=None,
    )  # fmt: skip


def test_a_probe_counts_once_a_minute_and_not_where_it_abstains() -> None:
    points = [
        point(0, "a", 1), point(0, "a", 0, subject="t"), point(0, "b", 0),
        point(1, "a", 0, abstained=4), point(1, "b", 4),
        point(3, "a", 0), point(60, "a", 4), point(-1, "a", 4),
    ]  # fmt: skip
    assert shares_of(points, 0)[:5] == [0.5, 1.0, None, 0.0, None]
    assert len(shares_of(points, 0)) == 60


def test_the_check_that_most_of_it_is_about() -> None:
    def one(check: str) -> Affected:
        return Affected(check=check, kind="http", target="t", subject="s", state="down", since=AT)

    assert check_of(notification(changed(checks=(one("a"), one("b"), one("b"))))) == "b"
    assert check_of(notification(changed(checks=()))) == ""
    assert check_of(notification(changed(checks=(one("b"),)), failover())) == "b", "its failover is told with it"
    assert check_of(EVERY["risk.raised"]) == "front"
    assert check_of(EVERY["test"]) == check_of(EVERY["failover.recommended"]) == ""


def test_a_failover_group_has_a_check_of_its_own() -> None:
    lost = ReadinessChanged(word="lost", group="regions", member="eu-2", title="t", check="edge @ eu-2")
    assert check_of(notification(failover(check="edge"))) == "edge"
    assert check_of(notification(failover(check="edge"), lost)) == "edge @ eu-2", "the newest"
    assert check_of(notification(at_risk(), failover(check="edge"))) == "front", "a risk is nearer"


class Kept:
    """A sender that keeps what it is sent."""

    again_s = 0.0

    def __init__(self) -> None:
        self.sent: list[Notification] = []

    async def prepare(self) -> str:
        return ""

    async def send(self, notification: Notification) -> Answer:
        self.sent.append(notification)
        return Answer(status=204)


async def test_it_goes_with_a_picture_or_without() -> None:
    kept, told = Kept(), EVERY["incident.opened"]

    async def chart_of(notification: Notification) -> bytes | None:
        return None if notification.key == "none" else b"\x89PNG"

    to = Pictured(kept, chart_of)
    assert await to.send(told) == Answer(status=204)
    await to.send(msgspec.structs.replace(told, key="none"))
    assert [each.chart for each in kept.sent] == [b"\x89PNG", None]
    assert set(PICTURED) < set(RECEIVERS)


class Slow:
    """A history that never answers."""

    async def points(self, check: str, *, since: int, until: int) -> list[Point]:
        await trio.sleep_forever()
        raise AssertionError


async def test_no_alert_waits_for_it(autojump_clock: trio.testing.MockClock) -> None:
    started = trio.current_time()
    assert await Pictures(Slow()).chart_of(EVERY["incident.opened"]) is None  # type: ignore[arg-type]
    assert trio.current_time() - started == 1.0


async def test_a_real_history_draws_it(tmp_path: Path) -> None:
    async with world(tmp_path) as around:
        well = [o for probe in ("a", "b") for o in some(number=12, probe=probe)]
        ill = some(BEGIN + MINUTE, 12, probe="a", reason="timeout", fault="target", check=well[0].check)
        for batch in (well[:12], well[12:], ill):
            await around.take(*batch)
        told = msgspec.structs.replace(told_of(well[0].check), at=BEGIN + 2 * MINUTE)
        async with around.history(tmp_path / "history") as history:
            picture = await Pictures(history).chart_of(told)
            nothing = await Pictures(history).chart_of(msgspec.structs.replace(told_of("nobody"), at=told.at))
    assert picture == png([*[None] * 57, 0.0, 1.0, None])
    assert nothing == png([])


def told_of(check: str) -> Notification:
    affected = Affected(check=check, kind="http", target="t", subject="s", state="down", since=AT)
    return notification(changed(checks=(affected,)))
