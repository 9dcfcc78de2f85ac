"""Batches over real sockets: what is taken, what is refused, and with which answer."""

import json
from pathlib import Path

import msgspec
import pytest
import trio
import zstandard

from collector.inputs import BatchInput, decode_input
from collector.tokens import add_token, revoke_tokens
from parallax import wire
from parallax.clock import NS, wall_ns
from parallax.journal import JournalBusy, JournalError, JournalFull, Record
from parallax.values import encode_value
from tests.collector.serving import Client, Served, batch, collector, until
from tests.fakes.inputs import MemoryInputs


def taken(served: Served) -> list[Record]:
    return [record for record in served.journal.records if record.kind == "batch"]


async def test_a_batch_is_acknowledged_once_it_is_in_the_journal(tmp_path: Path) -> None:
    body = wire.encode(batch(1, 3))
    async with collector(tmp_path) as served, served.client() as client:
        before = wall_ns()
        reply = await client.post(served.token(), body, parallax_sent_at=str(before), parallax_round_trip="1000")
        assert reply.status == 200, reply.body
        ack = msgspec.json.decode(reply.body, type=wire.Ack)
        assert ack.last_seq == 3
        assert ack.peer == "127.0.0.1"
        assert before <= ack.received_at <= ack.answered_at <= wall_ns()
        [record] = taken(served)
        assert record.count == 3
        value = decode_input(record)
        assert isinstance(value, BatchInput)
        assert (value.probe, value.body, value.digest) == ("fra1", body, wire.digest(body))
        assert (value.sent_at, value.round_trip, value.skewed) == (before, 1000, False)
        assert value.offset_ns is not None
        assert 0 <= value.offset_ns < NS


async def test_the_answer_waits_for_the_journal(tmp_path: Path) -> None:
    durable = trio.Event()
    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        journal.hold = durable.wait
        await client.send("POST", "/v1/batches", token=served.token(), body=wire.encode(batch()), headers=PLAIN)
        with trio.move_on_after(0.1) as waited:
            await client.receive()
        assert waited.cancelled_caught
        durable.set()
        assert (await client.receive()).status == 200


PLAIN = {"content-type": wire.MSGPACK, "content-encoding": wire.ZSTD}


async def test_a_repeat_is_acknowledged_and_not_taken_again(tmp_path: Path) -> None:
    body = wire.encode(batch(1, 2))
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        for _ in range(3):
            reply = await client.post(token, body)
            assert (reply.status, reply.json["last_seq"]) == (200, 2)
        assert len(taken(served)) == 1
        assert (await status(client, served))["probes"][0]["repeats"] == 2


async def test_other_content_under_used_numbers_is_a_conflict(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        assert (await client.post(token, wire.encode(batch(1, 2)))).status == 200
        for other in (batch(1, 2, cut_at=7), batch(2, 2), batch(1, 3)):
            reply = await client.post(token, wire.encode(other))
            assert (reply.status, reply.json["error"]) == (409, "conflict")
        assert (await client.post(token, wire.encode(batch(1, 2, stream="00000000000000bb")))).status == 200
        assert len(taken(served)) == 2


async def test_a_gap_is_taken_and_counted(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        assert (await client.post(token, wire.encode(batch(1, 2)))).status == 200
        assert (await client.post(token, wire.encode(batch(6, 1)))).status == 200
        value = decode_input(taken(served)[1])
        assert isinstance(value, BatchInput)
        assert value.missing == 3
        assert (await status(client, served))["probes"][0]["missing"] == 3


async def test_json_is_taken_too(tmp_path: Path) -> None:
    body = msgspec.json.encode(batch(1, 2), enc_hook=encode_value)
    async with collector(tmp_path) as served, served.client() as client:
        headers = {"content-type": "application/json; charset=utf-8"}
        reply = await client.request("POST", "/v1/batches", token=served.token(), body=body, headers=headers)
        assert reply.status == 200, reply.body


async def test_who_may_send(tmp_path: Path) -> None:
    body = wire.encode(batch())
    async with collector(tmp_path) as served:
        other = served.token("lon1")
        viewer = add_token(served.state, "viewer", "wall")
        for token, status_, word in (
            ("", 401, "unauthorised"),
            ("parallax-probe-wrong", 401, "unauthorised"),
            (other, 403, "forbidden"),
            (viewer, 403, "forbidden"),
            (served.running.token, 403, "forbidden"),
        ):
            async with served.client() as client:
                reply = await client.post(token, body)
                assert (reply.status, reply.json["error"]) == (status_, word)
        assert not taken(served)


async def test_a_revocation_holds_for_the_next_request_on_an_open_connection(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        old, new = served.token(), served.token()
        assert (await client.post(old, wire.encode(batch(1)))).status == 200
        assert (await client.post(new, wire.encode(batch(2)))).status == 200
        served.token()  # a third one ends the oldest
        assert (await client.post(old, wire.encode(batch(3)))).status == 401
        assert (await client.post(new, wire.encode(batch(3)))).status == 200
        assert len(revoke_tokens(served.state, "fra1")) == 2
        assert (await client.post(new, wire.encode(batch(4)))).status == 401


NEST = 200_000


@pytest.mark.parametrize(
    ("body", "headers", "answer", "sentence"),
    [
        (b"\x00garbage", {}, (400, "bad_batch"), "no zstd"),
        (b"", {}, (400, "bad_batch"), ""),
        (b"\x93\x01", {"content-encoding": "identity"}, (400, "bad_batch"), "does not decode"),
        (b"{}", {"content-type": "text/plain"}, (415, "wrong_type"), ""),
        (b"{}", {"content-encoding": "gzip"}, (415, "wrong_type"), ""),
        (b"x" * (wire.MAX_COMPRESSED + 1), {}, (413, "too_large"), ""),
        (zstandard.compress(bytes(1_000_000_000)), {}, (400, "bad_batch"), "expands past"),
        (zstandard.compress(b"\x91" * NEST + b"\xc0"), {}, (400, "bad_batch"), "does not decode"),
        (b"[" * NEST, {"content-type": wire.JSON, "content-encoding": ""}, (400, "bad_batch"), "does not decode"),
        (zstandard.compress(b"\x92\x02\x00"), {}, (422, "unknown_schema"), "schema 2"),
        (wire.encode(batch(1, 1, stream="x" * 1000)), {}, (400, "bad_batch"), "16 hex digits"),
        (wire.encode(batch(2**63, 1)), {}, (400, "bad_batch"), ""),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
async def test_bad_bodies_are_answered_and_cost_nothing(
    tmp_path: Path, body: bytes, headers: dict[str, str], answer: tuple[int, str], sentence: str
) -> None:
    async with collector(tmp_path) as served:
        token = served.token()
        async with served.client() as client:
            reply = await client.request("POST", "/v1/batches", token=token, body=body, headers=PLAIN | headers)
            assert (reply.status, reply.json["error"]) == answer
            assert sentence in reply.json["message"]
            assert "Traceback" not in reply.body.decode()
        async with served.client() as client:
            assert (await client.post(token, wire.encode(batch()))).status == 200
        assert len(taken(served)) == 1


async def test_a_body_of_unknown_length_is_bounded(tmp_path: Path) -> None:
    async with collector(tmp_path) as served:
        stream = await served.connect()
        async with stream:
            head = (
                f"POST /v1/batches HTTP/1.1\r\nhost: c\r\nauthorization: Bearer {served.token()}\r\n"
                f"content-type: {wire.MSGPACK}\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            await stream.send_all(head.encode() + (b"10000\r\n" + bytes(65536) + b"\r\n") * 16 + b"0\r\n\r\n")
            answer = await stream.receive_some(65536)
        assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("error", "status_", "retry_after"),
    [(JournalBusy(), 503, "1"), (JournalFull(), 507, "30"), (JournalError("disk /dev/x died"), 507, "30")],
)
async def test_a_journal_that_takes_nothing_makes_the_probe_wait(
    tmp_path: Path, error: Exception, status_: int, retry_after: str
) -> None:
    async def refuse() -> None:
        raise error

    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        token, well = served.token(), journal.hold
        journal.hold = refuse
        reply = await client.post(token, wire.encode(batch()))
        assert (reply.status, reply.headers["retry-after"]) == (status_, retry_after)
        assert "/dev/x" not in reply.body.decode()
        journal.hold = well
        assert (await client.post(token, wire.encode(batch()))).status == 200
        assert len(taken(served)) == 1


async def test_the_same_batch_twice_at_once_is_taken_once(tmp_path: Path) -> None:
    journal, durable = MemoryInputs(), trio.Event()
    statuses: list[int] = []
    async with collector(tmp_path, journal) as served:
        token, body = served.token(), wire.encode(batch(1, 5))
        journal.hold = durable.wait

        async def send() -> None:
            async with served.client() as client:
                statuses.append((await client.post(token, body)).status)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(send)
            await until(lambda: journal.pending > 0)
            durable.set()
        assert statuses == [200] * 4
        assert len(taken(served)) == 1


async def test_two_contents_of_one_number_at_once_are_not_both_taken(tmp_path: Path) -> None:
    journal, durable = MemoryInputs(), trio.Event()
    statuses: list[int] = []
    async with collector(tmp_path, journal) as served:
        token = served.token()
        journal.hold = durable.wait

        async def send(cut_at: int) -> None:
            async with served.client() as client:
                statuses.append((await client.post(token, wire.encode(batch(1, 5, cut_at=cut_at)))).status)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, 1)
            nursery.start_soon(send, 2)
            await until(lambda: journal.pending > 0)
            durable.set()
        assert sorted(statuses) == [200, 409]
        assert len(taken(served)) == 1


async def test_what_waits_for_a_slow_disk_is_bounded_and_nothing_is_lost(tmp_path: Path) -> None:
    """Ten times the load that fits: the senders are told to wait, and everything arrives in the end, once."""
    journal, durable = MemoryInputs(max_pending_bytes=1_000_000), trio.Event()
    refused: list[int] = []
    async with collector(tmp_path, journal) as served:
        tokens = {f"p{n}": served.token(f"p{n}") for n in range(5)}
        journal.hold = durable.wait

        async def send(probe: str, number: int) -> None:
            stream = f"{number:016x}"
            body = wire.encode(batch(1, 3, probe=probe, stream=stream))
            async with served.client() as client:
                while (reply := await client.post(tokens[probe], body)).status != 200:
                    assert reply.status in (429, 503), reply.body
                    assert int(reply.headers["retry-after"]) == 1
                    refused.append(reply.status)
                    await durable.wait()

        async with trio.open_nursery() as nursery:
            for number in range(8):
                for probe in tokens:
                    nursery.start_soon(send, probe, number)
            await until(lambda: len(refused) >= 20)
            assert journal.most_pending <= 1_000_000
            durable.set()
        assert sorted((r.kind, r.count) for r in taken(served)) == [("batch", 3)] * 40


async def test_a_client_that_leaves_in_mid_body_leaves_nothing_behind(tmp_path: Path) -> None:
    async with collector(tmp_path) as served:
        token, body = served.token(), wire.encode(batch(1, 400))
        for cut in (1, len(body) // 2, len(body) - 1):
            stream = await served.connect()
            head = (
                f"POST /v1/batches HTTP/1.1\r\nhost: c\r\nauthorization: Bearer {token}\r\n"
                f"content-type: {wire.MSGPACK}\r\ncontent-encoding: zstd\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            await stream.send_all(head.encode() + body[:cut])
            await stream.aclose()
        async with served.client() as client:
            for _ in range(4):  # as many as one probe may have under way
                assert (await client.post(token, body)).status == 200
        assert len(taken(served)) == 1


async def test_a_skewed_probe_is_marked(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token, ahead = served.token(), str(wall_ns() + 60 * NS)
        reply = await client.post(token, wire.encode(batch()), parallax_sent_at=ahead, parallax_round_trip="1000000")
        assert reply.status == 200
        value = decode_input(taken(served)[0])
        assert isinstance(value, BatchInput)
        assert value.skewed
        assert (await status(client, served))["probes"][0]["skewed"]


async def test_nonsense_in_the_clock_headers_costs_no_batch(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        for seq, text in enumerate(("", "-5", "1e9", "9" * 4000, "²"), 1):
            reply = await client.post(token, wire.encode(batch(seq)), parallax_sent_at=text)
            assert reply.status == 200, text


@pytest.mark.slow
async def test_a_connection_serves_more_than_a_thousand_requests(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        for seq in range(1, 1502):
            assert (await client.post(token, wire.encode(batch(seq)))).status == 200
        assert len(taken(served)) == 1501


async def status(client: Client, served: Served) -> dict[str, object]:
    reply = await client.request("GET", "/v1/status", token=served.running.token)
    assert reply.status == 200
    return json.loads(reply.body)  # type: ignore[no-any-return]


async def test_a_full_disk_stands_in_the_status(tmp_path: Path) -> None:
    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        for full in (True, False):
            journal.ballast = not full
            status = (await client.request("GET", "/v1/status", token=served.running.token)).json
            assert any("disk under the state folder is full" in problem for problem in status["problems"]) == full
