"""The records of `events`: their encoding is kept for ever, and what they say in words."""

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.events import (
    Affected,
    AlertRouted,
    CheckChanged,
    ComponentChanged,
    Event,
    EventData,
    EventError,
    Evidence,
    Extent,
    FailoverChanged,
    FaultDomain,
    Held,
    Human,
    Incident,
    IncidentChanged,
    IncidentNoted,
    Moment,
    Noticed,
    ProbeChanged,
    ReadinessChanged,
    Risk,
    RiskChanged,
    RuleOutcome,
    Runway,
    Suppressed,
    Told,
    decode_event,
    encode_event,
    urgent_first,
)
from parallax.journal import Entry

VECTORS = Path(__file__).parent.parent / "vectors"
AT = 1_700_000_000_000_000_000
S = 1_000_000_000
EVIDENCE = Evidence(
    failing=4,
    voters=5,
    networks=3,
    span_ns=9 * S,
    abstaining=1,
    silent=2,
    reasons={"connect_timeout": 3, "connect_refused": 1},
    extent=Extent(share=0.8, low=0.38, high=0.96, since=AT - 9 * S),
    users=Extent(share=0.6, low=0.31, high=0.83, of="users", since=AT - 9 * S),
)
DOMAIN = FaultDomain(kind="region", name="us-east")
INCIDENT = Incident(
    id="inc-1",
    title="Region us-east is down",
    severity="critical",
    domain=DOMAIN,
    started_at=AT - 9 * S,
    opened_at=AT,
    updated_at=AT,
    components=("Sign-in",),
    impact="partial_outage",
    checks=(
        Affected(
            check="api",
            kind="http",
            target="https://auth.example/",
            subject="192.0.2.1:443",
            state="down",
            since=AT - 9 * S,
            reason="connect_timeout",
        ),
    ),
    evidence=EVIDENCE,
    stage="identified",
    parent="inc-0",
    because=("4 of 5 probes fail at us-east", "eu-west passes at all of them"),
    alternatives=(FaultDomain(kind="address", name="192.0.2.1", certain=False),),
    timeline=(
        Moment(at=AT - 9 * S, what="began"),
        Moment(at=AT, what="acknowledged", text="on it", actor="ann"),
    ),
    left_out=1,
    human=Human(
        title="The us-east front ends",
        title_by="ann",
        domain=DOMAIN,
        domain_by="ann",
        acknowledged_at=AT,
        acknowledged_by="ann",
    ),
    seen_title="Region us-east is down",
    seen_domain=DOMAIN,
)
DATA: dict[str, EventData] = {
    "check": CheckChanged(
        check="api",
        kind="http",
        target="https://auth.example/",
        subject="192.0.2.1:443",
        state="down",
        before="up",
        since=AT - 9 * S,
        reason="connect_timeout",
        fault="target",
        evidence=EVIDENCE,
        incident="inc-1",
    ),
    "incident": IncidentChanged(change="opened", what="opened", incident=INCIDENT),
    "noted": IncidentNoted(
        moment=Moment(at=AT, what="note", text="the vendor is told", actor="ann"), incident=INCIDENT
    ),
    "risk": RiskChanged(
        change="raised",
        risk=Risk(
            id="risk-1",
            title="DNS operator dns-a is dark",
            check="zone",
            components=("Sign-in",),
            since=AT,
            expected_at=AT + 60 * S,
            why="caches run out",
            domain=FaultDomain(kind="operator", name="dns-a", certain=False),
            runway=Runway(
                names=("api.auth.example",),
                earliest_at=AT + 60 * S,
                latest_at=AT + 300 * S,
                sampled=4,
                expired=1,
                users=0.25,
                held=(Held(resolver="public-1", owner="api.auth.example", type="A", until=AT + 60 * S),),
            ),
        ),
    ),
    "probe": ProbeChanged(probe="fra1", state="silent", since=AT, why="nothing was heard for 15 s", incident="inc-2"),
    "component": ComponentChanged(
        component="Sign-in", state="partial_outage", before="operational", since=AT, why="1 of 2 is down"
    ),
    "notice": Noticed(
        word="delegation_changed",
        title="The delegation of auth.example changed",
        severity="warning",
        check="zone",
        target="auth.example",
        before=("ns1.dns-a.example",),
        after=("ns1.dns-b.example", "DS 1 13 2 00ff"),
        domain=FaultDomain(kind="zone", name="auth.example"),
        components=("Sign-in",),
        probes=("fra1", "iad1"),
        why="the parent's servers name other name servers",
    ),
    "failover": FailoverChanged(
        word="command",
        group="regions",
        direction="failover",
        source="us-east",
        target="eu-west",
        title="Switch regions to eu-west",
        why="us-east is down",
        severity="critical",
        incident="inc-1",
        components=("Sign-in",),
        epoch=42,
        expected_current="us-east",
        not_after=AT + 60 * S,
        actions=("dns",),
        rules=(RuleOutcome(id="S1", ok=True, why="eu-west is ready", inputs={"ready_s": "900"}),),
        evidence={"failing": "4 of 5"},
        check="api",
    ),
    "readiness": ReadinessChanged(
        word="lost",
        group="regions",
        member="eu-west",
        title="Failover of regions to eu-west would be blocked",
        why="the certificate does not cover auth.example",
        components=("Sign-in",),
        check="api @ eu-west",
    ),
}
DATA["alert"] = AlertRouted(
    key="inc-1",
    about="incident.opened",
    phase="trigger",
    tier="page",
    severity="critical",
    lane="fast",
    of=(Told(id="evt-incident", at=AT, data=DATA["incident"]),),  # type: ignore[arg-type]
    to=("pager",),
    suppressed=(Suppressed(receiver="ops", by="silence", why="silence s3 of ann until 2023-11-14 22:43 UTC"),),
    incident="inc-1",
    pages=True,
)
GOLDEN = {tag: Event(id=f"evt-{tag}", at=AT, cause=7, data=data) for tag, data in DATA.items()}


def test_every_kind_of_event_has_a_golden_vector() -> None:
    assert set(GOLDEN) == {kind.__struct_config__.tag for kind in EventData.__args__}


@pytest.mark.parametrize("tag", GOLDEN)
def test_golden_vectors(tag: str) -> None:
    *older, newest = sorted(VECTORS.glob(f"event-{tag}-*.json"))
    event = GOLDEN[tag]
    assert encode_event(event).body == newest.read_bytes()
    assert decode_event(Entry(kind=event.type, body=newest.read_bytes(), at_ns=AT)) == event
    for vector in older:
        assert decode_event(Entry(kind=event.type, body=vector.read_bytes(), at_ns=AT)).id == event.id


def test_the_type_is_the_journal_s_kind() -> None:
    assert {encode_event(event).kind for event in GOLDEN.values()} == {
        "check.down",
        "incident.opened",
        "incident.noted",
        "risk.raised",
        "probe.silent",
        "component.changed",
        "notice.delegation_changed",
        "failover.command",
        "readiness.lost",
        "alert.trigger",
    }


def test_fields_of_a_newer_writer_are_passed_over() -> None:
    raw = msgspec.json.decode(encode_event(GOLDEN["risk"]).body)
    raw["data"]["risk"]["colour"] = "red"
    assert decode_event(Entry(kind="risk.raised", body=msgspec.json.encode(raw), at_ns=AT)) == GOLDEN["risk"]


def test_another_version_is_named() -> None:
    raw = msgspec.json.decode(encode_event(GOLDEN["risk"]).body) | {"version": 2}
    with pytest.raises(EventError, match=r"a risk\.raised record has version 2; this program knows 1"):
        decode_event(Entry(kind="risk.raised", body=msgspec.json.encode(raw), at_ns=AT))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_only_the_codec_s_error(raw: bytes) -> None:
    with contextlib.suppress(EventError):
        decode_event(Entry(kind="check.down", body=raw, at_ns=AT))


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_cut_records_raise_only_the_codec_s_error(cut: int) -> None:
    with pytest.raises(EventError):
        decode_event(Entry(kind="check.down", body=encode_event(GOLDEN["check"]).body[:cut], at_ns=AT))


WORDS = [
    (EVIDENCE, "4 of 5 probes in 3 networks failed within 9.0 s (1 abstained, 2 silent)"),
    (Evidence(failing=7, voters=8, networks=6, span_ns=12 * S), "7 of 8 probes in 6 networks failed within 12 s"),
    (Evidence(failing=2, voters=8, networks=1, span_ns=S // 2), "2 of 8 probes in 1 network failed within 0.5 s"),
    (Evidence(failing=1, voters=8, networks=1, span_ns=0), "1 of 8 probes failed"),
    (Evidence(failing=0, voters=8, networks=0, span_ns=0), "0 of 8 probes failed"),
    (Evidence(failing=0, voters=0, networks=0, span_ns=0, abstaining=2), "no probe can vote (2 abstained)"),
    (
        Evidence(failing=1, voters=1, networks=1, span_ns=0, single=True),
        "the one probe failed; single vantage: cannot tell target from network",
    ),
]


@pytest.mark.parametrize(("evidence", "words"), WORDS)
def test_evidence_in_words(evidence: Evidence, words: str) -> None:
    assert evidence.words == words


def test_what_hurts_users_comes_before_what_explains_itself() -> None:
    def one(id_: str, **more: Any) -> Incident:
        return Incident(id=id_, title=id_, domain=None, started_at=AT, opened_at=AT, updated_at=AT, **more)

    given = [
        one("probe", severity="warning", probes=("fra1",)),
        one("newer", severity="warning"),
        one("older", severity="warning"),
        one("child", severity="warning", parent="slow"),
        one("slow", severity="warning", impact="degraded_performance"),
        one("blind", severity="critical", probes=("fra1",)),
    ]
    assert [each.id for each in urgent_first(given)] == ["blind", "slow", "newer", "older", "probe", "child"]
