"""A test page a week, through the whole way, for receivers that want one. Pure, by records' time.

It is a trigger like any page's, and closed by a resolve five minutes later. Where nothing says by then that the
receiver has taken it, all others are told. Each collector tests its own way, whether it is in charge or not.
"""

from collector.events import AlertRouted, Noticed, NoticeWord, Told
from collector.inputs import DeliveryInput
from collector.routing.people import people_of
from collector.routing.state import Routing, Trial
from parallax.clock import NS, rfc3339
from parallax.plan.alert_types import Receiver
from parallax.plan.hours import week_minute
from parallax.plan.types import Plan

WITHIN_NS = 300 * NS
"""How long a test page may take."""
LATE_NS = 3600 * NS
"""A test that is due and was not sent for so long waits for its next hour."""
LOOK_NS = 60 * NS
"""How soon another plan is noticed."""
WEEK_NS = 7 * 24 * 3600 * NS
_MONDAY_NS = 4 * 24 * 3600 * NS
"""The first Monday after the Unix epoch, which was a Thursday."""


def route_weekly(state: Routing, plan: Plan, now: int) -> list[AlertRouted]:
    """The test pages and their ends that are due now."""
    if now < state.trials_due:
        return []
    state.trials_due = now + LOOK_NS
    tested = [receiver for receiver in plan.receiver if receiver.test == "weekly"]
    kept = {receiver.name: state.trials[receiver.name] for receiver in tested if receiver.name in state.trials}
    state.trials, routed = kept, list[AlertRouted]()
    for receiver in tested:
        trial = state.trials.setdefault(receiver.name, Trial())
        due = next_hour(receiver.test_at, now)
        if not trial.sent_at:
            if not trial.due or trial.hour != receiver.test_at or now >= trial.due + LATE_NS:
                trial.due, trial.hour = due, receiver.test_at  # new, another hour, or missed
            if now >= trial.due:
                trial.sent_at, trial.delivered = now, False
                routed.append(_alert(receiver, trial, now))
        if trial.sent_at and now >= trial.sent_at + WITHIN_NS:
            if not trial.delivered:
                routed.append(_undelivered(receiver, trial, plan, now))
            routed.append(_alert(receiver, trial, now, ended=True))
            trial.sent_at, trial.due = 0, due
        state.trials_due = min(state.trials_due, trial.sent_at + WITHIN_NS if trial.sent_at else trial.due)
    return routed


def note_weekly(state: Routing, value: DeliveryInput) -> None:
    """Takes what came of a delivery."""
    trial = state.trials.get(value.receiver)
    if trial is not None and trial.sent_at and value.outcome == "sent" and value.key == _key(value.receiver, trial):
        trial.delivered = True


def rewind_weekly(state: Routing, at: int) -> None:
    """The collector's clock was put back: what lay later is now, and hours are looked up again."""
    state.trials_due = min(state.trials_due, at)
    for trial in state.trials.values():
        trial.sent_at, trial.due = min(trial.sent_at, at), 0


def next_hour(text: str, now: int) -> int:
    """The next moment after now (ns) at which the week is there, UTC: "Mon 10:00"."""
    at = _MONDAY_NS + week_minute(text) * 60 * NS
    return at + (max(now - at, 0) // WEEK_NS + 1) * WEEK_NS


def _key(name: str, trial: Trial) -> str:
    return f"test/{name}/{trial.sent_at // NS}"


def _alert(receiver: Receiver, trial: Trial, now: int, *, ended: bool = False) -> AlertRouted:
    word: NoticeWord = "weekly_test"
    title = "The weekly test is over" if ended else "Weekly test of the way to you: nothing is wrong"
    told = Told(
        id=_key(receiver.name, trial) + ("/end" if ended else ""),
        at=now,
        data=Noticed(word=word, title=title, severity="critical", target=receiver.name, why=""),
    )
    return AlertRouted(
        key=_key(receiver.name, trial),
        about=told.type,
        phase="resolve" if ended else "trigger",
        tier="page",
        severity="critical",
        lane="slow" if ended else "fast",
        of=(told,),
        to=(receiver.name,),
    )


def _undelivered(receiver: Receiver, trial: Trial, plan: Plan, now: int) -> AlertRouted:
    key = f"{_key(receiver.name, trial)}/undelivered"
    title = f"Receiver {receiver.name} did not take its weekly test page within 5 min"
    why = f"sent at {rfc3339(trial.sent_at)}; a real page would not have come through either"
    data = Noticed(word="test_undelivered", title=title, severity="warning", target=receiver.name, why=why)
    told = Told(id=key, at=now, data=data)
    others = tuple(each.name for each in people_of(plan).receiver if each.name != receiver.name)
    return AlertRouted(
        key=key, about=told.type, phase="notice", tier="ticket", severity="warning", lane="fast", of=(told,), to=others
    )
