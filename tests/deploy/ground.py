"""What the tests of deployment stand on: Ansible in an environment of its own, an inventory of the nodes, playbooks."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.parts.nodes import GATEWAY, ROOT, Network, Node
from tests.parts.releases import IMAGE_PYTHON, BundleError, make_release

COLLECTION = ROOT / "ansible"
TOOLS = Path(os.environ.get("PARALLAX_PARTS", ROOT / ".parts")) / "deploy" / "bin"
PLAN = """
schema = 1

[[check]]
name = "front door"
kind = "tls"
targets = ["10.231.0.10:8600"]
period = "2s"
timeout = "1s"
external = false
"""
ALL = {
    "common_time_sync": "unchecked", "ansible_user": "root", "probe_allow": ["10.231.0.0/24"],
    "probe_doctor_stops": False,
}  # fmt: skip
"""The clock of a container is its host's business, and no resolver is on its network."""


class Ground:
    """A network with its inventory. `play` runs a playbook of the collection on it."""

    def __init__(self, network: Network, folder: Path, bundle: Path) -> None:
        self.network, self.folder, self.bundle = network, folder, bundle
        (folder / "plan.toml").write_text(PLAN, "utf-8")
        self.hosts: dict[str, Any] = {"collector": {}, "probes": {}}
        self._plays = 0

    def list(self, group: str, node: Node, **variables: object) -> None:
        """Puts a node into the inventory, as that group has it."""
        self.hosts.setdefault(group, {})[node.name] = {"ansible_host": node.ip, **variables}

    def play(self, playbook: str, *options: str, bundle: Path | None = None) -> str:
        """What the playbook said; fails the test where it failed."""
        status, said = self.try_play(playbook, *options, bundle=bundle)
        assert status == 0, said[-6000:]
        return said

    def try_play(self, playbook: str, *options: str, bundle: Path | None = None) -> tuple[int, str]:
        """Its exit status and what it said."""
        inventory = self.write_inventory(common_bundle=str(bundle or self.bundle))
        self._plays += 1
        with (self.folder / f"play-{self._plays}-{playbook}.log").open("w+", encoding="utf-8") as log:
            done = self.network.here(
                str(TOOLS / "ansible-playbook"), "-i", str(inventory), f"playbooks/{playbook}.yml", *options,
                cwd=COLLECTION, env=environment(self.folder), stdout=log, stderr=log, timeout=3000,
            )  # fmt: skip
            log.seek(0)
            return done.returncode, log.read()

    def write_inventory(self, **variables: object) -> Path:
        """The inventory as a file, with variables for all hosts on top."""
        shared = {
            **ALL,
            "common_bundle": str(self.bundle),
            "collector_plan": str(self.folder / "plan.toml"),
            "ansible_ssh_private_key_file": str(self.network.key),
            "ansible_ssh_common_args": " ".join(self.network.ssh_options[2:]),
            **variables,
        }
        children = {group: {"hosts": hosts} for group, hosts in self.hosts.items()}
        inventory = self.folder / "hosts.json"
        inventory.write_bytes(msgspec.json.encode({"all": {"vars": shared, "children": children}}))
        return inventory

    def status(self, collector: Node) -> Any:
        """What the collector says of itself; None where it does not answer."""
        said = collector.run("parallax status --json --config /etc/parallax/collector.toml", check=False)
        return msgspec.json.decode(said) if said.startswith("{") else None

    def probe(self, collector: Node, name: str) -> Any:
        """What the collector says of a probe; None where it knows none."""
        status = self.status(collector) or {"probes": []}
        return next((probe for probe in status["probes"] if probe["id"] == name), None)

    def wait_heard(self, collector: Node, name: str) -> None:
        """Until observations have come in that were not there before."""
        before = (self.probe(collector, name) or {"observations": 0})["observations"]
        self.network.wait(
            lambda: (self.probe(collector, name) or {"observations": 0})["observations"] > before,
            f"nothing comes of {name}",
        )


def environment(folder: Path) -> Mapping[str, str]:
    """For Ansible, which is to look at nothing of its user's."""
    return {
        "PATH": f"{TOOLS}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(COLLECTION / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=10s",
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
    }


def tool(name: str) -> str:
    """Its path; skips the test where it is missing."""
    if not (TOOLS / name).exists():
        pytest.skip(f"{name} is not installed: tools/setup.sh deploy")
    return str(TOOLS / name)


def recap(said: str, host: str) -> dict[str, int]:
    """The last line that a playbook says of a host, like {"ok": 3, "changed": 0}."""
    line = next(line for line in reversed(said.splitlines()) if line.startswith(f"{host} ") and "unreachable=" in line)
    return {key: int(value) for key, _, value in (word.partition("=") for word in line.split() if "=" in word)}


def bundle_or_skip(folder: Path, *pythons: str) -> Path:
    """A bundle of this tree; skips the test where no package index is to be had."""
    tool("ansible-playbook")
    try:
        return make_release(folder, pythons=pythons or (IMAGE_PYTHON,))
    except BundleError as error:
        pytest.skip(str(error))


__all__ = ["GATEWAY", "Ground", "bundle_or_skip", "environment", "recap", "tool"]
