"""Every system that is supported, as a host of its own: a collector on Debian 13, probes on it and on both Ubuntus; the
other tests stand on Debian 12. `make test-deploy` runs it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.deploy.ground import Ground, bundle_or_skip, recap
from tests.parts.nodes import IMAGES, Node, image_or_skip, nodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(5400),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(os.environ.get("PARALLAX_DEPLOY") != "all", reason="make test-deploy runs it"),
]
SYSTEMS = {"trixie": "3.13", "jammy": "3.11", "noble": "3.12"}
"""By image: the Python that the role takes there."""
MOST_EXPOSED = 2.0


@dataclass
class Made:
    """A network of one collector and a probe on each system that there is an image of."""

    ground: Ground
    hub: Node
    probes: dict[str, Node]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("systems")
    with nodes(folder) as network:
        image_or_skip("trixie")
        there = [name for name in SYSTEMS if (IMAGES / name / "etc/os-release").exists()]
        ground = Ground(network, folder, bundle_or_skip(folder, *SYSTEMS.values()))
        (hub,) = network.start("hub", image="trixie")
        ground.list("collector", hub)
        probes = {name: network.start(name, image=name)[0] for name in there}
        for node in probes.values():
            ground.list("probes", node)
        ground.play("site")
        yield Made(ground, hub, probes)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_probe_on_it_is_heard(made: Made, system: str) -> None:
    made.ground.wait_heard(made.hub, image_or_skip(system))
    found = made.ground.probe(made.hub, system)
    assert found["missing"] == found["conflicts"] == 0
    python = made.probes[system].run("/opt/parallax/probe/current/venv/bin/python -V")
    assert python.startswith(f"Python {SYSTEMS[system]}.")


@pytest.mark.parametrize("system", SYSTEMS)
def test_its_systemd_takes_the_whole_unit(made: Made, system: str) -> None:
    node = made.probes[image_or_skip(system)]
    said = node.run("systemd-analyze verify /etc/systemd/system/parallax-probe.service 2>&1", check=False)
    assert "parallax-probe" not in said
    line = node.run("systemd-analyze security parallax-probe --no-pager | tail -n 1")
    assert float(line.partition("service: ")[2].split()[0]) <= MOST_EXPOSED, line


def test_a_second_run_changes_nothing(made: Made) -> None:
    said = made.ground.play("site", "--diff")
    assert {host: recap(said, host)["changed"] for host in ("hub", *made.probes)} == dict.fromkeys(
        ("hub", *made.probes), 0
    ), said[-6000:]


def test_no_compiler_is_needed(made: Made) -> None:
    for node in (made.hub, *made.probes.values()):
        assert node.run("command -v gcc cc c++ clang", check=False) == ""
