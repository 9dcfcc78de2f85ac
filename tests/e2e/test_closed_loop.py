"""The closed loop, in the lab with its real processes: a region dies, the switch is commanded, the vendor's automation
changes the DNS, probes see who serves, and once the region is well it serves again."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from collector.events import FailoverChanged, decode_event
from collector.inputs import ActionInput, CommandInput, decode_input, encode_input
from collector.main import Running
from lab.up import PLAN, run_lab
from parallax.clock import NS, rfc3339, wall_ns
from parallax.values import Address

pytestmark = pytest.mark.slow
PATIENCE_S = 150


CHECKS = ("edge", "api")
COMPONENT = '[[component]]\nname = "Edge"\nchecks = ["edge", "api"]\n'


def small_plan(folder: Path) -> Path:
    """Of the lab's plan what the loop needs: on a busy machine eight probes with all of it would abstain."""
    tables = re.split(r"^(?=\[)", PLAN.read_text("utf-8"), flags=re.M)
    kept = [
        table
        for table in tables
        if not table.startswith(("[[check", "[[component", "[[receiver"))
        or table.startswith(tuple(f'[[check]]\nname = "{name}"\n' for name in CHECKS))
    ]
    plan = folder / "plan.toml"
    text = re.sub(r"^hold = .*", 'hold = ["5s", "10s"]', "".join(kept), flags=re.M)
    plan.write_text(text + COMPONENT)
    return plan


class Watch:
    """What the collector of the lab concludes."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def wait(self, type: str) -> FailoverChanged:  # noqa: A002
        """The first event of the group of this type."""
        events, position = self._running.stores.events, 0
        with trio.fail_after(PATIENCE_S):
            while True:
                for record in await events.read(position):
                    position = record.position
                    if record.kind == type:
                        data = decode_event(record).data
                        assert isinstance(data, FailoverChanged)
                        return data
                await events.wait_beyond(position)

    def members_are_well(self) -> bool:
        """Enough vantages have a word on each member directly."""
        (group,) = self._running.detector.board().groups
        return all(member.standing == "up" and member.voters >= 6 for member in group.members)

    async def wait_so(self, is_so: Callable[[], bool]) -> None:
        detector = self._running.detector
        with trio.fail_after(PATIENCE_S):
            while not is_so():
                await detector.wait_changed(detector.board())

    async def carried_out(self, epoch: int) -> ActionInput:
        """What came of the action of a command."""
        inputs, position = self._running.inputs, 0
        with trio.fail_after(PATIENCE_S):
            while True:
                for record in await inputs.read(position):
                    position = record.position
                    came = decode_input(record) if record.kind == "action" else None
                    if isinstance(came, ActionInput) and came.epoch == epoch:
                        return came
                await inputs.wait_beyond(position)


async def test_a_region_dies_and_its_traffic_goes_to_the_other_and_back(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        up = await nursery.start(
            partial(run_lab, tmp_path / "lab", Address("127.0.0.1:0"), lambda line: None, plan=small_plan(tmp_path))
        )
        watch, serving = Watch(up.collector), up.collector.detector.serving
        await watch.wait_so(lambda: serving("edge") == ("us-east", 0) and watch.members_are_well())
        assert [status.name for status in up.collector.actions.status] == ["vendor automation"]

        now = wall_ns()
        said = {"group": ["edge"], "rule": ["S1"], "until": [rfc3339(now + 3600 * NS)]}
        said["why"] = ["ready is ready for ten minutes, and a test has not got them"]
        override = CommandInput(at=now, word="failover_override", actor="the test", arguments=said)
        await up.collector.inputs.append([encode_input(override, at_ns=now)])

        await up.lab.inject("region-down", "the test")
        command = await watch.wait("failover.command")
        assert (command.source, command.target, command.epoch, command.expected_current) == (
            "us-east", "eu-west", 1, "us-east"
        )  # fmt: skip
        assert [rule.id for rule in command.rules if not rule.ok and not rule.overridden_by] == []
        assert (await watch.carried_out(1)).outcome == "applied"
        switched = await watch.wait("failover.switched")
        assert (switched.source, switched.target) == ("us-east", "eu-west")
        assert (await watch.wait("failover.effective")).epoch == 1
        assert serving("edge") == ("eu-west", 1)

        await up.lab.mend("region-down", "the test")
        assert (await watch.wait("failback.command")).target == "us-east"
        assert (await watch.carried_out(2)).outcome == "applied"
        assert (await watch.wait("failback.effective")).epoch == 2
        assert serving("edge") == ("us-east", 2)

        commanded = [each.text for each in await up.lab.received() if each.text.startswith("carried out")]
        assert commanded == ["carried out: eu-west to us-east, epoch 2", "carried out: us-east to eu-west, epoch 1"]
        nursery.cancel_scope.cancel()
