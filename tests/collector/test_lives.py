"""The lives of alerts: what came of each for whom."""

from typing import Any

import msgspec

from collector.events import AlertRouted, Event, Incident, IncidentChanged, Moment, Suppressed
from collector.events import Told as ToldEvent
from collector.inputs import DeliveryInput
from collector.lives import Life, lives_of
from parallax.clock import NS
from tests.fakes.events import AT, incident


def alert(number: int, phase: Any = "trigger", change: Any = "opened", **more: Any) -> Event:
    at = AT + number * NS
    told = incident(change=change, at=at)
    assert isinstance(told.data, IncidentChanged)
    known: dict[str, Any] = {
        "key": "i1", "about": f"incident.{change}", "phase": phase, "tier": "page", "severity": "critical",
        "of": (ToldEvent(id=told.id, at=at, data=told.data),), "to": ("pager",), "incident": "i1",
    }  # fmt: skip
    return Event(id=f"a{number}", at=at, cause=1, data=AlertRouted(**(known | more)))


def came(of: str, outcome: Any = "sent", receiver: str = "pager", at: int = 5, **more: Any) -> DeliveryInput:
    known: dict[str, Any] = {"at": AT + at * NS, "alert": of, "key": "i1", "receiver": receiver, "outcome": outcome}
    return DeliveryInput(**(known | more))


def outcomes(lives: tuple[Life, ...]) -> list[list[str]]:
    return [[each.outcome for each in life.told] for life in lives]


def test_a_life_has_all_that_is_known() -> None:
    kept = Suppressed(receiver="chat", by="silence", why="silence s3 of ann")
    alerts = [alert(1, suppressed=(kept,), pages=True, to=("pager", "mail"))]
    tries = [came("a1", "retried", text="answered 503"), came("a1", tries=3, at=9, text="answered 204")]
    known = incident(at=AT).data
    assert isinstance(known, IncidentChanged)
    timeline = (
        Moment(at=AT, what="acknowledged", actor="early"),
        Moment(at=AT + 60 * NS, what="note", actor="bob"),
        Moment(at=AT + 60 * NS, what="acknowledged", actor="ann", text="on it"),
    )
    shown: Incident = msgspec.structs.replace(known.incident, timeline=timeline)
    (life,) = lives_of(alerts, tries, {"i1": shown})
    assert (life.id, life.key, life.about, life.title) == ("a1", "i1", "incident.opened", "DNS operator dns-a is dark")
    assert outcomes((life,)) == [["sent", "waiting"]]
    assert [(one.outcome, one.tries, one.text) for one in life.told[0].tries] == [
        ("retried", 1, "answered 503"),
        ("sent", 3, "answered 204"),
    ]
    assert life.suppressed == (kept,)
    assert [(each.by, each.text) for each in life.acknowledged] == [("ann", "on it")]


def test_what_is_tried_given_up_and_left_out_is_told_apart() -> None:
    alerts = [alert(1), alert(2, "update", "updated"), alert(3, "resolve", "resolved")]
    assert outcomes(lives_of(alerts, [])) == [["waiting"], ["waiting"], ["waiting"]]
    assert outcomes(lives_of(alerts, [came("a1", "retried")])) == [["retried"], ["waiting"], ["waiting"]]
    assert outcomes(lives_of(alerts, [came("a1", "given_up"), came("a3")])) == [["left_out"], ["left_out"], ["sent"]]
    assert outcomes(lives_of(alerts, [came("a1"), came("a2", "given_up")])) == [["sent"], ["given_up"], ["waiting"]]


def test_what_another_receiver_or_key_was_told_leaves_nothing_out() -> None:
    alerts = [alert(1, to=("pager", "chat")), alert(2, "update", "updated", to=("chat",))]
    assert outcomes(lives_of(alerts, [came("a2", receiver="chat")])) == [["waiting", "left_out"], ["sent"]]
    alerts = [alert(1), alert(2, key="edge/blocked")]
    assert outcomes(lives_of(alerts, [came("a2", key="edge/blocked")])) == [["waiting"], ["sent"]]


def test_a_sign_of_life_is_no_alert() -> None:
    assert lives_of([alert(1, of=(), about="watchdog"), incident()], []) == ()
