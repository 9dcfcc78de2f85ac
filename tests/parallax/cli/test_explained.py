"""One name's explanation, put together from observations, and drawn."""

from typing import Any

from rich.console import Console

from parallax.cli.explain_view import headline, render_explanation
from parallax.cli.explained import Dark, Explanation, explain, mail_domain_of
from parallax.observation import Observation
from parallax.values import DnsName
from tests.fakes.observations import observation

NAME, ALIAS = "clerk.acme.example", "frontend-api.vendor.example"


def seen(kind: str, subject: str, *, target: str = NAME, **more: Any) -> Observation:
    return observation(kind=kind, subject=subject, target=target, **more)


HOPS = [
    {
        "owner": NAME, "type": "CNAME", "target": ALIAS, "zone": "acme.example", "operator": "acme", "ttl": 300,
        "servers": {"192.0.2.1:53": "auth_answer"},
    },
    {
        "owner": ALIAS, "type": "A", "zone": "vendor.example", "operator": "dns-a", "ttl": 60,
        "servers": {"192.0.2.2:53": "auth_answer", "192.0.2.3:53": "timeout"},
    },
]  # fmt: skip
CHAIN = seen("dns.chain", NAME, findings={"hops": HOPS, "end": ["203.0.113.1"], "shared_fate": ["dns-a"]})
ANSWERS = [{"owner": NAME, "type": "CNAME", "ttl": 200}, {"owner": ALIAS, "type": "A", "ttl": 40}]
CACHED = seen("dns.resolve", "public-1", site="fra", findings={"class": "fresh", "answers": ANSWERS})


def server(zone: str, name: str, operator: str) -> Observation:
    return seen(
        "dns.zone", f"{name}:53", target=zone, dims={"server": name, "operator": operator, "zone": zone},
        findings={"class": "auth_answer", "rtt_ns": 9_400_000, "serial": 7}, site="fra",
    )  # fmt: skip


def told(*more: Observation) -> Explanation:
    return explain(NAME, "acme.example", [CHAIN, CACHED, *more])


def dark(explanation: Explanation, operator: str) -> Dark:
    return next(each for each in explanation.dark if each.operator == operator)


def drawn(explanation: Explanation) -> str:
    console = Console(width=250, no_color=True)
    with console.capture() as capture:
        console.print(render_explanation(explanation))
    return capture.get()


def test_an_operator_that_serves_a_hop_alone_breaks_the_name_when_the_first_cache_runs_out():
    found = dark(told(), "dns-a")
    assert (found.breaks, found.first_s, found.last_s) == (True, 40, 60)
    own = dark(told(), "acme")
    assert (own.breaks, own.first_s, own.last_s) == (True, 200, 300)
    assert "mail records" not in own.why, "nobody found any"
    mail = seen("dns.mail", "operator acme", findings={"records": {"spf": {"class": "ok"}, "mx": {"class": "none"}}})
    assert dark(told(mail), "acme").why.endswith("once caches ran out, nor would the mail records of acme.example")
    lost = seen("dns.mail", "operator acme", findings={"records": {"spf": {"class": "none"}, "dkim": {"s1": {}}}})
    assert "mail records" not in dark(told(lost), "acme").why


def test_a_zone_that_another_operator_serves_as_well_goes_on():
    both = told(server("vendor.example", "192.0.2.2", "dns-a"), server("vendor.example", "198.51.100.1", "dns-b"))
    for operator, other in (("dns-a", "dns-b"), ("dns-b", "dns-a")):
        found = dark(both, operator)
        assert (found.breaks, found.first_s) == (False, None)
        assert found.why == f"{other} would go on"


def test_an_operator_that_is_dark_is_not_spoken_of_as_if_it_were_not():
    chain = seen("dns.chain", NAME, reason="dns_hop_dark", findings={"hops": HOPS})
    dims = {"operator": "dns-a", "zone": "vendor.example", "server": "ns1"}
    silent = seen("dns.zone", "192.0.2.2:53", target="vendor.example", reason="dns_timeout", dims=dims)
    found = explain(NAME, "acme.example", [chain, CACHED, silent])
    assert headline(found).endswith("; 1 of 1 resolvers answer from their caches")
    assert (dark(found, "dns-a").is_dark, dark(found, "acme").is_dark) == (True, False)
    text = drawn(found)
    assert f"dns-a (vendor.example) is dark now: {ALIAS} will not resolve once caches run out; the first" in text


def test_without_ttls_nobody_says_when():
    bare = explain(NAME, "acme.example", [seen("dns.chain", NAME, findings={"hops": [{**HOPS[0], "ttl": None}]})])
    found = dark(bare, "acme")
    assert (found.breaks, found.first_s, found.last_s) == (True, None, None)


def test_a_word_on_a_zone_s_signatures_comes_before_whether_it_is_signed():
    found = told(
        seen("dns.dnssec", "operator dns-a", target="vendor.example", reason="dnssec_expired"),
        seen("dns.dnssec", "operator dns-b", target="vendor.example"),
        seen("dns.dnssec", "operator acme", target="acme.example", findings={"signed": False}),
        seen("dns.dnssec", "delegation", target="safe.example", findings={"ds": [{"tag": 1}]}),
        seen("dns.dnssec", "operator acme", target="safe.example", findings={"signed": True}),
        seen("dns.dnssec", "operator acme", target="island.example", findings={"signed": True}),
    )
    assert found.dnssec == {
        "vendor.example": "dnssec_expired",
        "acme.example": "insecure",
        "safe.example": "signed",
        "island.example": "signed, but the parent has no DS",
    }


def test_the_screen_has_the_chain_the_servers_the_caches_and_what_darkness_would_do():
    text = drawn(told(server("vendor.example", "192.0.2.2", "dns-a"), seen("dns.zone", "delegation")))
    for words in (
        "clerk.acme.example resolves: 203.0.113.1",
        "shared fate",
        f"{NAME} CNAME → {ALIAS}  TTL 300 s, zone acme.example, operator acme, 1 of 1 servers answer",
        "1 of 2 servers answer",
        "9.4 ms",
        "public-1",
        "40 s",
        "the first resolver asked fails in 40 s, all by 1 min 0 s, without stale answers",
    ):
        assert words in text


def test_a_server_has_one_line_with_both_transports_and_views_that_say_the_same_share_one():
    dims = {"server": "ns1.dns-a.example", "operator": "dns-a", "zone": "vendor.example", "address": "192.0.2.1"}
    found = {"class": "auth_answer", "rtt_ns": 9_400_000}
    text = drawn(
        told(
            seen("dns.zone", "192.0.2.1:53", target="vendor.example", dims=dims, findings=found),
            seen(
                "dns.zone", "192.0.2.1:53/tcp", target="vendor.example", reason="connect_timeout",
                dims={**dims, "transport": "tcp"},
            ),
            seen("dns.mail", "public-1"),
            seen("dns.mail", "public-2"),
        )
    )  # fmt: skip
    assert "name servers of vendor.example, operator dns-a" in text
    (line,) = (line for line in text.splitlines() if "192.0.2.1 " in line)
    assert " ".join(line.split()).startswith("ns1.dns-a.example 192.0.2.1 – 9.4 ms – answers; over TCP: ")
    assert "acme.example at public-1, public-2" in text


def test_a_name_that_does_not_resolve_says_why():
    broken = explain(NAME, NAME, [seen("dns.chain", NAME, reason="dns_nxdomain", findings={"hops": []})])
    assert headline(broken) == f"{NAME}: the name does not exist (NXDOMAIN)"
    assert broken.dark == ()


def test_control_characters_of_the_network_do_not_reach_the_terminal():
    evil = [{**HOPS[0], "target": "\x1b[31mred\x07", "servers": {"\x1b]0;x": "auth_answer"}}]
    text = drawn(explain(NAME, NAME, [seen("dns.chain", NAME, findings={"hops": evil, "end": ["\x1b[2J"]})]))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_findings_of_another_shape_are_passed_over():
    odd = seen("dns.chain", NAME, findings={"hops": [7, {"ttl": "x", "servers": 3}], "end": "no list"})
    found = explain(NAME, NAME, [odd, seen("dns.resolve", "r", findings={"answers": [{"owner": 1}, 3]})])
    assert found.hops[0].ttl is None
    assert found.cached[0].left is None


def test_nobody_asks_the_root_for_its_mail() -> None:
    name, zone = DnsName(NAME), DnsName("acme.example")
    assert mail_domain_of(name, [zone, DnsName("vendor.example")]) == zone
    assert mail_domain_of(name, [DnsName("."), zone]) == zone
    assert mail_domain_of(name, [DnsName(".")]) == mail_domain_of(name, []) == name
