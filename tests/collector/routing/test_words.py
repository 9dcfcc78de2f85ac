"""The plan's words for routes are those of events."""

from typing import get_args

from collector.events import DomainKind, FailoverWord, IncidentChanged, NoticeWord, ReadinessChanged, RiskChanged
from parallax.plan.route_rules import CAUSES, TYPES


def test_a_plan_may_ask_for_every_type_and_cause_and_for_no_other() -> None:
    words = {
        "incident": get_args(IncidentChanged.__annotations__["change"]),
        "risk": get_args(RiskChanged.__annotations__["change"]),
        "readiness": get_args(ReadinessChanged.__annotations__["word"]),
        "failover": get_args(FailoverWord),
        "failback": get_args(FailoverWord),
        "notice": get_args(NoticeWord),
    }
    assert set(TYPES) == {f"{kind}.{word}" for kind, each in words.items() for word in each}
    assert set(CAUSES) == {*get_args(DomainKind), "certificate"}
