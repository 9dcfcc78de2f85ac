"""A picture of the last hour for the kinds of receivers that show one, from the history.

The picture is never what an alert waits for: where the history does not answer within a second, it goes without.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import trio

from collector.alerts.chart import MINUTES, png
from collector.alerts.notification import Notification
from collector.alerts.sender import Sender
from collector.events import FailoverChanged, IncidentChanged, ReadinessChanged, RiskChanged
from collector.history import History, Point, QueryError
from parallax.clock import NS
from parallax.dialling.post import Answer

PICTURED = ("discord", "ntfy", "email")
"""The kinds that take a picture with the message itself; for others that show one see collector.alerts.chart_links."""
LONGEST_S = 1.0
_MINUTE_NS = 60 * NS

MakeChart = Callable[[Notification], Awaitable[bytes | None]]
MakeLink = Callable[[Notification], str]


async def no_chart(notification: Notification) -> None:
    """Where there is no history."""


def no_link(notification: Notification) -> str:
    """Where the config has no `charts`."""
    return ""


class Pictures:
    """Draws from a history."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def chart_of(self, notification: Notification) -> bytes | None:
        """The hour before the alert, of the check that most of it is about; None where there is none, or not now."""
        check = check_of(notification)
        return await self.draw(check, end_of_hour(notification.at)) if check else None

    async def draw(self, check: str, until: int) -> bytes | None:
        """The hour of a check up to a moment (ns), a whole minute; None where history does not answer now."""
        since = until - MINUTES * _MINUTE_NS
        try:
            with trio.move_on_after(LONGEST_S):
                points = await self._history.points(check, since=since, until=until)
                return png(shares_of(points, since))
        except QueryError:
            pass
        return None


class Pictured:
    """A receiver that is sent a picture with each message, or where to fetch it (`link_of`)."""

    def __init__(self, sender: Sender, chart_of: MakeChart = no_chart, link_of: MakeLink = no_link) -> None:
        self._sender, self._chart_of, self._link_of = sender, chart_of, link_of

    @property
    def again_s(self) -> float:
        return self._sender.again_s

    async def prepare(self) -> str:
        return await self._sender.prepare()

    async def send(self, notification: Notification) -> Answer:
        """Delivers once; what came of it."""
        chart, link = await self._chart_of(notification), self._link_of(notification)
        return await self._sender.send(msgspec.structs.replace(notification, chart=chart or None, chart_link=link))


def end_of_hour(at: int) -> int:
    """Where the hour before an alert ends: with the minute that it is of."""
    return at - at % _MINUTE_NS + _MINUTE_NS


def check_of(notification: Notification) -> str:
    """The check that most of it is about, by the newest of what it says: of an incident or a risk, and where it has
    none of them, of a failover group. "" where nobody says."""
    said = [told.data for told in reversed(notification.alert.of)] if notification.alert is not None else []
    for data in said:
        if isinstance(data, IncidentChanged):
            counted = Counter(each.check for each in data.incident.checks)
            return counted.most_common(1)[0][0] if counted else ""
        if isinstance(data, RiskChanged):
            return data.risk.check
    return next((each.check for each in said if isinstance(each, FailoverChanged | ReadinessChanged)), "")


def shares_of(points: Iterable[Point], since: int) -> list[float | None]:
    """By the minute: of the probes that measured, the share for which something failed. Abstentions measure nothing."""
    measured: dict[int, set[str]] = defaultdict(set)
    failed: dict[int, set[str]] = defaultdict(set)
    for point in points:
        minute = (point.at - since) // _MINUTE_NS
        if point.total > point.abstained:
            measured[minute].add(point.probe)
            if point.failed:
                failed[minute].add(point.probe)
    return [len(failed[each]) / len(measured[each]) if measured[each] else None for each in range(MINUTES)]
