"""A name server's site: read where its name or its text says whose it is, else kept as it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.sites.chaos import joined
from probe.sites.name_servers import RULES, site_of_identity
from probe.sites.site import Site, note_site
from probe.tape import Tape

EXAMPLES = [
    ("b.root-servers.net", "b4-fra", "B root", "fra", "FRA"),
    ("c.root-servers.net", "iad1b.c.root-servers.org", "C root", "iad1", "IAD"),
    ("d.root-servers.net", "ajci1.droot.maxgigapop.net", "D root", "ajci", ""),
    ("d.root-servers.net", "sgsg2.droot", "D root", "sgsg", ""),
    ("e.root-servers.net", "c01.MCI.eroot", "E root", "mci", "MCI"),
    ("f.root-servers.net", "pek2a.f.root-servers.org", "F root", "pek2", "PEK"),
    ("", "DFW.cf.f.root-servers.org", "F root", "dfw.cf", "DFW"),
    ("h.root-servers.net", "003.apg.h.root-servers.org", "H root", "apg", "APG"),
    ("h.root-servers.net", "001.hkg", "H root", "hkg", "HKG"),
    ("i.root-servers.net", "s1.amx", "I root", "amx", ""),
    ("k.root-servers.net", "ns1.am-abo.k.ripe.net", "K root", "am-abo", ""),
    ("l.root-servers.net", "ab.ci-abj.l.root", "L root", "ci-abj", "ABJ"),
    ("", "pek01.l.root-servers.org", "L root", "pek01", "PEK"),
    ("m.root-servers.net", "M-BKK-1", "M root", "bkk", "BKK"),
    ("m.root-servers.net", "M-NRT-JPNAP-1", "M root", "nrt-jpnap", "NRT"),
    ("", "2.waw2.pch", "PCH", "waw2", "WAW"),
    ("", "res100.fra.rrdns.pch.net", "Quad9", "fra", "FRA"),
    ("", "gpdns-lga", "Google Public DNS", "lga", "LGA"),
    ("", "dns.th2.nic.fr", "AFNIC", "th2", ""),
]


@pytest.mark.parametrize(("server", "text", "operator", "name", "iata"), EXAMPLES)
def test_an_operators_own_naming_is_read(server: str, text: str, operator: str, name: str, iata: str) -> None:
    site = site_of_identity(text.encode(), server)
    assert site is not None
    assert (site.operator, site.name, site.iata, site.known) == (operator, name, iata, True)


def test_every_operator_has_an_example() -> None:
    assert {operator for _, _, operator, *_ in EXAMPLES} == {rule.operator for rule in RULES}


@pytest.mark.parametrize(
    ("server", "text"),
    [
        ("ns1.acme.test", "b4-fra"),  # B's form, at a server that is not B's
        ("ns1.acme.test", "s1.amx"),
        ("", "FRA"),
        ("ns1.acme.test", "fra1.ns-a"),
        ("b.root-servers.net", "b4-fra.example"),
        ("f.root-servers.net", "evil pek2a.f.root-servers.org"),
        ("", "pek2a.f.root-servers.org.evil.test"),
        ("b.root-servers.net.evil.test", "b4-fra"),
    ],
)
def test_without_evidence_the_text_stays_as_it_came(server: str, text: str) -> None:
    assert site_of_identity(text.encode(), server) == Site(name=text)


def test_octets_that_are_no_text_are_hex() -> None:
    assert site_of_identity(b"\x00\xffab") == Site(name="00ff6162")
    assert site_of_identity(b"a\x1b[31mb") == Site(name="611b5b33316d62")
    assert site_of_identity(b"") is None
    assert site_of_identity(None) is None


@given(st.binary(max_size=600), st.sampled_from(["", *{rule.server for rule in RULES}]))
def test_whatever_the_octets_it_never_fails_and_is_bounded(identity: bytes, server: str) -> None:
    site = site_of_identity(identity, server)
    assert site is None or 0 < len(site.name) <= 255


def test_two_hosts_of_one_site_are_one_site() -> None:
    first, second = (site_of_identity(f"pek2{host}.f.root-servers.org") for host in "ab")
    assert first == second


async def test_the_tape_gets_the_site_the_raw_octets_and_what_is_known(autojump_clock: object) -> None:
    tape = Tape()
    note_site(tape, site_of_identity(b"s1.amx", "i.root-servers.net"), b"s1.amx")
    assert tape.site == "amx"
    facts = {"nsid": "73312e616d78", "site_known": True, "site_operator": "I root", "site_confidence": "high"}
    assert tape.findings == facts
    note_site(tape, None)
    assert tape.site == "amx"
    note_site(tape, site_of_identity(b"x1"), b"x1")
    assert (tape.site, tape.findings["site_known"]) == ("x1", False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [('"fra1.ns-a"', "fra1.ns-a"), ('"a b" "c"', "a bc"), (r'"a\"b"', 'a"b'), ("bare", "bare"), ('""', ""), ("", "")],
)
def test_the_strings_of_a_txt_record_are_joined(text: str, wanted: str) -> None:
    assert joined(text) == wanted
