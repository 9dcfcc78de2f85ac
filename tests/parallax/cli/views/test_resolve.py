"""A name at resolvers, as a person reads it."""

from typing import Any

from rich.console import Console

from parallax.cli.show import render
from parallax.observation import Observation

FRESH = {
    "class": "fresh",
    "rcode": "NOERROR",
    "min_ttl": 20,
    "rtt_ns": 5_300_000,
    "control": {"name": "ok.control.test", "class": "ok", "duration_ns": 6_000_000},
    "answers": [
        {"owner": "www.acme.test", "type": "CNAME", "ttl": 300, "text": "fe.acme.test."},
        {"owner": "fe.acme.test", "type": "A", "ttl": 20, "text": "203.0.113.7"},
    ],
}


def seen(subject: str, reason: str | None = None, site: str | None = None, **findings: Any) -> Observation:
    return Observation(
        probe="local", stream="", seq=0, run="", check="by hand", kind="dns.resolve", target="www.acme.test",
        subject=subject, dims={"resolver": subject, "transport": "udp"}, site=site, scheduled_at=0, started_at=0,
        duration_ns=1, phases=[], reason=reason, fault="resolver" if reason else None, findings=findings,
    )  # fmt: skip


def shown(*observations: Observation) -> list[str]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(list(observations), width=100))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_line_a_resolver_and_the_chain_below() -> None:
    lines = shown(seen("r1", site="fra", **FRESH), seen("r2", site="lon", **FRESH))
    assert lines[0] == "ok at all 2"
    line = next(line for line in lines if " r1 " in line)
    assert line.split() == ["ok", "r1", "udp", "203.0.113.7", "20", "s", "fra", "5.3", "ms", "ok", "6.0", "ms", "fresh"]
    assert any("fe.acme.test" in line and "203.0.113.7" in line for line in lines[6:])


def test_a_failure_shows_its_reason_and_what_the_resolver_said() -> None:
    dark: dict[str, Any] = {
        "class": "servfail",
        "rcode": "SERVFAIL",
        "control": {"class": "timeout"},
        "ede": [{"code": 22, "text": "no authority \x1b[31m"}],
    }
    lines = shown(seen("r1", "dns_resolver_down", **dark), seen("r2", **FRESH))
    line = next(line for line in lines if " r1 " in line)
    assert line.split()[:3] == ["failed", "r1", "udp"]
    assert line.split()[3:] == ["SERVFAIL", "timeout", "dns_resolver_down"]
    assert any("22 no authority" in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_what_a_cache_held_is_shown_also_where_it_was_nothing() -> None:
    lines = shown(seen("r1", cached={"www.acme.test": 17}, **FRESH), seen("r2", cached={}, **FRESH))
    assert any(line.split() == ["r1", "www.acme.test", "17", "s"] for line in lines)
    assert any(line.split() == ["r2", "nothing"] for line in lines)


def test_findings_of_a_newer_probe_do_not_break_it() -> None:
    odd: dict[str, Any] = {"class": 3, "answers": "x", "control": "y", "ede": [1], "cached": [], "min_ttl": None}
    assert shown(seen("r1", **odd))
