"""What a board knows of DNS while an operator is dark and its zone moves: every word of it at least once."""

from typing import Any

from collector.board import (
    CatchmentBoard,
    Caught,
    ChainBoard,
    FallbackBoard,
    Gap,
    HopBoard,
    MoveBoard,
    SiteBoard,
)
from collector.events import FaultDomain, Held, Risk, Runway
from parallax.clock import NS

SIGN_IN = "frontend-api.vendor.example"


def runway_risk(now: int, **more: Any) -> Risk:
    runway = Runway(
        names=(SIGN_IN, "accounts.vendor.example"),
        earliest_at=now + 134 * NS,
        latest_at=now + 290 * NS,
        sampled=8,
        expired=3,
        stale=1,
        users=0.125,
        held=(
            Held(resolver="fra1 at public-1", owner=SIGN_IN, type="A", until=now + 134 * NS),
            Held(resolver="iad1 at public-2", owner=SIGN_IN, type="A", until=0),
        ),
    )
    known: dict[str, Any] = {
        "id": "risk-runway",
        "title": "DNS operator dns-a is dark: 8 of 8 name-server addresses do not answer",
        "check": "authoritative DNS",
        "components": ("Sign-in",),
        "since": now - 60 * NS,
        "expected_at": runway.earliest_at,
        "why": "caches carry it",
        "domain": FaultDomain(kind="operator", name="dns-a"),
        "runway": runway,
    }
    return Risk(**{**known, **more})


def fallbacks(now: int) -> tuple[FallbackBoard, ...]:
    gaps = (
        Gap(
            name="dkim1.vendor.example", type="TXT", what="missing_at_fallback", severity="critical", purpose="mail",
            primary=('"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="',),
        ),
        Gap(name="vendor.example", type="CAA", what="value_diff", severity="high", purpose="policy",
            primary=('0 issue "a.example"',), fallback=('0 issue "b.example"',)),
        Gap(name=SIGN_IN, type="A", what="ttl_drift", severity="low", purpose="sign-in"),
    )  # fmt: skip
    known: dict[str, Any] = {"check": "parity", "primary": "dns-a", "fallback": "dns-b", "since": now - 7200 * NS}
    return (
        FallbackBoard(
            zone="vendor.example", ready=False, because="lacks the mail records dkim1 TXT, MX (and 3 more)",
            components=("Sign-in mail",), gaps=gaps, compared=41, **known,
        ),
        FallbackBoard(**{**known, "check": "parity 2"}, zone="other.example", ready=True, because="", compared=12),
        FallbackBoard(**{**known, "check": "parity 3"}, zone="dark.example", ready=None, because="dns-a is silent"),
    )  # fmt: skip


def moves(now: int) -> tuple[MoveBoard, ...]:
    old, new = ("ns1.dns-a.example", "ns2.dns-a.example"), ("ns1.dns-b.example", "ns2.dns-b.example")
    return (
        MoveBoard(
            id="move-2", kind="delegation", name="vendor.example", state="moving", started_at=now - 90 * NS,
            by="check zone", old=old, new=new, parents=(2, 2), resolvers=(5, 8), bound_at=now + 40 * NS,
            t50_at=now - 20 * NS, words=("mixed",),
            points=tuple((now - (90 - step * 15) * NS, min(1000, step * 500), step * 110) for step in range(6)),
        ),
        MoveBoard(
            id="move-1", kind="chain", name="clerk.acme.example", state="stuck", started_at=now - 5000 * NS,
            by="alice", old=(SIGN_IN,), new=("worker.elsewhere.example",), resolvers=(7, 8), bound_at=now - 4000 * NS,
            t50_at=now - 4900 * NS, t90_at=now - 4700 * NS, t100_at=now - 4650 * NS,
            words=("stuck", "regressed", "old_set_withdrawn_early"), points=((now - 5000 * NS, 0, 0),),
        ),
        MoveBoard(
            id="move-0", kind="delegation", name="other.example", state="done", started_at=now - 90_000 * NS,
            by="check zone", old=old, new=new, parents=(2, 2), resolvers=(8, 8), ended_at=now - 80_000 * NS,
        ),
    )  # fmt: skip


def chains(now: int) -> tuple[ChainBoard, ...]:
    return (
        ChainBoard(
            check="chain",
            name="clerk.acme.example",
            hops=(
                HopBoard(
                    owner="clerk.acme.example", target=SIGN_IN, type="CNAME", zone="acme.example", operator="acme",
                    ttl=300,
                ),
                HopBoard(
                    owner=SIGN_IN, target="", type="A", zone="vendor.example", operator="dns-a", state="dns_hop_dark",
                ),
            ),
            since=now - 86_400 * NS,
            flags=("shared_fate", "workaround"),
        ),
    )  # fmt: skip


def catchments(now: int) -> tuple[CatchmentBoard, ...]:
    def caught(probe: str, site: str, rtt_ms: float | None, **more: Any) -> Caught:
        return Caught(
            probe=probe, site=site, since=now - 600 * NS, rtt_ns=None if rtt_ms is None else round(rtt_ms * 1e6), **more
        )

    sites = (
        SiteBoard(name="fra", probes=("fra1", "lon1"), rtt_ns=9_400_000, location=(50.11, 8.68)),
        SiteBoard(name="iad", probes=("iad1", "sfo1", "gru1"), rtt_ns=31_000_000, location=(39.04, -77.49)),
        SiteBoard(name="sin", probes=("sin1", "nrt1", "syd1")),
    )
    return (
        CatchmentBoard(
            address="198.51.100.2",
            server="ns4.dns-a.example",
            operator="dns-a",
            family=4,
            verdict="anycast",
            why="fra1 (0.9 ms) and sin1 (1.2 ms) are 10,262 km apart; at least 3 sites",
            sites=sites,
            caught=(
                caught("fra1", "fra", 0.9),
                caught("lon1", "fra", 18.0),
                caught("iad1", "iad", 1.0, changes=3),
                caught("sfo1", "iad", 71.0, remote=True),
                caught("gru1", "iad", None),
                caught("sin1", "sin", 1.2),
                caught("elsewhere", "sin", 5.0),
            ),
        ),
        CatchmentBoard(address="2001:db8::1", server="", operator="", family=6, verdict="unicast_consistent"),
        CatchmentBoard(address="192.0.2.1", server="ns1.dns-a.example", operator="dns-a", family=4, verdict="unknown"),
    )
