"""The records of `inputs`: their encoding is kept for ever."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.inputs import (
    KINDS,
    ActionInput,
    BatchInput,
    ClockInput,
    CommandInput,
    DeliveryInput,
    FactInput,
    Input,
    InputError,
    PeerInput,
    PlanInput,
    PlanStateInput,
    decode_input,
    encode_input,
)
from collector.peer_word import PeerAlert, PeerGroup, PeerWord
from parallax.journal import Entry

VECTORS = Path(__file__).parent.parent / "vectors"

GOLDEN: dict[str, Input] = {
    "batch": BatchInput(
        probe="fra1",
        received_at=1_700_000_000_123_456_789,
        sent_at=1_700_000_000_100_000_000,
        round_trip=20_000_000,
        offset_ns=13_456_789,
        skewed=False,
        peer="192.0.2.7",
        missing=2,
        digest=bytes(range(16)),
        content_type="application/msgpack",
        encoding="zstd",
        body=b"\x28\xb5\x2f\xfd as it came",
    ),
    "plan": PlanInput(
        at=1_700_000_000_000_000_000, digest="d" * 16, hash="h" * 16, files={"plan.toml": "schema = 1\n"}
    ),
    "plan_state": PlanStateInput(
        at=1_700_000_000_000_000_000,
        change="rejected",
        digest="d" * 16,
        hash="h" * 16,
        canary="fra1",
        actor="ann",
        why="fra1 reports unsupported for the check 'api'",
    ),
    "clock": ClockInput(at=1_700_000_000_000_000_000, started=True),
    "command": CommandInput(
        at=1_700_000_000_000_000_000,
        word="move_start",
        actor="ann",
        arguments={"zone": ["auth.example"], "from": ["ns1.dns-a.example"], "to": ["ns1.dns-b.example"]},
    ),
    "fact": FactInput(
        at=1_700_000_000_000_000_000,
        what="vendor_posted",
        incident="5eed5eed-1",
        text="https://status.vendor.example/i/1: investigating",
        actor="ann",
    ),
    "action": ActionInput(
        at=1_700_000_000_000_000_000, group="regions", action="dns", outcome="applied", epoch=3, member="us-east",
        before=("eu",), after=("us-east",), text="switched", took_ns=1_000_000,
    ),
    "delivery": DeliveryInput(
        at=1_700_000_000_000_000_000, alert="5eed5eed-9", key="5eed5eed-1", receiver="pager", outcome="retried",
        tries=2, text="answered 503", incident="5eed5eed-1",
    ),
    "peer": PeerInput(
        at=1_700_000_000_000_000_000,
        role="second",
        peer="a",
        silent_ns=30_000_000_000,
        word=PeerWord(
            role="first",
            position=17,
            ready=True,
            in_charge=True,
            at=1_700_000_000_000_000_000,
            led_at=1_700_000_000_000_000_000,
            alerts=(
                PeerAlert(
                    key="5eed5eed-1", sort="incident", title="DNS operator dns-a is dark", components=("Sign-in",),
                    domain="operator dns-a", members=(("api", "t"),), told_as={"5eed5eed-1": ("pager",)}, told_at=1,
                ),
            ),
            groups=(PeerGroup(name="regions", serving="eu", epoch=3, standings={"eu": "up"}),),
        ),
    ),
}  # fmt: skip


def test_every_kind_has_a_golden_vector() -> None:
    assert GOLDEN.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", GOLDEN)
def test_golden_vectors(kind: str) -> None:
    raw = (VECTORS / f"input-{kind}-1.msgpack").read_bytes()
    assert encode_input(GOLDEN[kind], at_ns=1).body == raw
    assert decode_input(Entry(kind=kind, body=raw, at_ns=1)) == GOLDEN[kind]


def test_a_newer_writer_may_add_fields() -> None:
    raw = (VECTORS / "input-plan-1.msgpack").read_bytes()
    longer = bytes([raw[0] + 1]) + raw[1:] + b"\x07"
    assert decode_input(Entry(kind="plan", body=longer, at_ns=1)) == GOLDEN["plan"]


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_the_codecs_error(kind: str, raw: bytes) -> None:
    with contextlib.suppress(InputError):
        decode_input(Entry(kind=kind, body=raw, at_ns=1))


@pytest.mark.parametrize("kind", GOLDEN)
def test_a_cut_record_raises_the_codecs_error(kind: str) -> None:
    raw = encode_input(GOLDEN[kind], at_ns=1).body
    for length in range(len(raw)):
        with pytest.raises(InputError):
            decode_input(Entry(kind=kind, body=raw[:length], at_ns=1))


def test_unknown_kinds_and_versions_are_named() -> None:
    with pytest.raises(InputError, match="unknown kind 'tick'"):
        decode_input(Entry(kind="tick", body=b"", at_ns=1))
    raw = bytearray((VECTORS / "input-plan-1.msgpack").read_bytes())
    raw[1] = 9
    with pytest.raises(InputError, match="has version 9; this program knows 1"):
        decode_input(Entry(kind="plan", body=bytes(raw), at_ns=1))
