"""The closed loop, in the lab with its real processes: a region dies, the switch is commanded, the vendor's automation
changes the DNS, probes see who serves, and once the region is well it serves again.

Nobody overrides a rule: S1 wants a standby that has been ready for ten minutes. So the collector finds the last of them
in its journal, as one does that was stopped for a moment: all members well, seen by the same probes by the same plan.
"""

import re
import urllib.request
from collections.abc import Callable
from functools import partial
from html import unescape
from pathlib import Path

import pytest
import trio

from collector.events import FailoverChanged, decode_event
from collector.inputs import ActionInput, decode_input
from collector.main import Running
from lab.replay.fleet import Fleet
from lab.replay.loading import load_script
from lab.up import PLAN, run_lab
from parallax.clock import NS, rfc3339, wall_ns
from parallax.journal import Entry, Limits, open_journal
from parallax.values import Address

pytestmark = pytest.mark.slow
PATIENCE_S = 240
PAST = """
title = "The lab, well"
plan = "plan.toml"
before = "1s"
after = "1s"
window = {{ from = {start}, to = {end} }}
[[name]]
name = "edge.auth-vendor.example"
regions = ["us-east"]
[[name]]
name = "frontend-api.auth-vendor.example"
regions = ["us-east", "eu-west"]
[[region]]
name = "us-east"
address = "203.0.113.10"
[[region]]
name = "eu-west"
address = "203.0.113.20"
"""
PAST_NS = 13 * 60 * NS


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


async def write_past(folder: Path, inputs: Path) -> None:
    """The last minutes of a collector whose plan is `folder`/plan.toml."""
    now, script = wall_ns(), folder / "past.toml"
    script.write_text(PAST.format(start=rfc3339(now - PAST_NS), end=rfc3339(now - 2 * NS)))
    entries = [
        Entry(kind=record.kind, body=record.body, at_ns=record.at_ns, count=record.count)
        for record in Fleet(load_script(script), 0)
    ]
    inputs.parent.mkdir(mode=0o700, parents=True)
    async with open_journal(inputs, Limits(max_bytes=10**9, max_age_s=10**6, ballast_bytes=0)) as journal:
        for start in range(0, len(entries), 200):
            await journal.append(entries[start : start + 200])


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
        """Enough vantages have a word on each member directly, and each is ready."""
        (group,) = self._running.detector.board().groups
        return all(member.standing == "up" and member.voters >= 6 and member.ready for member in group.members)

    async def wait_so(self, is_so: Callable[[], bool]) -> None:
        detector = self._running.detector
        with trio.fail_after(PATIENCE_S):
            while not is_so():
                await detector.wait_changed(detector.board())

    async def page(self) -> str:
        """What people read of groups."""

        def read() -> str:
            with urllib.request.urlopen(f"{self._running.url}/failover", timeout=PATIENCE_S) as answer:
                return answer.read().decode()

        page = await trio.to_thread.run_sync(read)
        return " ".join(unescape(re.sub("<[^>]*>", " ", page.partition("<main")[2])).split())

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
    plan = small_plan(tmp_path)
    await write_past(tmp_path, tmp_path / "lab" / "collector" / "inputs.db")
    async with trio.open_nursery() as nursery:
        up = await nursery.start(
            partial(run_lab, tmp_path / "lab", Address("127.0.0.1:0"), lambda line: None, plan=plan)
        )
        watch, serving = Watch(up.collector), up.collector.detector.serving
        await watch.wait_so(lambda: serving("edge") == ("us-east", 0) and watch.members_are_well())
        assert [status.name for status in up.collector.actions.status] == ["vendor automation"]

        await up.lab.inject("region-down", "the test")
        command = await watch.wait("failover.command")
        assert (command.source, command.target, command.epoch, command.expected_current) == (
            "us-east", "eu-west", 1, "us-east"
        )  # fmt: skip
        assert [rule.id for rule in command.rules if not rule.ok] == []
        assert not [rule.id for rule in command.rules if rule.overridden_by]
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

        await watch.wait_so(lambda: len(up.collector.detector.board().groups[0].switches) == 2)
        page = await watch.page()
        assert "us-east serves since" in page
        assert re.search("commanded failback eu-west → us-east .* commanded failover us-east → eu-west", page)

        commanded = [each.text for each in await up.lab.received() if each.text.startswith("carried out")]
        assert commanded == ["carried out: eu-west to us-east, epoch 2", "carried out: us-east to eu-west, epoch 1"]
        nursery.cancel_scope.cancel()
