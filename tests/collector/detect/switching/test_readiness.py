"""Whether a standby could be switched to: line by line, for ten minutes, told with a minute's calm."""

from datetime import UTC, datetime

import pytest

from collector.detect.switching.readiness import READY_NS
from parallax.clock import NS
from tests.collector.detect.scenes import T0
from tests.collector.detect.switching.front import ACTION, Front

ACTIONS = ACTION.replace("[[action]]", 'actions = ["automation"]\n[[action]]')
FACTS = """facts = [
  { name = "replication_lag_s", most = 5, rule = "S9", stale = "120s" },
  { name = "headroom", least = 1.2, rule = "S8", stale = "1h" },
  { name = "config_hash", same = true, stale = "1h" },
]
"""


@pytest.mark.slow
def test_a_standby_is_ready_after_ten_minutes_of_it():
    front = Front()
    front.run(60)
    assert front.line("west", "checks") == (True, front.line("west", "checks")[1])
    front.run(500)
    assert not front.member("west").ready
    front.run(70)
    assert front.member("west").ready
    assert front.member("east").ready, "the primary's lines are looked at as well"
    assert front.readiness() == [], "that it is ready for the first time is no news"


def test_a_standby_that_nobody_looks_at_is_not_ready():
    front = Front()
    front.rule(lambda probe, check, target, subject, t: None if check.name == "api @ west" else {})
    front.run(60)
    assert front.line("west", "checks") == (False, "api @ west: no probe has a fresh word on it")
    assert not front.member("west").ready


def mend(front: Front, member: str = "west") -> None:
    """As after ten more minutes."""
    front.memory.ready[member].well_ns += READY_NS - 30 * NS
    front.run(35)


def test_losing_it_is_told_once_and_is_a_risk_until_it_is_back():
    front = Front()
    front.prove()
    front.broken["west"] = "http_server_error"
    front.run(50)
    assert not front.member("west").ready, "nobody switches to it from the first moment on"
    assert front.line("west", "checks")[1].startswith("api @ west: down, ")
    assert front.readiness() == []
    front.run(50)
    (lost,) = front.readiness()
    assert (lost.word, lost.member, lost.components) == ("lost", "west", ("Sign-in",))
    assert lost.check == "api @ west"
    assert lost.title.startswith("front: failover to west would be blocked, because api @ west: down, ")
    (risk,) = [risk for risk in front.board.risks if risk.title.startswith("Failover of front to west")]
    assert risk.components == ("Sign-in",)
    front.reload()
    front.run(30)
    assert len(front.readiness()) == 1
    front.broken.clear()
    front.run(60)
    assert len(front.readiness()) == 1, "it must be well for ten minutes again"
    mend(front)
    assert [each.word for each in front.readiness()] == ["lost", "restored"]
    front.run(5)
    assert front.board.risks == ()


def test_a_flicker_is_not_told():
    front = Front(ACTIONS)
    front.prove()
    for _ in range(4):
        front.act("unreachable", text="no answer")
        front.run(20)
        assert not front.member("west").ready
        front.act("reachable")
        front.run(20)
    mend(front)
    assert front.member("west").ready
    assert front.readiness() == []


@pytest.mark.slow
def test_blind_time_is_no_ready_time_and_takes_nothing_away():
    front = Front()
    front.run(60)
    front.mute = {"fra1", "lon1", "iad1", "sjc1", "sin1", "nrt1", "bom1"}
    front.run(250)
    assert front.state.blind is not None
    gained = front.memory.ready["west"].well_ns
    front.run(100)
    assert front.memory.ready["west"].well_ns == gained
    front.mute = set()
    front.run(30)
    front.memory.ready["west"].well_ns = READY_NS - NS
    front.run(5)
    assert front.member("west").ready
    front.mute = {"fra1", "lon1", "iad1", "sjc1", "sin1", "nrt1", "bom1"}
    front.run(250)
    assert front.member("west").ready
    assert front.readiness() == []


@pytest.mark.parametrize(
    ("pushed", "waits", "line", "rule", "said"),
    [
        ({}, 1, (None, "replication_lag_s: not checked"), "S9", "replication_lag_s"),
        ({("west", "replication_lag_s"): "3"}, 1, (True, "replication_lag_s: 3"), "S9", "replication_lag_s"),
        (
            {("west", "replication_lag_s"): "6.5"},
            1,
            (False, "replication_lag_s: 6.5, more than 5"),
            "S9",
            "replication_lag_s",
        ),
        (
            {("west", "replication_lag_s"): "3"},
            123,
            (False, "replication_lag_s: stale, last pushed 2 min ago"),
            "S9",
            "replication_lag_s",
        ),
        (
            {("west", "replication_lag_s"): "nan"},
            1,
            (False, "replication_lag_s: 'nan' is no number"),
            "S9",
            "replication_lag_s",
        ),
        ({("west", "headroom"): "1"}, 1, (False, "headroom: 1, less than 1.2"), "S8", "headroom"),
        (
            {("west", "config_hash"): "a"},
            1,
            (None, "config_hash: a; that of the serving member was not pushed"),
            "S1",
            "config_hash",
        ),
        (
            {("west", "config_hash"): "a", ("east", "config_hash"): "a"},
            1,
            (True, "config_hash: a"),
            "S1",
            "config_hash",
        ),
        (
            {("west", "config_hash"): "a", ("east", "config_hash"): "b"},
            1,
            (False, "config_hash: a, and b at the serving member"),
            "S1",
            "config_hash",
        ),
    ],
)
def test_what_is_pushed(pushed, waits, line, rule, said):
    front = Front(FACTS)
    front.run(30)
    for (member, name), value in pushed.items():
        front.command("standby_fact", member=member, name=name, value=value)
    front.run(waits)
    found = next(each for each in front.member("west").lines if each.id == f"fact:{said}")
    assert ((found.ok, found.why), found.rule) == (line, rule)


def test_an_action_that_could_be_carried_out_is_believed_for_a_quarter_of_an_hour():
    front = Front(ACTIONS)
    front.run(30)
    assert front.line("west", "action") == (None, "action automation: not checked")
    front.act("unreachable", text="TSIG: BADKEY")
    front.run(1)
    assert front.line("west", "action") == (False, "action automation: TSIG: BADKEY")
    front.act("reachable")
    front.act("unreachable", action="another")
    front.run(1)
    assert front.line("west", "action") == (True, "action automation: it could be carried out")
    front.memory.reached["automation"].at -= 905 * NS
    front.run(6)
    assert front.line("west", "action")[0] is None


def test_a_certificate_that_ends_within_a_week_is_not_ready():
    front = Front()

    def shows(days: float):
        chain = [{"sha256": "ab" * 32, "issuer": "CA", "not_before": "2026-01-01T00:00:00Z", "not_after": _after(days)}]
        return lambda probe, check, target, subject, t: {
            "findings": {"chain": chain},
            "dims": {"region": "west" if check.name.endswith("west") else "east"},
        }

    front.rule(shows(8))
    front.run(30)
    assert front.line("west", "certificate")[0] is True
    front.rule(shows(6.9))
    front.run(30)
    assert front.line("west", "certificate") == (False, "certificate: valid for 6 d 21 h more")


def _after(days: float) -> str:
    return datetime.fromtimestamp(T0 / NS + days * 86400, UTC).isoformat()


RESOLVED = """
[[check]]
name = "names"
kind = "dns.resolve"
names = ["auth.example"]
[[resolver]]
name = "public-1"
address = "192.0.2.51"
control = "control.example"
"""


def test_a_ttl_that_is_longer_than_configured_is_not_ready_until_it_has_run_out():
    front = Front(rest=RESOLVED)
    front.found["names"] = [("public-1", {"resolver": "public-1"})]
    ttl = {"s": 60}

    def answers(probe, check, target, subject, t):
        records = [{"owner": "auth.example", "type": "A", "ttl": ttl["s"], "text": "203.0.113.1"}]
        return {"findings": {"answers": records, "min_ttl": ttl["s"]}} if check.name == "names" else {}

    front.rule(answers)
    front.run(60)
    assert front.line("west", "ttl") == (True, "TTL: 1 min or less at the resolvers that are asked")
    ttl["s"] = 300
    front.run(60)
    assert front.line("west", "ttl") == (False, "TTL: 300 s at public-1, configured are 1 min")
    ttl["s"] = 60
    front.run(60)
    assert front.line("west", "ttl")[0] is False
    held, at, resolver = front.memory.long_ttl
    front.memory.long_ttl = (held, at - 900 * NS, resolver)
    front.run(20)
    assert front.line("west", "ttl")[0] is True
