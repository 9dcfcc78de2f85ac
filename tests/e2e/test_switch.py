"""What is switched is a real haproxy before two regions: the event in the journal, the signed command, the owner's own
automation, and what a probe's check sees."""

from pathlib import Path

import msgspec
import pytest
import trio

from collector.actions import Actions
from collector.events import Event, FailoverChanged, encode_event
from collector.inputs import ActionInput, decode_input
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.failover_types import Action
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check, Plan
from parallax.state import write_private
from parallax.values import Address, Cidr, Duration, Redirect, Url
from probe.hidden import Hidden
from probe.runs import Vantage, run_target
from probe.tools import Tools
from tests.fakes.http_server import Peer, response
from tests.fakes.inputs import MemoryInputs
from tests.fakes.receiver import Got, fake_receiver
from tests.parts.certificates import Authority
from tests.parts.haproxy import Front, Haproxy, haproxy
from tests.parts.nginx import Site, nginx
from tests.parts.owner_automation import KEY, OwnerAutomation

pytestmark = pytest.mark.slow
MEMBERS = ("us-east", "eu-west")
API = Address("192.0.2.10:443")
CHECK = Check(
    name="api",
    kind="http",
    targets=[f"https://{API}/"],
    period=Duration(600),
    timeout=Duration(10),
    external=False,
    probes=[],
    spec=msgspec.convert({"serving": {"header": "x-region"}}, SPECS["http"].spec),
)


async def who_serves(proxy: Haproxy, trust: Trust) -> str | None:
    routes = Routes.of([(Redirect(str(API)), proxy.addresses["api"])], EVERYWHERE)
    tools = Tools(routes=routes, trust=trust, resolvers=(), hidden=Hidden())
    vantage = Vantage(probe="one", families=(4,))
    found: list[Observation] = await run_target(CHECK, CHECK.targets[0], vantage, tools, scheduled_at=wall_ns())
    assert [each.reason for each in found] == [None], found
    return found[0].dims.get("region")


def commanded(epoch: int, source: str, target: str, good_s: int = 60) -> Event:
    at = wall_ns()
    data = FailoverChanged(
        word="command", group="api", direction="failover", source=source, target=target, title="", epoch=epoch,
        expected_current=source, not_after=at + good_s * NS, actions=("automation",),
    )  # fmt: skip
    return Event(id=f"e{epoch}-{at}", at=at, cause=1, data=data)


async def test_a_command_reaches_the_owners_automation_and_probes_see_another_region(tmp_path: Path) -> None:
    ca, owner = Authority(), OwnerAutomation("us-east")
    trust = Trust(ca.write(tmp_path))
    write_private(tmp_path / "key", KEY.encode())
    sites = {
        name: Site(inside=f"add_header x-region {name} always; location / {{ return 200 ok; }}") for name in MEMBERS
    }
    async with nginx(sites) as regions:
        front = Front(certificate=ca.leaf(API.ip), members={name: regions.addresses[name] for name in MEMBERS})
        async with haproxy({"api": front}) as proxy:

            def take(got: Got) -> object:
                async def answer(peer: Peer) -> None:
                    before = len(owner.switched)
                    status = owner.take(got.headers, got.body, wall_ns() / NS)
                    for member in owner.switched[before:]:
                        await proxy.switch("api", member, [other for other in MEMBERS if other != member])
                    await peer.send(response(status))

                return answer

            async with fake_receiver(take) as receiver, trio.open_nursery() as nursery:  # type: ignore[arg-type]
                events, inputs = MemoryInputs(), MemoryInputs()
                action = Action(
                    name="automation", kind="command", url=Url("http://automation.test/"), key="secret:KEY",
                    address=Address.of("127.0.0.1", receiver.port),
                )  # fmt: skip
                config = CollectorConfig(
                    state="", plan="", secrets={"KEY": f"file:{tmp_path / 'key'}"}, allow=[Cidr("127.0.0.0/8")]
                )
                plan = Plan(action=[action])
                actions = Actions(events, inputs, lambda: plan, config, lambda group: ("us-east", 0))  # type: ignore[arg-type]
                await nursery.start(actions.run)

                async def command(event: Event) -> ActionInput:
                    number = len(inputs.records)
                    await events.append([encode_event(event)])
                    with trio.fail_after(60):
                        await inputs.wait_beyond(number)
                    came = decode_input(inputs.records[-1])
                    assert isinstance(came, ActionInput)
                    return came

                assert await who_serves(proxy, trust) == "us-east"
                assert (await command(commanded(1, "us-east", "eu-west"))).outcome == "applied"
                assert await who_serves(proxy, trust) == "eu-west"
                stale = await command(commanded(1, "eu-west", "us-east"))
                assert (stale.outcome, "409" in stale.text) == ("refused", True)
                assert (await command(commanded(2, "us-east", "eu-west"))).outcome == "refused"
                assert (await command(commanded(2, "eu-west", "us-east", good_s=-1))).outcome == "expired"
                assert await who_serves(proxy, trust) == "eu-west"
                assert (await command(commanded(2, "eu-west", "us-east"))).outcome == "applied"
                assert await who_serves(proxy, trust) == "us-east"
                assert owner.switched == ["eu-west", "us-east"]
                nursery.cancel_scope.cancel()
