"""What a server's reply is worth, as tables: the classes, referrals, and whom glue is believed of."""

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from probe.dns.classes import auth_class, own_delegation, referral, soa_owner
from probe.dns.message import Reply, parse

SOA = "ns. h. 1 2 3 4 5"


def reply(*records: str, rcode: str = "NOERROR", aa: bool = True, qname: str = "www.a.test", qtype: str = "A") -> Reply:
    """Records as "section owner type data"; sections an, au, ad."""
    message = dns.message.make_response(dns.message.make_query(f"{qname}.", qtype))
    message.flags |= dns.flags.AA if aa else 0
    message.set_rcode(dns.rcode.from_text(rcode))
    sections = {"an": message.answer, "au": message.authority, "ad": message.additional}
    for record in records:
        section, owner, rdtype, data = record.split(" ", 3)
        sections[section].append(dns.rrset.from_text(f"{owner}.", 300, "IN", rdtype, data))
    return parse(message.to_wire())


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (reply("an www.a.test A 192.0.2.1"), "auth_answer"),
        (reply("an www.a.test CNAME x.b.test."), "auth_answer"),
        (reply("an a.test DNAME b.test."), "auth_answer"),
        (reply("an other.a.test A 192.0.2.1"), "auth_nodata"),
        (reply(f"au a.test SOA {SOA}"), "auth_nodata"),
        (reply(rcode="NXDOMAIN"), "auth_nxdomain"),
        (reply("au www.a.test NS ns.b.test.", aa=False), "referral_down"),
        (reply("au test NS ns.b.test.", aa=False), "lame_upward"),
        (reply("au a.test NS ns.b.test.", aa=False), "lame_self"),
        (reply("au other.a.test NS ns.b.test.", aa=False), "lame_cached"),
        (reply("an www.a.test A 192.0.2.1", aa=False), "lame_cached"),
        (reply(aa=False), "lame_empty"),
        (reply(aa=False, rcode="REFUSED"), "lame_refused"),
        (reply(aa=True, rcode="REFUSED"), "lame_refused"),
        (reply(aa=False, rcode="SERVFAIL"), "lame_servfail"),
        (reply(aa=False, rcode="NOTAUTH"), "lame_notauth"),
        (reply(aa=False, rcode="NXDOMAIN"), "lame_nxdomain_nonaa"),
        (reply(aa=False, rcode="NOTIMP"), "rcode_notimp"),
    ],
)
def test_classes(said: Reply, word: str) -> None:
    assert auth_class(said, "a.test", "www.a.test", "A") == word


def test_a_referral_leads_strictly_down_and_towards_the_name() -> None:
    down = reply("au b.a.test NS ns1.b.a.test.", "ad ns1.b.a.test A 192.0.2.9", aa=False)
    found = referral(down, "a.test", "www.b.a.test")
    assert found is not None
    assert (found.zone, found.ns, found.glue) == ("b.a.test", ("ns1.b.a.test",), {"ns1.b.a.test": ("192.0.2.9",)})
    assert referral(down, "b.a.test", "www.b.a.test") is None, "not to itself: no circle"
    assert referral(down, "a.test", "www.c.a.test") is None
    assert referral(reply("au test NS ns.test.", aa=False), "a.test", "www.a.test") is None, "not up"


def test_glue_is_believed_only_of_names_that_the_zone_may_speak_for() -> None:
    said = reply(
        "au b.a.test NS ns1.victim.test.",
        "au b.a.test NS ns2.b.a.test.",
        "ad ns1.victim.test A 192.0.2.66",
        "ad ns2.b.a.test A 192.0.2.2",
        "ad stranger.a.test A 192.0.2.67",
        aa=False,
    )
    found = referral(said, "a.test", "www.b.a.test")
    assert found is not None
    assert found.glue == {"ns2.b.a.test": ("192.0.2.2",)}
    own = own_delegation(
        reply("an b.test NS ns1.b.test.", "ad ns1.b.test A 192.0.2.1", qname="b.test", qtype="NS"), "b.test", "a.test"
    )
    assert own is not None
    assert own.glue == {}


def test_whose_negative_answer_it_is() -> None:
    assert soa_owner(reply(f"au a.test SOA {SOA}")) == "a.test"
    assert soa_owner(reply()) is None


def test_many_servers_and_much_glue_are_cut_off() -> None:
    lines = [f"au b.a.test NS ns{n:03}.b.a.test." for n in range(60)]
    lines += [f"ad ns000.b.a.test A 192.0.2.{n}" for n in range(60)]
    found = referral(reply(*lines, aa=False), "a.test", "www.b.a.test")
    assert found is not None
    assert (len(found.ns), len(found.glue["ns000.b.a.test"])) == (32, 16)
