"""What a network lives through: slips with new hosts, reboots, new tokens under load, releases that work and that do
not, and its end. `make test-deploy` runs it; it takes half an hour."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.ground import Ground, bundle_or_skip
from tests.parts.nodes import Node, nodes
from tests.parts.releases import make_release

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(5400),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(os.environ.get("PARALLAX_DEPLOY") != "all", reason="make test-deploy runs it"),
]
BROKEN = {"probe/main.py": ("async def main(", "raise SystemExit('broken')\n\n\nasync def main(")}
BROKEN_HUB = {
    "collector/main.py": (
        "    started_at = wall_ns()\n",
        "    started_at = wall_ns()\n    (state / 'newer').write_text('')\n    raise StartError('broken')\n",
    )
}
NEWER_HUB = {
    "collector/main.py": (
        "    started_at = wall_ns()\n",
        "    started_at = wall_ns()\n    import sqlite3\n\n"
        "    sqlite3.connect(state / 'inputs.db').execute('PRAGMA user_version = 2')\n    raise StartError('broken')\n",
    )
}
"""It makes of the state what no release before can read, and then does not start."""


@dataclass
class Made:
    """A network of one collector and three probes."""

    ground: Ground
    hub: Node
    probes: list[Node]
    folder: Path
    bad: dict[str, tuple[Node, str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("deploy")
    with nodes(folder) as network:
        ground = Ground(network, folder, bundle_or_skip(folder))
        hub, *probes = network.start("hub", "fra1", "nyc1", "sin1")
        ground.list("collector", hub)
        for node in probes:
            ground.list("probes", node, probe_region="one")
        ground.play("site")
        yield Made(ground, hub, probes, folder)


def test_a_bad_host_is_stopped_with_a_sentence_and_the_others_go_on(made: Made) -> None:
    ground, network = made.ground, made.ground.network
    names = ("other", "bare", "full", "late", "far", "twin", "nowhere", "lost", "unfit", "good")
    by_name = dict(zip(names, network.start(*names), strict=True))
    by_name["bare"].run("rm /usr/bin/python3*")
    by_name["full"].run("mount -t tmpfs -o size=100M none /opt")
    by_name["lost"].run("ip route add blackhole 10.231.0.10/32")
    wanted = {
        "other": ({"common_machines": ["riscv64"]}, "there are packages for riscv64"),
        "bare": ({}, "bare has no python3"),
        "full": ({}, "MB free under /opt"),
        "late": ({"common_time_sync": "required"}, "The clock of late is not synchronised"),
        "far": ({"probe_location": [95.0, 8.7]}, "far cannot stand at"),
        "twin": ({"probe_id": "fra1"}, "give twin one of its own"),
        "nowhere": ({"probe_collector_port": 8699}, "cannot reach the collector at 10.231.0.10 port 8699"),
        "lost": ({}, "lost cannot reach the collector"),
        "unfit": ({"probe_doctor_stops": True}, "unfit is not fit to be a probe, and unfit is not started: resolvers:"),
        "good": ({}, ""),
    }
    for name, (variables, _) in wanted.items():
        ground.list("probes", by_name[name], **variables)
    status, said = ground.try_play("site")
    for name in names:
        del ground.hosts["probes"][name]
    assert status != 0
    flat = " ".join(said.split())
    for name, (_, sentence) in wanted.items():
        assert sentence in flat, f"{name}: {said[-8000:]}"
    ground.wait_heard(made.hub, "good")
    assert "Failed" not in by_name["good"].run("systemctl status parallax-probe --no-pager")


def test_a_reboot_loses_nothing(made: Made) -> None:
    probe = made.probes[0]
    probe.reboot()
    made.ground.wait_heard(made.hub, probe.name)
    found = made.ground.probe(made.hub, probe.name)
    assert found["missing"] == found["conflicts"] == 0


def test_tokens_are_rotated_without_a_gap(made: Made) -> None:
    before = {node.name: node.run("sha256sum < /etc/parallax/credentials/collector-token") for node in made.probes}
    made.ground.play("rotate")
    tokens = made.hub.run("parallax collector token list --config /etc/parallax/collector.toml").splitlines()
    for node in made.probes:
        assert node.run("sha256sum < /etc/parallax/credentials/collector-token") != before[node.name]
        assert len([line for line in tokens if f" {node.name} " in line]) == 1
        made.ground.wait_heard(made.hub, node.name)
        found = made.ground.probe(made.hub, node.name)
        assert found["missing"] == found["conflicts"] == 0


def test_an_upgrade_and_its_way_back(made: Made) -> None:
    ground = made.ground
    ground.play("upgrade", bundle=make_release(made.folder, "0.1.1"))
    assert ground.status(made.hub)["version"] == "0.1.1"
    assert {ground.probe(made.hub, node.name)["agent"] for node in made.probes} == {"0.1.1"}

    status, said = ground.try_play(
        "upgrade", "-e", "probe_patience_s=20", bundle=make_release(made.folder, "0.1.2", BROKEN)
    )
    assert status != 0
    assert "fra1 is back at 0.1.1" in " ".join(said.split())
    assert "nyc1" not in said.partition("PLAY [Probes]")[2].partition("PLAY RECAP")[0]
    for node in made.probes:
        ground.wait_heard(made.hub, node.name)
        assert ground.probe(made.hub, node.name)["agent"] == "0.1.1"


def test_a_collector_that_does_not_start_goes_back_with_all_that_it_had(made: Made) -> None:
    ground = made.ground
    before = ground.status(made.hub)
    bundle = make_release(made.folder, "0.1.3", BROKEN_HUB)
    status, said = ground.try_play("upgrade", "-e", "collector_patience_s=20", bundle=bundle)
    assert status != 0
    assert f"The collector is back at {before['version']}" in " ".join(said.split())
    after = ground.status(made.hub)
    assert after["version"] == before["version"]
    assert after["inputs"]["things"] >= before["inputs"]["things"]
    for node in made.probes:
        ground.wait_heard(made.hub, node.name)
        assert ground.probe(made.hub, node.name)["missing"] == 0


def test_a_state_that_the_old_release_cannot_read_is_that_of_the_backup_again(made: Made) -> None:
    ground = made.ground
    before = ground.status(made.hub)
    bundle = make_release(made.folder, "0.1.35", NEWER_HUB)
    for _ in range(2):
        status, said = ground.try_play("upgrade", "-e", "collector_patience_s=20", bundle=bundle)
        assert status != 0
        assert f"could not read what {_release(bundle)} had written" in " ".join(said.split())
        assert f"The collector is back at {before['version']}" in " ".join(said.split())
    assert made.hub.run("ls /var/backups/parallax | grep -c '^state-of-0.1.35'") == "2"
    assert ground.status(made.hub)["version"] == before["version"]
    for node in made.probes:
        ground.wait_heard(made.hub, node.name)


def _release(bundle: Path) -> str:
    return str(json.loads((bundle / "manifest.json").read_text("utf-8"))["release"])


def test_a_gate_keeps_the_last_that_report(made: Made) -> None:
    for node in made.probes[1:]:
        node.run("systemctl stop parallax-probe")
    try:
        options = ["--limit", "hub,fra1", "-e", "probe_upgrade_fresh_s=5"]
        status, said = made.ground.try_play("upgrade", *options, bundle=make_release(made.folder, "0.1.4"))
    finally:
        for node in made.probes[1:]:
            node.run("systemctl start parallax-probe")
    assert status != 0
    assert "fra1 is not upgraded" in " ".join(said.split())


def test_a_revoked_probe_is_out_at_once(made: Made) -> None:
    as_collector = "runuser -u parallax-collector -- parallax collector token"
    made.hub.run(f"{as_collector} revoke sin1 --config /etc/parallax/collector.toml")
    journal = "journalctl -u parallax-probe -n 3 -o cat --no-pager"
    made.ground.network.wait(lambda: "token" in made.probes[2].run(journal), "it goes on", 60)


def test_what_is_removed_leaves_nothing(made: Made) -> None:
    made.ground.play("remove", "--limit", "all")
    made.ground.play("remove", "--limit", "all")
    for node in (made.hub, *made.probes):
        left = node.run(
            "find / -xdev -not -path '/proc/*' -not -path '/sys/*' -not -path '/var/log/*' -name '*parallax*' | head; "
            "systemctl list-units --all --no-legend '*parallax*'; getent passwd parallax-collector",
            check=False,
        )
        assert left == ""
