"""What facts say of a host: a table for each rule. Nothing is asked."""

from typing import Any

import msgspec
import pytest

from parallax.values import Family
from probe.clocks import ClockSync
from probe.doctor.facts import AtCollector, Dialled, Exchanged, Facts, OfFamily
from probe.doctor.judge import Line, exit_status, judge

COLLECTOR = AtCollector(
    url="https://c.example", dialled="198.51.100.9:443", probe="fra1", peer="9.9.9.9", offset_s=0.01
)
ROOT = Exchanged(server="198.51.100.53:53", outcome="ok", edns=True, nsid=True, size=1100)
NOBODY = (
    Exchanged(server="192.0.2.1:53", outcome="timeout"),
    Exchanged(server="192.0.2.1:53", outcome="timeout", transport="tcp"),
)
WELL = Facts(
    id="fra1",
    families={
        4: OfFamily(local="9.9.9.9", controls=2, answered=2, nowhere=NOBODY, roots=(ROOT,)),
        6: OfFamily(local="2620:fe::9", controls=1, answered=1),
    },
    planned=True,
    resolvers=("198.51.100.53:53",),
    asked=(ROOT,),
    nat64=(),
    ports=(
        Dialled(address="198.51.100.9", port=443, answered=True),
        Dialled(address="198.51.100.9", port=853, answered=True),
    ),
    clock=ClockSync(True, 3.0),
    collectors=(COLLECTOR,),
    targets={"a.example": ("1.1.1.1",)},
    asn=64500,
    watched=("example",),
    receivers={"pager": "pager.test"},
)


def with_family(family: Family, **more: Any) -> dict[Family, OfFamily]:
    known: dict[str, Any] = {"local": "9.9.9.9", "controls": 2, "answered": 2, "nowhere": NOBODY, "roots": (ROOT,)}
    return {**WELL.families, family: OfFamily(**{**known, **more})}


def changed(**more: Any) -> dict[str, Line]:
    known = {name: getattr(WELL, name) for name in WELL.__struct_fields__}
    return {line.what: line for line in judge(Facts(**{**known, **more}))}


def test_a_host_that_is_well_is_well_in_every_line() -> None:
    lines = judge(WELL)
    assert [line for line in lines if line.state != "ok"] == []
    assert exit_status(lines) == 0


def test_of_a_host_of_which_nothing_is_known_nothing_is_claimed() -> None:
    lines = judge(Facts())
    assert {line.what for line in lines if line.state == "ok"} == set()


CASES: list[tuple[str, str, str, int, dict[str, Any]]] = [
    ("IPv4", "ok", "the plan does not expect it", 0, {"wanted": (6,)}),
    ("IPv6", "missing", "no route", 0, {"families": with_family(6, local="")}),
    ("IPv4", "wrong", "none of 2 controls answers", 1, {"families": with_family(4, answered=0)}),
    ("IPv4", "ok", "a collector sees 9.9.9.9, so behind NAT", 0, {"families": with_family(4, local="10.0.0.7")}),
    (
        "IPv4",
        "ok",
        "no public address, so behind NAT",
        0,
        {
            "families": with_family(4, local="10.0.0.7"),
            "collectors": (AtCollector(url="https://c.example", dialled="x", probe="fra1", peer="2620:fe::9"),),
        },
    ),
    ("NAT64", "unknown", "no resolver said", 0, {"nat64": None}),
    (
        "port 53",
        "missing",
        "an address at which nobody is answers (tcp over IPv4)",
        0,
        {"families": with_family(4, nowhere=(Exchanged(server="192.0.2.1:53", outcome="ok", transport="tcp"),))},
    ),
    (
        "port 53",
        "ok",
        "nobody answers",
        0,
        {"families": with_family(4, nowhere=(Exchanged(server="192.0.2.1:53", outcome="refused"),))},
    ),
    (
        "port 853 out",
        "unknown",
        "0 of 1 answer",
        0,
        {"ports": (Dialled(address="198.51.100.9", port=853, answered=False, elsewhere=True),)},
    ),
    (
        "port 853 out",
        "missing",
        "2 resolvers are silent there and answer elsewhere",
        0,
        {"ports": tuple(Dialled(address=f"198.51.100.{n}", port=853, answered=False, elsewhere=True) for n in (1, 2))},
    ),
    (
        "port 853 out",
        "unknown",
        "0 of 2 answer",
        0,
        {"ports": tuple(Dialled(address=f"198.51.100.{n}", port=853, answered=False, elsewhere=False) for n in (1, 2))},
    ),
    (
        "EDNS at resolvers",
        "missing",
        "none with EDNS",
        0,
        {"asked": (Exchanged(server="198.51.100.53:53", outcome="ok", size=400),)},
    ),
    (
        "EDNS at resolvers",
        "unknown",
        "no answer beyond 512",
        0,
        {"asked": (Exchanged(server="198.51.100.53:53", outcome="ok", edns=True, size=1400, transport="tcp"),)},
    ),
    (
        "NSID",
        "missing",
        "none of 1 root servers",
        0,
        {"families": with_family(4, roots=(Exchanged(server="198.51.100.53:53", outcome="ok", edns=True),))},
    ),
    ("resolvers", "wrong", "/etc/resolv.conf has none", 1, {"resolvers": (), "asked": ()}),
    (
        "resolvers",
        "missing",
        "198.51.100.54:53 did not answer",
        0,
        {"resolvers": ("198.51.100.53:53", "198.51.100.54:53")},
    ),
    ("resolvers", "wrong", "did not answer for the root", 1, {"asked": ()}),
    ("clock", "wrong", "nothing keeps it right; 0.010 s behind the collector", 1, {"clock": ClockSync(False)}),
    ("clock", "unknown", "the kernel does not say", 1, {"clock": ClockSync(), "collectors": ()}),
    (
        "clock",
        "wrong",
        "wrong; 5.000 s ahead of the collector",
        1,
        {"collectors": (AtCollector(url="u", dialled="x", probe="fra1", offset_s=-5.0),)},
    ),
    (
        "collector",
        "wrong",
        "the token is that of 'lon1'",
        1,
        {"collectors": (AtCollector(url="u", dialled="x", probe="lon1"),)},
    ),
    (
        "collector",
        "wrong",
        "u at x: no answer",
        1,
        {"collectors": (AtCollector(url="u", dialled="x", word="None", detail="no answer"),)},
    ),
    (
        "client certificate",
        "ok",
        "https://c.example: holds for 31 days",
        0,
        {"collectors": (msgspec.structs.replace(COLLECTOR, certificate_s=31 * 86_400.0),)},
    ),
    (
        "client certificate",
        "missing",
        "https://c.example: expires in 30 days",
        0,
        {"collectors": (msgspec.structs.replace(COLLECTOR, certificate_s=30 * 86_400.0),)},
    ),
    (
        "client certificate",
        "wrong",
        "expired 2 days ago: https://c.example lets this probe in no more",
        1,
        {"collectors": (msgspec.structs.replace(COLLECTOR, certificate_s=-2 * 86_400.0),)},
    ),
    ("network", "missing", "that of a.example too (AS64500)", 0, {"targets": {"a.example": ("9.9.1.1",)}}),
    ("network", "ok", "no target is near", 0, {"targets": {"a.example": ("9.10.1.1", "2001:db8::1")}}),
    ("own DNS", "wrong", "names that are watched: pager (p.example)", 1, {"receivers": {"pager": "p.example"}}),
    ("own DNS", "ok", "need names that are watched", 0, {"receivers": {"pager": "notexample"}}),
    ("own DNS", "ok", "receivers are the collector's", 0, {"receivers": None}),
]


@pytest.mark.parametrize(("what", "state", "why", "status", "more"), CASES)
def test_each_rule(what: str, state: str, why: str, status: int, more: dict[str, Any]) -> None:
    lines = changed(**more)
    assert (lines[what].state, why in lines[what].why) == (state, True), lines[what]
    assert exit_status(list(lines.values())) == (status if what != "clock" or state == "wrong" else 3)
    assert bool(lines[what].todo) >= (state in ("missing", "wrong")), "what to do is said"
