"""What differs between two answers, how bad it is, and what is said of it."""

from collections.abc import Sequence

import pytest

from parallax.plan.dns_specs import ParitySpec
from parallax.plan.inventory import APEX, Item, Severity, inventory
from parallax.values import DnsName
from probe.checks.parity_compare import (
    CLASSES,
    UNKNOWN,
    WILDCARD,
    Class,
    Row,
    Seen,
    caa_forbids,
    compare,
    ns_row,
    seen,
    worst_first,
)
from probe.checks.parity_words import because, groups, reason_of
from probe.dns.message import Record, Reply

ZONE = "vendor.example"
NODATA, NXDOMAIN = Seen(kind="nodata"), Seen(kind="nxdomain")
REFUSED, SERVFAIL = Seen(kind="fails", word="refused"), Seen(kind="fails", word="servfail")


def data(rdtype: str, *values: str, ttl: int = 300) -> Seen:
    return Seen(kind="data", type=rdtype, values=frozenset(values), ttl=ttl)


WWW = Item(label="www", type="A", purpose="sign-in", severity="critical")
SPF = Item(label=APEX, type="TXT", purpose="mail", severity="critical")
CAA = Item(label=APEX, type="CAA", purpose="policy", severity="high")
ANY_LABEL = Item(label=WILDCARD, type="A", severity="low")
A, B = data("A", "192.0.2.80"), data("A", "192.0.2.81")


@pytest.mark.parametrize(
    ("item", "primary", "fallback", "cls", "severity"),
    [
        (WWW, A, A, None, None),
        (WWW, A, NXDOMAIN, "missing", "critical"),
        (WWW, A, NODATA, "missing", "critical"),
        (WWW, A, B, "different", "critical"),
        (WWW, A, data("CNAME", "x.example"), "different", "critical"),
        (WWW, A, REFUSED, "fails", "critical"),
        (WWW, A, SERVFAIL, "fails", "critical"),
        (WWW, NODATA, SERVFAIL, None, None),
        (WWW, A, data("A", "192.0.2.80", ttl=60), "ttl_drift", "low"),
        (WWW, NXDOMAIN, A, "extra", "low"),
        (WWW, NODATA, NXDOMAIN, "nxdomain_vs_nodata", "low"),
        (WWW, NXDOMAIN, NXDOMAIN, None, None),
        # nothing is claimed where a side is silent, or the primary itself fails
        (WWW, UNKNOWN, A, None, None),
        (WWW, A, UNKNOWN, None, None),
        (WWW, SERVFAIL, NXDOMAIN, None, None),
        # exempt
        (Item(label=APEX, type="NS"), data("NS", "a.example"), data("NS", "b.example"), None, None),
        (Item(label=APEX, type="DNSKEY"), data("DNSKEY", "1"), NODATA, None, None),
        # TXT at the zone: what begins v= is a policy, the rest shows whose the zone is
        (SPF, data("TXT", "v=spf1 -all", "token=1"), data("TXT", "v=spf1 -all", "token=2"), "different", "low"),
        (SPF, data("TXT", "v=spf1 -all"), data("TXT", "v=spf1 ~all"), "different", "critical"),
        (SPF, data("TXT", "v=spf1 -all"), data("TXT", "token=1"), "different", "critical"),
        # CAA: only who may not issue any more is a failure
        (CAA, NODATA, data("CAA", '0 issue "ca.example"'), "caa_stricter", "high"),
        (CAA, data("CAA", '0 issue "ca.example"'), NODATA, "missing", "high"),
        (CAA, data("CAA", '0 issue "ca.example"'), data("CAA", '0 issue "other.example"'), "caa_stricter", "high"),
        (
            CAA,
            data("CAA", '0 issue "ca.example"'),
            data("CAA", '0 issue "ca.example"', '0 issue "other.example"'),
            "different",
            "low",
        ),
        (ANY_LABEL, NXDOMAIN, A, "wildcard", "low"),
        (ANY_LABEL, A, B, "wildcard", "low"),
        (ANY_LABEL, A, A, None, None),
        (ANY_LABEL, NXDOMAIN, NXDOMAIN, None, None),
    ],
)
def test_two_answers(item: Item, primary: Seen, fallback: Seen, cls: Class | None, severity: Severity | None) -> None:
    row = compare(item, primary, fallback)
    assert (row.cls if row else None, row.severity if row else None) == (cls, severity)


def test_values_that_differ_by_design_must_still_be_there() -> None:
    assert compare(WWW, A, B, differing=True) is None
    assert compare(WWW, A, data("A", "192.0.2.80", ttl=1), differing=True) is None
    row = compare(WWW, A, NXDOMAIN, differing=True)
    assert row is not None
    assert row.cls == "missing"


@pytest.mark.parametrize(
    ("primary", "fallback", "forbidden"),
    [
        ([], [], set()),
        ([], ['0 issue ";"'], {"any other"}),
        (['0 issue "a"', '0 issue "b"'], ['0 issue "a"'], {"b"}),
        (['0 issue "a"'], ['0 issue "A; x=y"'], set()),
        (['0 issue "a"'], ['0 issue "a"', '0 issuewild ";"'], {"a"}),
        (['0 issue "a"'], [], set()),
        (['0 issue "a"'], ['0 iodef "mailto:x"'], set()),
        (["garbage"], ["0"], set()),
    ],
)
def test_what_caa_records_forbid(primary: Sequence[str], fallback: Sequence[str], forbidden: set[str]) -> None:
    assert caa_forbids(frozenset(primary), frozenset(fallback)) == forbidden


def reply(*answers: Record, rcode: str = "NOERROR", aa: bool = True, authority: tuple[Record, ...] = ()) -> Reply:
    flags = ("AA",) if aa else ()
    return Reply(rcode=rcode, flags=flags, answers=answers, edns=True, size=100, authority=authority)


def record(owner: str, rdtype: str, text: str, ttl: int = 300) -> Record:
    return Record(owner, rdtype, ttl, text)


@pytest.mark.parametrize(
    ("said", "rdtype", "expected"),
    [
        (reply(record("www.vendor.example", "A", "192.0.2.80")), "A", A),
        (reply(record("www.vendor.example", "CNAME", "Edge.CDN.example.")), "A", data("CNAME", "edge.cdn.example")),
        (
            reply(record("www.vendor.example", "CNAME", "x.vendor.example."), rcode="NXDOMAIN"),
            "A",
            data("CNAME", "x.vendor.example"),
        ),
        (reply(record("www.vendor.example", "TXT", '"one " "two"')), "TXT", data("TXT", "one two")),
        (reply(record("www.vendor.example", "MX", "10 Mail.Example.")), "MX", data("MX", "10 mail.example.")),
        (reply(record("other.example", "A", "192.0.2.80")), "A", NODATA),
        (reply(rcode="NXDOMAIN"), "A", NXDOMAIN),
        (reply(), "A", NODATA),
        (reply(rcode="REFUSED", aa=False), "A", REFUSED),
        (reply(rcode="SERVFAIL", aa=False), "A", SERVFAIL),
        (reply(rcode="NXDOMAIN", aa=False), "A", Seen(kind="fails", word="lame")),
        (reply(record("www.vendor.example", "A", "192.0.2.80"), aa=False), "A", Seen(kind="fails", word="lame")),
        (
            reply(aa=False, authority=(record("www.vendor.example", "NS", "NS1.other.example."),)),
            "A",
            data("NS", "ns1.other.example"),
        ),
        (
            reply(aa=False, authority=(record("vendor.example", "NS", "ns1.other.example."),)),
            "A",
            Seen(kind="fails", word="lame"),
        ),
        (
            reply(aa=False, authority=(record("example", "NS", "ns1.other.example."),)),
            "A",
            Seen(kind="fails", word="lame"),
        ),
    ],
)
def test_what_a_reply_says(said: Reply, rdtype: str, expected: Seen) -> None:
    assert seen(said, "www.vendor.example", rdtype, ZONE) == expected


def row(
    name: str = "www", rdtype: str = "A", cls: Class = "missing", severity: Severity = "critical", **keys: str
) -> Row:
    purpose = keys.get("purpose", "sign-in")
    return Row(name=name, type=rdtype, cls=cls, severity=severity, purpose=purpose, primary=("1",), fallback=("2",))  # type: ignore[arg-type]


def test_the_worst_comes_first_and_what_follows_from_another_is_left_out() -> None:
    drift = row("www", cls="ttl_drift", severity="low")
    missing, alias = row("www"), row("sel._domainkey", "CNAME", purpose="mail")
    low = row("www", "AAAA", "nxdomain_vs_nodata", "low")
    other = row("api", "AAAA", "nxdomain_vs_nodata", "low")
    high = row("api", cls="different", severity="high")
    assert worst_first([drift, low, other, high, alias, alias, missing]) == [alias, missing, high, other, drift]


def test_every_class_has_a_reason_and_words() -> None:
    for cls in CLASSES:
        assert reason_of(cls, "high").startswith("parity_")
        assert because([row(cls=cls)])
    assert reason_of("different", "low") == "parity_minor"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], None),
        ([row("dkim1._domainkey", "TXT", purpose="mail")], "lacks the mail record dkim1._domainkey TXT"),
        (
            [row("dkim1._domainkey", "TXT", purpose="mail"), row(APEX, "MX", purpose="mail")]
            + [row(f"n{n}", purpose="mail") for n in range(3)],
            "lacks the mail records dkim1._domainkey TXT, MX (and 3 more)",
        ),
        (
            [row("www"), row(APEX, "MX", purpose="mail"), row("x", severity="high", purpose="policy")],
            "lacks the sign-in record www A; lacks the mail record MX",
        ),
        (
            [row("www", cls="ttl_drift", severity="low")] * 3,
            "has other TTLs for the sign-in records www A, www A (and 1 more)",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_in_one_sentence(rows: list[Row], sentence: str | None) -> None:
    assert because(rows) == sentence
    assert because([each.as_finding() for each in rows], groups(rows)) == sentence


def test_the_count_is_of_all_rows_also_where_some_are_cut_off() -> None:
    rows = [row(f"n{n}", purpose="mail") for n in range(9)]
    assert because(rows[:3], groups(rows)) == "lacks the mail records n0 A, n1 A (and 7 more)"


def test_the_fallbacks_name_servers_must_be_among_the_zones_own() -> None:
    mine = lambda name: name.endswith(".dns-b.example")  # noqa: E731
    assert ns_row(data("NS", "ns1.dns-a.example", "ns1.dns-b.example"), mine) is None
    assert ns_row(NODATA, mine) is None
    found = ns_row(data("NS", "ns1.dns-a.example"), mine)
    assert found is not None
    assert (found.cls, found.severity) == ("ns_without_fallback", "high")


def test_values_that_are_sent_are_bounded() -> None:
    long = compare(WWW, data("A", *(f"{n}" * 1000 for n in range(50))), NXDOMAIN)
    assert long is not None
    assert (len(long.primary), max(map(len, long.primary))) == (8, 120)


def spec(**keys: object) -> ParitySpec:
    return ParitySpec(zone=DnsName(ZONE), primary="a", fallback="b", **keys)  # type: ignore[arg-type]


def test_the_inventory_has_what_every_zone_with_mail_and_certificates_has() -> None:
    found = {(item.label, item.type) for item in inventory(spec(selectors=["Sel1"]))}
    assert found >= {(APEX, rdtype) for rdtype in ("NS", "A", "AAAA", "MX", "TXT", "CAA", "DNSKEY", "CDS", "HTTPS")}
    assert found >= {("_dmarc", "TXT"), ("sel1._domainkey", "TXT"), ("_mta-sts", "TXT"), ("_smtp._tls", "TXT")}
    assert ("_acme-challenge", "CNAME") in found


def test_the_inventory_has_each_question_once_the_worst_to_lack_first() -> None:
    items = inventory(
        spec(purposes={"sign-in": [APEX, "www"], "mail": ["www", "bounce"]}, names=["www", "status"]),
        met=["met.vendor.example", "vendor.example", "www.vendor.example", "_x.vendor.example", "elsewhere.example"],
    )
    assert len({(item.label, item.type) for item in items}) == len(items)
    by = {(item.label, item.type): item for item in items}
    assert by[APEX, "A"].severity == by["www", "A"].severity == "critical"
    assert by["bounce", "MX"].severity == by[APEX, "TXT"].severity == "critical", "mail is named: it matters"
    assert by["status", "A"].severity == by["met", "A"].severity == "high"
    assert (by["met", "A"].listed, by["status", "A"].listed) == (False, True)
    assert by["_x", "TXT"].listed is False
    severities = [item.severity for item in items]
    assert severities == sorted(severities, key=["critical", "high", "low"].index)
    assert {item.severity for item in inventory(spec()) if item.purpose == "mail"} == {"high"}


def test_a_name_is_put_together_with_its_zone() -> None:
    assert Item(label=APEX, type="A").name(ZONE) == ZONE
    assert Item(label="a.b", type="A").name(ZONE) == "a.b.vendor.example"
    assert Item(label="com", type="A").name(".") == "com"
