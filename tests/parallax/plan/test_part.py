from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parallax.plan.checks import Unsupported, check_table, convert_check
from parallax.plan.load import load_plan
from parallax.plan.part import (
    NoSuchProbe,
    PartError,
    decode_part,
    encode_part,
    part_checks,
    part_hash,
    part_of,
    plan_hash,
)
from parallax.plan.specs import Answer, Assertion, DnsSpec, HttpSpec, Serving, Spec, TlsSpec
from parallax.plan.types import Check, Part, Plan, Probe
from parallax.values import DnsName, Duration, Size

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
FLEET = load_plan(EXAMPLES / "fleet")
SMALL = load_plan(EXAMPLES / "small.toml")


def part(plan: Plan, probe: str) -> Part:
    found = part_of(plan, probe)
    assert isinstance(found, Part)
    return found


def test_a_part_holds_the_checks_of_its_probe() -> None:
    names = {probe: [check.name for check in part_checks(part(FLEET, probe))] for probe in ("fra1", "iad1")}  # type: ignore[union-attr]
    assert names == {
        "fra1": ["name servers", "front door", "api", "standby", "api @ us-central1", "api @ us-east4"],
        "iad1": ["name servers", "front door", "api", "api @ us-central1", "api @ us-east4"],
    }
    assert part(FLEET, "iad1").probe.families == (4,)


def test_slots_are_places_among_those_that_run_a_check() -> None:
    assert {part(FLEET, probe).slot for probe in ("fra1", "iad1")} == {(0, 2), (1, 2)}
    assert part(FLEET, "fra1").slot_of("api") == part(FLEET, "fra1").slot
    assert part(FLEET, "fra1").slot_of("standby") == (0, 1)


def test_a_plan_without_probes_gives_all_to_whoever_asks() -> None:
    found = part(SMALL, "laptop")
    assert (found.probe, found.slot) == (Probe(id="laptop"), (0, 1))
    assert [*part_checks(found)] == SMALL.check


def test_a_probe_that_the_plan_lacks_is_a_value() -> None:
    found = part_of(FLEET, "fra2")
    assert isinstance(found, NoSuchProbe)
    assert str(found) == 'the plan has no [[probe]] with id = "fra2"; add one, or mend the id in the probe\'s config'


def test_hashes_change_with_the_meaning_only() -> None:
    check = FLEET.check[0]
    changed = msgspec.structs.replace(
        FLEET, check=[msgspec.structs.replace(check, timeout=Duration(4)), *FLEET.check[1:]]
    )
    assert plan_hash(FLEET) == plan_hash(load_plan(EXAMPLES / "fleet")) != plan_hash(changed)
    assert part_hash(part(FLEET, "fra1")) != part_hash(part(changed, "fra1"))
    routed = msgspec.structs.replace(FLEET, route=[])
    assert plan_hash(routed) != plan_hash(FLEET)
    assert part_hash(part(routed, "fra1")) == part_hash(part(FLEET, "fra1"))
    assert part_hash(part(FLEET, "fra1")) != part_hash(part(FLEET, "iad1"))
    assert len(part_hash(part(FLEET, "fra1"))) == 16


def test_a_hash_survives_the_wire() -> None:
    found = part(FLEET, "fra1")
    assert part_hash(decode_part(encode_part(found))) == part_hash(found)
    spaced = msgspec.json.format(encode_part(found), indent=2)
    assert decode_part(spaced).probe == found.probe


def newer(**changes: Any) -> bytes:
    """The fleet's part as a later version might write it."""
    return msgspec.json.encode(msgspec.json.decode(encode_part(part(FLEET, "fra1"))) | changes)


def test_what_a_newer_collector_adds_costs_only_itself() -> None:
    plain = msgspec.json.decode(encode_part(part(FLEET, "fra1")))
    found = decode_part(
        newer(
            zebra=1,
            probe=plain["probe"] | {"zebra": 1},
            control=plain["control"] | {"zebra": 1},
            resolver=[plain["resolver"][0] | {"transport": "pigeon"}],
            check=[
                plain["check"][0] | {"kind": "dns.tunnel"},
                plain["check"][1] | {"zebra": 1},
                7,
                plain["check"][2],
            ],
        )
    )
    assert found.probe.id == "fra1"
    assert found.resolver == []
    zone, zebra, seven, api = part_checks(found)
    assert isinstance(zone, Unsupported)
    assert (zone.name, zone.kind, zone.period) == ("name servers", "dns.tunnel", Duration(30))
    assert zone.targets == FLEET.check[0].targets
    assert zone.message.startswith('kind: "dns.tunnel" is no kind of check; ')
    assert isinstance(zebra, Unsupported)
    assert zebra.message.startswith("zebra: unknown key; ")
    assert isinstance(seven, Unsupported)
    assert seven.message == "wants a table, not 7"
    assert api == FLEET.check[2]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, newer(schema=2), newer(slot=["a"]), newer(probe=3),
     newer(probe={"id": 3}), newer(connect_to=[{"from": "x", "to": "y"}]), newer(control={"addresses": ["x"]}),
     newer(check=[]).replace(b'"check":[]', b'"check":[' + b"[" * 100_000 + b"]" * 100_000 + b"]")],
)  # fmt: skip
def test_what_is_no_part_raises_the_codecs_own_error(body: bytes) -> None:
    with pytest.raises(PartError) as caught:
        decode_part(body)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_the_codecs_own_error(body: bytes) -> None:
    with pytest.raises(PartError):
        decode_part(body)


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}\.example", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ASSERTIONS = st.one_of(
    st.builds(Assertion, status=st.lists(st.integers(100, 599), min_size=1, max_size=3)),
    st.builds(
        Assertion, header=st.just("x-a"), equals=st.none() | TEXTS, otherwise=st.sampled_from(["fail", "degraded"])
    ),
    st.builds(Assertion, body=st.just("text"), contains=TEXTS),
    st.builds(Assertion, duration=st.integers(1, 400).map(lambda ms: Duration(ms / 1000))),
)
ANSWERS = st.builds(Answer, values=st.lists(TEXTS, max_size=3)) | st.just(Answer(rcode="NXDOMAIN"))
SPECS: dict[str, st.SearchStrategy[Spec]] = {
    "dns": st.builds(
        DnsSpec,
        query=NAMES.map(DnsName.parse),
        type=st.sampled_from(["A", "TXT"]),
        role=st.sampled_from(["authoritative", "resolver"]),
        transport=st.sampled_from(["udp", "tcp"]),
        expect=st.none() | ANSWERS,
    ),
    "tls": st.builds(
        TlsSpec, server_name=st.none() | NAMES.map(DnsName.parse), min_version=st.sampled_from(["1.2", "1.3"])
    ),
    "http": st.builds(
        HttpSpec,
        method=st.sampled_from(["POST", "PUT"]),
        headers=st.dictionaries(st.sampled_from(["accept", "x-a"]), st.sampled_from(["", "a", "a b"])),
        body=TEXTS,
        assertions=st.lists(ASSERTIONS, max_size=3).filter(lambda found: sum(a.status is not None for a in found) < 2),
        serving=st.none() | st.just(Serving(header="x-region")),
        max_body=st.integers(1, 16_000_000).map(Size),
    ),
}
TARGETS = {"dns": "192.0.2.{}", "tls": "a{}.example:8443", "http": "https://a.example/{}"}


@st.composite
def checks(draw: st.DrawFn) -> Check:
    kind = draw(st.sampled_from(sorted(SPECS)))
    return Check(
        name=draw(st.text("abc", min_size=1, max_size=5)),
        kind=kind,
        targets=[TARGETS[kind].format(i) for i in range(draw(st.integers(1, 3)))],
        period=Duration(draw(st.integers(15, 86400))),
        timeout=Duration(draw(st.integers(500, 14999)) / 1000),
        external=draw(st.booleans()),
        probes=draw(st.sampled_from([[], ["p1"], ["p1", "p2"]])),
        spec=draw(SPECS[kind]),
    )


@given(checks())
@settings(deadline=None)
def test_a_check_converts_back_from_its_table(check: Check) -> None:
    assert convert_check(check_table(check)) == check
    assert convert_check(msgspec.json.decode(msgspec.json.encode(check_table(check)))) == check


@given(
    st.lists(checks(), max_size=3, unique_by=lambda check: check.name),
    st.sampled_from([[], [Probe(id="p1")], [Probe(id="p2", families=(6,)), Probe(id="p1")]]),
)
@settings(deadline=None, max_examples=30)
def test_a_part_survives_the_wire(found: list[Check], probes: list[Probe]) -> None:
    plan = Plan(check=found, probe=probes)
    served = part(plan, "p1")
    read = decode_part(encode_part(served))
    assert read == served
    assert [*part_checks(read)] == [check for check in found if not check.probes or "p1" in check.probes]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["name", "kind", "targets", "period", "query", "assert", "headers", "spec"])
                | st.text(max_size=3),
                inner,
            )
        ),
    )
)
@settings(deadline=None)
def test_any_json_at_all_is_a_check_or_unsupported(table: object) -> None:
    assert isinstance(convert_check(table), Check | Unsupported)
    assert isinstance(
        convert_check(table | {"kind": "http"} if isinstance(table, dict) else table), Check | Unsupported
    )
