"""The vendor's automation switches the edge once, and only as told by who has the key, in time, and in order."""

import json
import ssl
from typing import Any

import pytest

from lab import addresses, zones
from lab.automation import Automation
from lab.effects import NOTHING
from lab.hosts import zones_at
from lab.http_server import Request
from lab.internet import Conditions
from lab.records import Question
from lab.zone import authoritative_answer
from parallax.clock import NS
from parallax.standard_webhooks import headers, key_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW_S = 1_785_983_414
NOT_AFTER = "2026-08-06T02:31:14.000Z"


class Bench:
    def __init__(self) -> None:
        self.conditions = Conditions()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.automation = Automation(SECRET, context, self.conditions, lambda: NOW_S * NS)

    async def tell(self, id: str = "e1", key: str = SECRET, **changes: Any) -> int:  # noqa: A002
        told = {
            "group": "edge", "to": "eu-west", "epoch": 1, "expected_current": "us-east", "not_after": NOT_AFTER,
            "dry_run": False,
        }  # fmt: skip
        body = json.dumps({"type": "failover.command", "data": told | changes}).encode()
        return await self.send(body, headers(key_of(key), id, NOW_S, body))

    async def send(self, body: bytes, given: dict[str, str]) -> int:
        return (await self.automation.respond(Request(method="POST", path="/switch", headers=given, body=body))).status

    @property
    def leads_to(self) -> set[tuple[str, ...]]:
        """What the name servers of both operators say."""
        found = set()
        for ip in (*addresses.DNS_A.values(), *addresses.DNS_B.values()):
            served = zones_at(ip, NOTHING, self.conditions.edge)
            found.add(authoritative_answer(served, Question(zones.EDGE, "A")).answer[0].data)
        return found


async def test_it_leads_the_name_to_the_other_region_and_back():
    bench = Bench()
    assert bench.leads_to == {(addresses.FRONT_ENDS_V4["us-east"],)}
    assert [await bench.tell(), await bench.tell()] == [204, 204]
    assert bench.leads_to == {(addresses.FRONT_ENDS_V4["eu-west"],)}
    assert await bench.tell("e2", to="us-east", epoch=2, expected_current="eu-west") == 204
    assert bench.leads_to == {(addresses.FRONT_ENDS_V4["us-east"],)}
    assert [each.text for each in bench.automation.received][::2] == [
        "carried out: eu-west to us-east, epoch 2", "carried out: us-east to eu-west, epoch 1"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"epoch": 0}, 409),
        ({"expected_current": "eu-west"}, 409),
        ({"not_after": "2026-08-06T02:30:13.000Z"}, 409),
        ({"group": "other"}, 422),
        ({"to": "mars"}, 422),
        ({"epoch": "1"}, 400),
        ({"key": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, 401),
    ],
)
async def test_what_is_not_for_it_changes_nothing(changes: dict[str, Any], status: int):
    bench = Bench()
    assert await bench.tell(**changes) == status
    assert bench.leads_to == {(addresses.FRONT_ENDS_V4["us-east"],)}


async def test_a_dry_run_is_answered_and_leaves_no_trace():
    bench = Bench()
    assert await bench.tell(dry_run=True) == 204
    assert await bench.tell(dry_run=True, expected_current="eu-west") == 409
    assert (bench.conditions.edge.epoch, bench.automation.received) == (0, [])


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[" * 5000])
async def test_garbage_that_is_signed_is_refused(body: bytes):
    assert await Bench().send(body, headers(key_of(SECRET), "e", NOW_S, body)) == 400


def test_the_serial_goes_up_with_each_switch():
    serials = [zones.with_edge(zones.VENDOR_AT_A, region, epoch).soa.data[0].split()[2] for region, epoch in
               (("us-east", 0), ("eu-west", 1), ("us-east", 2))]  # fmt: skip
    assert serials == sorted(set(serials))
    assert zones.with_edge(zones.PARENT, "eu-west", 1) is zones.PARENT
