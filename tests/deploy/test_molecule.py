"""molecule with its default driver: syntax, check, converge, idempotence, verify, on one collector and three probes
with client certificates. `make test-deploy` runs it."""

import os
from pathlib import Path

import msgspec
import pytest

from tests.deploy.ground import COLLECTION, Ground, bundle_or_skip, environment, tool
from tests.parts.nodes import nodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(2400),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(os.environ.get("PARALLAX_DEPLOY") != "all", reason="make test-deploy runs it"),
]
LABELS = {"fra1": ("eu-central", "hoster-a"), "nyc1": ("us-east", "hoster-b"), "sin1": ("ap-southeast", "hoster-a")}


def test_the_scenario_passes(tmp_path: Path) -> None:
    molecule = tool("molecule")
    with nodes(tmp_path) as network:
        ground = Ground(network, tmp_path, bundle_or_skip(tmp_path))
        hub, *probes = network.start("hub", *LABELS)
        ground.list("collector", hub)
        for node in probes:
            region, provider = LABELS[node.name]
            ground.list("probes", node, probe_region=region, probe_provider=provider)
        inventory = ground.write_inventory(parallax_client_certificates=True)
        done = network.here(
            molecule, "test", cwd=COLLECTION, timeout=2000,
            env={
                **environment(tmp_path),
                "PARALLAX_INVENTORY": str(inventory),
                "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"),
            },
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        held = [msgspec.json.decode(line)["role"] for line in hub.run(
            "parallax collector token list --json --config /etc/parallax/collector.toml"
        ).splitlines()]  # fmt: skip
        assert sorted(held) == ["client"] * 3 + ["probe"] * 3
        for node in probes:
            ground.wait_heard(hub, node.name)
        token = probes[0].run("cat /etc/parallax/credentials/collector-token")
        assert token not in done.stdout + done.stderr
