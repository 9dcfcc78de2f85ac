"""What brings no news is looked at seldom, and what does at once."""

import pytest

from collector.detect.risks.telling import tell_risks
from collector.detect.state import Key, Vote
from collector.detect.verdicts.trouble import LOOK_NS, SETTLED_NS, is_no_news
from collector.detect.verdicts.votes import key_id
from collector.detect.view import NOTHING, view_of
from parallax.clock import NS
from tests.collector.detect.world import AUTH, US, Lab

NOW = 10_000 * NS
DOWN = NOW - SETTLED_NS


@pytest.mark.parametrize(
    ("state", "since", "reason", "no_news"),
    [
        ("down", DOWN, "connect_timeout", True),
        ("down", DOWN + 1, "connect_timeout", False),
        ("down", DOWN, "connect_refused", False),
        ("down", DOWN, None, False),
        ("degraded", DOWN, "connect_timeout", False),
        ("suspected", DOWN, "connect_timeout", False),
        ("unknown", DOWN, "connect_timeout", False),
    ],
)
def test_only_more_of_a_settled_outage_is_no_news(state: str, since: int, reason: str | None, no_news: bool) -> None:
    key = Key(
        check="c", target="t", subject="s", born_at=0, since=since, state=state, reason="connect_timeout",  # type: ignore[arg-type]
        due=NOW + 60 * NS,
    )  # fmt: skip
    assert is_no_news(key, Vote(at=NOW, reason=reason), NOW) is no_news
    assert key.due == NOW + (LOOK_NS if no_news else 60 * NS), "it is looked at all the same, a moment later"


def test_a_long_outage_ends_as_soon_as_a_short_one_and_its_evidence_stays_true() -> None:
    ended: list[float] = []
    for seconds in (30, 200):
        lab = Lab()
        lab.run(20)
        outage = lab.fails("connect_timeout", subject=US)
        lab.run(seconds)
        key = lab.state.keys[key_id("api", f"https://{AUTH}/v1/health", f"{US}:443")]
        assert (key.state, key.failing, key.voters) == ("down", 8, 8)
        assert key.extent is not None
        assert key.extent.share == 1.0
        lab.mute.add("sin1")
        lab.run(30)
        assert (key.failing, key.voters) == (7, 7), "who is silent is counted out"
        lab.mute.clear()
        lab.mend(outage)
        mended = lab.t
        lab.run(40)
        over = next(event for event in lab.told("incident.monitoring") if event.at >= lab.now - 40 * NS)
        ended.append(round(lab.t - (lab.now - over.at) / NS - mended, 2))
    assert ended[0] == ended[1]


def test_an_outage_that_goes_on_in_another_way_is_called_so_at_once() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("connect_timeout", subject=US)
    lab.run(90)
    lab.fails("connect_refused", subject=US)
    lab.run(12)
    [incident] = lab.incidents()
    assert incident.title == f"Region us-east is down: {US} refuses connections"


def test_risks_are_looked_at_once_a_second_but_at_once_where_something_changed() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("dns_timeout", subject="192.0.2.11")
    lab.run(20)
    [risk] = lab.state.risks.values()
    view = view_of(lab.state.plan)
    assert view is not None
    lab.state.risks_at = lab.state.now
    tell_risks(lab.state, NOTHING, [], changed=False)
    assert list(lab.state.risks.values()) == [risk], "not yet"
    lab.state.risks_at = lab.state.now + 1  # the clock was put back
    told: list[object] = []
    tell_risks(lab.state, view, told, changed=False)  # type: ignore[arg-type]
    assert lab.state.risks_at == lab.state.now
    lab.state.open.clear()
    tell_risks(lab.state, NOTHING, told, changed=True)  # type: ignore[arg-type]
    assert lab.state.risks == {}
