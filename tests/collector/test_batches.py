from pathlib import Path

import msgspec

from collector.inputs import BatchInput, decode_input
from parallax import wire
from tests.collector.serving import batch, collector


async def test_a_batch_is_acknowledged_once_it_is_in_the_journal(tmp_path: Path) -> None:
    body = wire.encode(batch(1, 3))
    async with collector(tmp_path) as served, served.client() as client:
        reply = await client.post(served.token(), body)
        assert reply.status == 200, reply.body
        ack = msgspec.json.decode(reply.body, type=wire.Ack)
        assert ack.last_seq == 3
        assert ack.peer == "127.0.0.1"
        [record] = [r for r in served.journal.records if r.kind == "batch"]
        assert record.count == 3
        value = decode_input(record)
        assert isinstance(value, BatchInput)
        assert value.body == body
