"""Signatures, keys and proofs of absence on zones that dnspython signs, NSEC3 by records of RFC 5155's own example."""

import time
from datetime import UTC, datetime, timedelta

import dns.name
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.dns.denial import check_denial, wildcard_proven
from probe.dns.dnssec import check_rrset, ds_matches, ds_states, key_facts, vouched
from probe.dns.message import Record
from tests.parts.zones import EXPIRED, VALID, Validity, ZoneKey, signed

ZONE = "acme.test"
KEY, OTHER = ZoneKey(), ZoneKey()
NOW = time.time_ns()


def records(*keys: ZoneKey, lines: str = "www A 192.0.2.1\na.b TXT x\n", validity: Validity = VALID) -> list[Record]:
    text = signed(ZONE, lines, *keys, validity=validity)
    zone = dns.zone.from_text(text, dns.name.from_text(ZONE), relativize=False)
    return [
        Record(name.to_text(omit_final_dot=True), dns.rdatatype.to_text(data.rdtype), ttl, data.to_text())
        for name, ttl, data in zone.iterate_rdatas()
    ]


SIGNED = records(KEY)
KEYS = [record.text for record in SIGNED if record.type == "DNSKEY"]
DS = KEY.ds(ZONE)
PROVEN = {(record.owner, record.type) for record in SIGNED}


def state(section: list[Record], keys: list[str] = KEYS, now: int = NOW, owner: str = ZONE, rdtype: str = "SOA") -> str:
    return check_rrset(section, owner, rdtype, ZONE, keys, now).state


def test_a_key_that_the_parent_vouches_for() -> None:
    assert ds_matches([DS], KEYS, ZONE)
    assert vouched([DS], KEYS, ZONE) == KEYS
    assert key_facts(KEYS)[0] == {"tag": int(DS.split()[0]), "algorithm": 13, "flags": 257}
    assert [each.matches for each in ds_states([DS, OTHER.ds(ZONE)], KEYS, ZONE)] == [True, False]


@pytest.mark.parametrize(
    "ds",
    [
        [],
        [OTHER.ds(ZONE)],
        [KEY.ds("other.test")],
        [DS.replace(" 13 2 ", " 8 2 ")],
        [DS[:-2] + ("00" if DS[-2:] != "00" else "11")],
        ["no DS"],
        ["1 2"],
    ],
)
def test_keys_that_the_parent_does_not_vouch_for(ds: list[str]) -> None:
    assert not ds_matches(ds, KEYS, ZONE)
    assert not ds_matches(ds, [], ZONE)


def test_every_set_of_a_signed_zone_holds() -> None:
    for owner, rdtype in PROVEN:
        if rdtype != "RRSIG":
            assert state(SIGNED, owner=owner, rdtype=rdtype) == "ok", (owner, rdtype)


def test_states_of_signatures() -> None:
    assert state(records(KEY, validity=EXPIRED)) == "expired"
    assert state(SIGNED, now=NOW + 31 * 86400 * 10**9) == "expired"
    assert state(SIGNED, now=NOW - 2 * 3600 * 10**9) == "not_yet_valid"
    assert state(SIGNED, records(OTHER)[:0] or [r.text for r in records(OTHER) if r.type == "DNSKEY"]) == "unknown_key"
    assert state(SIGNED, []) == "unknown_key"
    assert state([record for record in SIGNED if record.type != "RRSIG"]) == "unsigned"
    changed = [
        Record(r.owner, r.type, r.ttl, r.text.replace(" 60", " 61") if r.type == "SOA" else r.text) for r in SIGNED
    ]
    assert state(changed) == "sig_invalid"
    nonsense = [Record(r.owner, r.type, r.ttl, "nonsense" if r.type == "SOA" else r.text) for r in SIGNED]
    assert state(nonsense) == "unreadable"


def after_now(span: timedelta) -> timedelta:
    """A span from NOW as one from this moment, which is what zones are signed by: tests may run minutes after NOW."""
    return datetime.fromtimestamp(NOW / 1e9, UTC) + span - datetime.now(UTC)


def test_a_clock_that_is_a_little_slow() -> None:
    soon = records(KEY, validity=Validity(since=after_now(timedelta(minutes=2))))
    found = check_rrset(soon, ZONE, "SOA", ZONE, KEYS, NOW)
    assert (found.state, found.skewed) == ("ok", True)


def test_one_good_signature_is_enough() -> None:
    both = records(KEY, OTHER)
    assert state(both) == "ok"  # the other key is unknown to whoever has KEYS only


def test_a_ttl_that_outlives_its_signature() -> None:
    near = records(KEY, validity=Validity(until=after_now(timedelta(seconds=200))))
    assert check_rrset(near, ZONE, "SOA", ZONE, KEYS, NOW).beyond
    assert not check_rrset(SIGNED, ZONE, "SOA", ZONE, KEYS, NOW).beyond


def test_a_message_full_of_keys_and_signatures_costs_little() -> None:
    """Keys of one tag and signatures by it, all wrong: whoever tries them all works for minutes."""
    good = next(r for r in SIGNED if r.type == "RRSIG" and r.owner == ZONE and r.text.startswith("SOA "))
    fields = good.text.split()
    bad = [" ".join([*fields[:8], "AAAA" * n + "".join(fields[8:])]) for n in range(1, 200)]
    section = [r for r in SIGNED if r.type == "SOA"] + [Record(ZONE, "RRSIG", 300, text) for text in bad]
    started = time.perf_counter()
    assert state(section, KEYS * 200) == "sig_invalid"
    assert time.perf_counter() - started < 5


# ---- proofs of absence


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "expected"),
    [
        ("zz.acme.test", "A", "NXDOMAIN", "proven"),
        ("aa.acme.test", "A", "NXDOMAIN", "proven"),
        ("www.acme.test", "AAAA", "NOERROR", "proven"),
        ("b.acme.test", "A", "NOERROR", "proven"),  # an empty non-terminal
        ("www.acme.test", "A", "NOERROR", "unproven"),
        ("www.acme.test", "A", "NXDOMAIN", "unproven"),
        ("b.acme.test", "A", "NXDOMAIN", "unproven"),
    ],
)
def test_nsec(name: str, rdtype: str, rcode: str, expected: str) -> None:
    section = [record for record in SIGNED if record.type == "NSEC"]
    if rcode == "NXDOMAIN" and expected == "unproven":
        section = [record for record in section if record.owner != "acme.test"]
    assert check_denial(section, name, rdtype, rcode, ZONE, PROVEN) == expected


def test_a_proof_counts_only_with_its_signature() -> None:
    section = [record for record in SIGNED if record.type == "NSEC"]
    assert check_denial(section, "zz.acme.test", "A", "NXDOMAIN", ZONE, ()) == "unproven"
    assert check_denial([], "zz.acme.test", "A", "NXDOMAIN", ZONE, ()) == "unsigned"


def test_a_proof_without_the_wildcards_absence_is_none() -> None:
    only = [record for record in SIGNED if record.type == "NSEC" and record.owner == "www.acme.test"]
    assert check_denial(only, "zz.acme.test", "A", "NXDOMAIN", ZONE, PROVEN) == "unproven"


def test_compact_denial() -> None:
    """RFC 9824: the name is owner of an NSEC of its own, with the type NXNAME."""
    section = [Record("zz.acme.test", "NSEC", 60, "\\000.zz.acme.test. RRSIG NSEC NXNAME")]
    assert check_denial(section, "zz.acme.test", "A", "NXDOMAIN", ZONE, {("zz.acme.test", "NSEC")}) == "proven"
    assert check_denial(section, "zz.acme.test", "A", "NOERROR", ZONE, {("zz.acme.test", "NSEC")}) == "proven"


EXAMPLE = [  # RFC 5155 appendix A and B.1
    Record(
        "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example",
        "NSEC3",
        60,
        "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX",
    ),
    Record(
        "b4um86eghhds6nea196smvmlo4ors995.example",
        "NSEC3",
        60,
        "1 1 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG",
    ),
    Record(
        "35mthgpgcu1qg68fab165klnsnk3dpvl.example",
        "NSEC3",
        60,
        "1 1 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG",
    ),
]


def test_nsec3_by_the_standards_example() -> None:
    proven = {(record.owner, "NSEC3") for record in EXAMPLE}
    assert check_denial(EXAMPLE, "a.c.x.w.example", "A", "NXDOMAIN", "example", proven) == "proven"
    for left_out in range(3):
        section = [record for place, record in enumerate(EXAMPLE) if place != left_out]
        assert check_denial(section, "a.c.x.w.example", "A", "NXDOMAIN", "example", proven) == "unproven"
    heavy = [Record(r.owner, r.type, 60, r.text.replace(" 12 ", " 65535 ")) for r in EXAMPLE]
    assert check_denial(heavy, "a.c.x.w.example", "A", "NXDOMAIN", "example", proven) == "unsupported"


def test_a_wildcards_answer() -> None:
    zone = records(KEY, lines="* A 192.0.2.9\nwww A 192.0.2.1\n")
    section = [record for record in zone if record.type == "NSEC"]
    proven = {(record.owner, record.type) for record in section}
    assert wildcard_proven(section, "zz.acme.test", 2, ZONE, proven) == "proven"
    assert wildcard_proven(section, "www.acme.test", 2, ZONE, proven) == "unproven"
    assert wildcard_proven([], "zz.acme.test", 2, ZONE, proven) == "unsigned"


@given(
    st.lists(st.tuples(st.sampled_from(["NSEC", "NSEC3", "RRSIG", "DNSKEY", "SOA"]), st.text(max_size=60)), max_size=6)
)
def test_any_text_comes_to_some_state(texts: list[tuple[str, str]]) -> None:
    section = [Record(ZONE, rdtype, 60, text) for rdtype, text in texts]
    proven = {(ZONE, "NSEC"), (ZONE, "NSEC3")}
    found = [text for _, text in texts]
    assert not ds_matches(found, found, ZONE)
    assert check_rrset(section, ZONE, "SOA", ZONE, found, NOW).state != "ok"
    assert check_denial(section, "x.acme.test", "A", "NXDOMAIN", ZONE, set()) in ("unsigned", "unproven", "unsupported")
    check_denial(section, "x.acme.test", "A", "NXDOMAIN", ZONE, proven)
    wildcard_proven(section, "x.acme.test", 2, ZONE, proven)
