"""What probes write down is read as it comes: the golden observations, and whatever else a probe may say."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.detect import board_of, decode_state, encode_state
from collector.detect.dns.pictures import answered, delegated, led
from collector.events import Noticed, encode_event
from parallax.observation import Observation
from tests.collector.detect.test_moves import NAME, ZONE, World

VECTORS = Path(__file__).parents[2] / "vectors"


def golden(kind: str) -> list[Observation]:
    files = sorted(VECTORS.glob(f"observation-{kind}-*.msgpack"))
    return [msgspec.msgpack.decode(file.read_bytes(), type=Observation) for file in files]


def test_golden_delegations_are_read() -> None:
    found = [seen for each in golden("dns.zone") if each.subject == "delegation" and (seen := delegated(each))]
    if not found:
        pytest.skip("no golden delegation yet")
    for seen in found:
        assert seen.parents
        assert all(parent.names for parent in seen.parents.values())
        assert seen.ttl_s > 0


def test_golden_chains_are_read() -> None:
    whole = [seen for each in golden("dns.chain") if each.findings.get("ended") == "end" and (seen := led(each))]
    assert whole
    for seen in whole:
        assert seen.whole
        assert all(ttl > 0 for ttl in seen.ttls.values())


def test_golden_answers_are_read() -> None:
    assert answered(golden("dns.resolve")[0]) == ("fe.acme.test",)


plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ns", "ds", "ttl", "failure", "rcode", "marker", "mname", "target", "x"]), each
        )
    ),
    max_leaves=12,
)
KEYS = ["parents", "ns", "ds", "ttl", "child_ns", "resolvers", "former", "hops", "signature", "ended", "answers"]
findings = st.dictionaries(st.sampled_from([*KEYS, "rtt_ns", "site_operator"]), plain)
dims = st.dictionaries(
    st.sampled_from(["server", "operator", "address", "resolver", "transport", "zone"]),
    st.sampled_from(["192.0.2.1", "2001:db8::1", "::::", "1.2.3.4.5", "x", "", "tcp", "fra1"]),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(findings, dims, st.text(max_size=5), st.sampled_from(["zone", "chain", "resolve"])), max_size=6)
)
@pytest.mark.slow
def test_whatever_a_probe_says_is_survived(said: list[tuple[dict[str, Any], dict[str, str], str, str]]) -> None:
    world = World(probes=3)
    world.round(1)
    for probe in world.names:
        world.t += 1
        look = []
        for number, (found, labels, site, check) in enumerate(said):
            target = ZONE if check == "zone" else NAME
            subject = "delegation" if check == "zone" and number % 2 else f"192.0.2.{number}:53"
            look.append(world.observe(probe, check, target, subject, findings=found, dims=labels, site=site or None))
        world.say(probe, look)
    world.round(2)
    assert decode_state(encode_state(world.state)) == world.state
    msgspec.json.encode(board_of(world.state))
    for event in world.events:
        if isinstance(event.data, Noticed):
            encode_event(event)
