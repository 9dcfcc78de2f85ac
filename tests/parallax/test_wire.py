"""The wire: golden vectors kept for ever, hostile bytes refused with one kind of error."""

from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from parallax import wire
from parallax.observation import Observation, Phase, as_dict
from parallax.values import Address, dns_name

VECTORS = Path(__file__).parents[1] / "vectors"
STREAM = "00c0ffee00c0ffee"


def observation(seq: int = 1, **changes) -> Observation:
    fields = {
        "probe": "fra1",
        "stream": STREAM,
        "seq": seq,
        "run": "0123456789abcdef",
        "check": "front door",
        "kind": "tls",
        "target": "auth.example:443",
        "subject": "192.0.2.7:443",
        "dims": {"address": "192.0.2.7", "family": "4"},
        "site": "FRA",
        "scheduled_at": 1_700_000_000_000_000_000,
        "started_at": 1_700_000_000_001_000_000,
        "duration_ns": 12_345_678,
        "phases": [Phase("connect", 0, 1_000_000), Phase("tls", 1_000_000, 11_345_678)],
        "reason": "tls_expired",
        "fault": "target",
        "findings": {"days_left": -3, "names": ["auth.example"]},
    }
    return Observation(**(fields | changes))


def batch(count: int = 2, **changes) -> wire.Batch:
    fields = {
        "probe": "fra1",
        "stream": STREAM,
        "first_seq": 1,
        "last_seq": count,
        "cut_at": 1_700_000_000_020_000_000,
        "plan": "ab12",
        "agent": "0.1.0",
        "egress": {"4": "192.0.2.200"},
        "clock_sync_age_s": 12.5,
        "observations": [observation(seq) for seq in range(1, count + 1)],
    }
    return wire.Batch(**(fields | changes))


def test_a_batch_survives_the_wire():
    assert wire.decode(wire.encode(batch())) == batch()
    as_json = msgspec.json.encode(batch())
    assert wire.decode(as_json, content_type=wire.JSON, encoding="identity") == batch()


def test_names_and_addresses_in_labels_and_findings_travel_as_text():
    name, address = dns_name("auth.example"), Address("192.0.2.7:53")
    sent = observation(target=name, dims={"zone": name}, findings={"at": [address]})
    (found,) = wire.decode(wire.encode(batch(1, observations=[sent]))).observations
    assert found == sent
    assert type(found.target) is str


def test_the_golden_vector_of_schema_1_still_decodes():
    """Written once by version 0.1.0; a change that breaks it needs schema 2 beside it."""
    golden = (VECTORS / "batch-schema1.msgpack").read_bytes()
    assert wire.decode(golden, encoding="identity") == batch()
    assert msgspec.msgpack.encode(batch()) == golden


def test_fields_added_by_a_newer_probe_are_skipped():
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(batch()))
    plain.append("from the future")
    plain[-2][0].append({"also": "new"})
    assert wire.decode(msgspec.msgpack.encode(plain), encoding="identity").observations == batch().observations


def test_an_observation_reads_as_a_mapping():
    plain = as_dict(observation())
    assert plain["reason"] == "tls_expired"
    assert plain["phases"][1] == {"name": "tls", "start_ns": 1_000_000, "duration_ns": 11_345_678}
    assert set(plain) == set(Observation.__struct_fields__)


BAD = {
    "no zstd": (b"rubbish", "is no zstd"),
    "empty": (b"", "does not decode"),
    "cut short": (wire.encode(batch())[:-7], "does not decode"),
    "too many octets": (b"x" * (wire.MAX_COMPRESSED + 1), "at most 1000000 are taken"),
    "a bomb": (zstandard.compress(bytes(200_000_000)), "expands past 8000000"),
    "deep nesting": (zstandard.compress(b"\x91" * 900_000), "does not decode"),
    "half a gigabyte of empty lists": (
        zstandard.compress(msgspec.msgpack.encode(batch(1))[:-1] + b"\x91" + b"\x90" * 7_900_000),
        "arrays and maps in it",
    ),
    "no observations": (wire.encode(batch(observations=[], last_seq=0)), "holds 1 to 500 observations, not 0"),
    "too many": (wire.encode(batch(501)), "holds 1 to 500 observations, not 501"),
    "seqs that do not fit": (wire.encode(batch(last_seq=7)), "do not fit the number"),
    "seq 0": (wire.encode(batch(1, first_seq=0, last_seq=0, observations=[observation(0)])), "do not fit"),
    "another probe's": (
        wire.encode(batch(observations=[observation(1), observation(2, probe="ams1")])),
        "the observation at seq 2 has another identity",
    ),
    "a huge seq": (wire.encode(batch(1, first_seq=2**62 + 1, last_seq=2**62 + 1)), "seq"),
    "a seq past int64": (wire.encode(batch(1, first_seq=2**63, last_seq=2**63)), "does not decode"),
    "a time past int64": (wire.encode(batch(1, cut_at=2**63)), "does not decode"),
    "a span past int64": (wire.encode(batch(1, observations=[observation(1, duration_ns=2**63)])), "does not decode"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_batch_is_refused_with_a_sentence(name):
    body, message = BAD[name]
    with pytest.raises(wire.WireError) as error:
        wire.decode(body)
    assert message in str(error.value)
    assert not isinstance(error.value, wire.UnknownSchema)


@pytest.mark.parametrize("body", [[2, "entirely", "different"], msgspec.to_builtins(batch(schema=2))])
def test_a_newer_schema_is_told_apart_so_that_the_probe_keeps_its_spool(body):
    with pytest.raises(wire.UnknownSchema) as error:
        wire.decode(zstandard.compress(msgspec.msgpack.encode(body)))
    assert "schema 2" in str(error.value)


def test_a_repeat_has_the_same_digest_and_another_batch_another():
    assert wire.digest(wire.encode(batch())) == wire.digest(wire.encode(batch()))
    assert wire.digest(wire.encode(batch())) != wire.digest(wire.encode(batch(cut_at=1)))


def test_empty_lists_in_json_are_bounded_too():
    body = b'[1,"fra1","' + b'",[' + b"[]," * 2_000_000
    with pytest.raises(wire.WireError, match="arrays and maps in it"):
        wire.decode(zstandard.compress(body), content_type=wire.JSON)


def test_a_number_that_only_json_can_hold_is_refused():
    body = msgspec.json.encode(batch(1)).replace(str(batch().cut_at).encode(), b"9" * 400, 1)
    with pytest.raises(wire.WireError, match="does not decode"):
        wire.decode(body, content_type=wire.JSON, encoding="")


def test_a_full_batch_of_foreign_text_is_taken():
    """The bound counts octets: what a probe cuts (under 1 MB before compression) must pass, whatever it says."""
    text = "登入失敗" * 100
    full = batch(500, observations=[observation(seq, findings={"excerpt": text}) for seq in range(1, 501)])
    assert len(msgspec.msgpack.encode(full)) < wire.MAX_CONTAINERS
    assert wire.decode(wire.encode(full)) == full


@given(st.binary(max_size=300))
def test_any_bytes_raise_only_the_wires_own_error(data):
    for body, encoding in ((data, "identity"), (data, wire.ZSTD), (zstandard.compress(data), wire.ZSTD)):
        for content_type in (wire.MSGPACK, wire.JSON):
            with pytest.raises(wire.WireError):
                wire.decode(body, content_type=content_type, encoding=encoding)


@settings(max_examples=300)
@given(position=st.integers(0, 500), value=st.integers(0, 255))
def test_a_flipped_byte_decodes_or_raises_the_wires_own_error(position, value):
    raw = bytearray(msgspec.msgpack.encode(batch()))
    raw[position % len(raw)] = value
    with suppress(wire.WireError):
        wire.decode(bytes(raw), encoding="identity")


def test_every_prefix_of_a_batch_is_refused():
    raw = msgspec.msgpack.encode(batch())
    for end in range(len(raw)):
        with pytest.raises(wire.WireError):
            wire.decode(raw[:end], encoding="identity")
