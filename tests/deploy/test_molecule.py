"""molecule with its default driver: syntax, check, converge, idempotence, verify, on one collector and three probes
with client certificates; then those are rotated with the tokens. `make test-deploy` runs it."""

import os
from pathlib import Path

import msgspec
import pytest

from tests.deploy.ground import COLLECTION, Ground, bundle_or_skip, environment, tool
from tests.parts.nodes import Node, nodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(5400),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(os.environ.get("PARALLAX_DEPLOY") != "all", reason="make test-deploy runs it"),
]
LABELS = {"fra1": ("eu-central", "hoster-a"), "nyc1": ("us-east", "hoster-b"), "sin1": ("ap-southeast", "hoster-a")}


CERTIFICATES = {"parallax_client_certificates": True}


def test_the_scenario_passes_and_certificates_are_rotated(tmp_path: Path) -> None:
    molecule = tool("molecule")
    with nodes(tmp_path) as network:
        ground = Ground(network, tmp_path, bundle_or_skip(tmp_path))
        hub, *probes = network.start("hub", *LABELS)
        ground.list("collector", hub, **CERTIFICATES)
        for node in probes:
            region, provider = LABELS[node.name]
            ground.list("probes", node, probe_region=region, probe_provider=provider, **CERTIFICATES)
        inventory = ground.write_inventory()
        done = network.here(
            molecule, "test", cwd=COLLECTION, timeout=4000,
            env={
                **environment(tmp_path),
                "PARALLAX_INVENTORY": str(inventory),
                "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"),
            },
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        token = probes[0].run("cat /etc/parallax/credentials/collector-token")
        assert token not in done.stdout + done.stderr
        before = _held(hub)
        _all_hold(ground, hub, probes)

        said = ground.play("rotate")
        assert token not in said
        assert not before & _held(hub), "the old ones are at an end"
        assert probes[0].run("cat /etc/parallax/credentials/collector-token") not in said
        _all_hold(ground, hub, probes)


def _held(hub: Node) -> set[tuple[str, str, str]]:
    """Id, role and name of what holds at the collector: a token and a certificate for each probe."""
    said = hub.run("parallax collector token list --json --config /etc/parallax/collector.toml")
    entries = [msgspec.json.decode(line) for line in said.splitlines()]
    held = {(entry["id"], entry["role"], entry["name"]) for entry in entries}
    assert sorted(each[1:] for each in held) == sorted((role, name) for role in ("client", "probe") for name in LABELS)
    return held


def _all_hold(ground: Ground, hub: Node, probes: list[Node]) -> None:
    """Every probe is heard, was never refused, and says that its certificate holds."""
    for node in probes:
        ground.wait_heard(hub, node.name)
        found = ground.probe(hub, node.name)
        assert found["missing"] == found["conflicts"] == 0
        journal = node.run("journalctl -u parallax-probe -o cat --no-pager")
        assert '"status": 401' not in journal
        doctor = node.run(
            "CREDENTIALS_DIRECTORY=/etc/parallax/credentials parallax probe doctor --json"
            " --config /etc/parallax/probe.toml",
            check=False,
        )
        lines = {line["what"]: line for line in msgspec.json.decode(doctor)["lines"]}
        assert lines["client certificate"]["state"] == "ok", lines["client certificate"]
