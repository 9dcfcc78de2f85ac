"""The delivering part of a collector over two journals in a folder, to be killed: makes alerts for its receivers, so
many a second, and delivers them. Prints a line once it delivers, and one when all are made.

Arguments: the folder (plan.toml is in it), how many alerts, how many a second. An alert of an odd number ends the one
of the even number before it; `alert_of` says which is which."""

import sys
from pathlib import Path

import trio

from collector.alerts import Alerts
from collector.alerts.ledger import Ledger
from collector.events import AlertRouted, Event, Incident, IncidentChanged, Told, encode_event
from collector.fleet import Fleet
from collector.plans import Plans
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.journal import Journal, Limits, open_journal
from parallax.values import Cidr

LIMITS = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)
NAMES = ("dies", "hangs", "fails", "throttles", "breaks")
TOGETHER = 100
"""Keys whose starts come together, and then their ends."""
MADE = "made"


def alert_of(number: int) -> tuple[str, str, tuple[str, ...]]:
    """The key of an alert, its phase, and whom it is for."""
    block, place = divmod(number, 2 * TOGETHER)
    key = block * TOGETHER + place % TOGETHER
    to = (NAMES[key % len(NAMES)], NAMES[(key // len(NAMES) + key + 1) % len(NAMES)])
    return f"k{key}", "trigger" if place < TOGETHER else "resolve", tuple(dict.fromkeys(to))


def event_of(number: int) -> Event:
    key, phase, to = alert_of(number)
    at = wall_ns()
    over = phase == "resolve"
    known = Incident(
        id=key, title=f"fault {key}", severity="critical", domain=None, started_at=at, opened_at=at, updated_at=at,
        over_at=at if over else None, resolved_at=at if over else None,
    )  # fmt: skip
    data = IncidentChanged(change="resolved" if over else "opened", what="", incident=known)
    routed = AlertRouted(
        key=key, about=data.type, phase="resolve" if over else "trigger", tier="page", severity="critical",
        lane="fast" if not over else "slow", of=(Told(id=f"{key}/{phase}", at=at, data=data),), to=to, incident=key,
    )  # fmt: skip
    return Event(id=f"{key}/{phase}", at=at, cause=1, data=routed)


async def make(events: Journal, total: int, rate: float) -> None:
    made = int(events.mark(MADE) or b"0")
    while made < total:
        number = min(10, total - made)
        entries = [encode_event(event_of(made + n)) for n in range(number)]
        made += number
        await events.append(entries, {MADE: b"%d" % made})
        await trio.sleep(number / rate)
    print("made", flush=True)


async def main(folder: Path, total: int, rate: float) -> None:
    config = CollectorConfig(
        state=str(folder),
        plan=str(folder / "plan.toml"),
        secrets={"HOOK": f"file:{folder / 'key'}"},
        allow=[Cidr("127.0.0.0/8")],
    )
    async with (
        open_journal(folder / "inputs.db", LIMITS) as inputs,
        open_journal(folder / "events.db", LIMITS) as events,
        trio.open_nursery() as nursery,
    ):
        plans = Plans(Path(config.plan), inputs, Fleet({}))
        await plans.open()
        await nursery.start(plans.run)
        alerts = Alerts(events, plans, config, Ledger(inputs))
        await nursery.start(alerts.run)
        print("delivers", flush=True)
        await make(events, total, rate)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
