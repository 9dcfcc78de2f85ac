"""What an owner may choose besides: a firewall, unattended upgrades, a server of time series and dashboards, from
repositories of packages; and a host that is collector and probe at once. `make test-deploy` runs it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.ground import Ground, bundle_or_skip, recap
from tests.parts.nodes import BOOKWORM, IMAGES, Network, Node, nodes
from tests.parts.repository import make_package, make_repository, packages_or_skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.deploy,
    pytest.mark.timeout(5400),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(os.environ.get("PARALLAX_DEPLOY") != "all", reason="make test-deploy runs it"),
]
SERIES = """
[[series]]
name = "influx"
kind = "influxdb1"
url = "http://127.0.0.1:8086"
"""
DASHBOARDS = """[Unit]
Description=Stands in for the vendor's
[Service]
ExecStart=/usr/bin/python3 -m http.server 3000
[Install]
WantedBy=multi-user.target
"""


@dataclass
class Made:
    """A host that is everything, and one that is a probe."""

    ground: Ground
    hub: Node
    probe: Node


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("extras")
    with nodes(folder) as network:
        packages = packages_or_skip(IMAGES, BOOKWORM)
        ground = Ground(network, folder, bundle_or_skip(folder))
        vendors = _vendors(network, folder)
        hub, probe = network.start("hub", "fra1")
        _serve_distribution(network, folder / "distribution", packages, (hub, probe))
        chosen = {"common_firewall": True, "common_unattended_upgrades": True}
        ground.list("collector", hub, collector_config=SERIES, **chosen)
        ground.list("influxdb", hub)
        ground.list("grafana", hub, **vendors)
        ground.list("probes", hub)
        ground.list("probes", probe, **chosen)
        ground.play("site")
        yield Made(ground, hub, probe)


def _vendors(network: Network, folder: Path) -> dict[str, str]:
    (folder / "made").mkdir()
    grafana = make_package(folder / "made", "grafana", {"usr/lib/systemd/system/grafana-server.service": DASHBOARDS})
    key = make_repository(folder / "vendor", [grafana])
    return {
        "grafana_repository": f"{network.serve(folder / 'vendor')} stable main",
        "grafana_repository_key": key,
    }


def _serve_distribution(network: Network, folder: Path, packages: list[Path], hosts: tuple[Node, ...]) -> None:
    key = make_repository(folder, packages)
    url = network.serve(folder)
    for host in hosts:
        (host.root / "etc/apt/keyrings").mkdir(exist_ok=True)
        (host.root / "etc/apt/keyrings/distribution.asc").write_text(key, "utf-8")
        line = f"deb [signed-by=/etc/apt/keyrings/distribution.asc] {url} stable main\n"
        (host.root / "etc/apt/sources.list").write_text(line, "utf-8")


def _connects(made: Made, port: int) -> bool:
    ask = ["python3", "-c", f"import socket; socket.create_connection(('{made.hub.ip}', {port}), 2)"]
    return made.ground.network.here(*ask).returncode == 0


def test_all_of_it_runs(made: Made) -> None:
    for name in ("hub", "fra1"):
        made.ground.wait_heard(made.hub, name)
    for unit in ("influxdb", "grafana-server", "parallax-collector", "parallax-probe", "parallax-firewall"):
        assert made.hub.run(f"systemctl is-active {unit}", check=False) == "active", unit


def test_the_server_of_series_has_what_is_measured(made: Made) -> None:
    query = "http://127.0.0.1:8086/query?db=parallax&q=SHOW+SERIES+CARDINALITY"
    ask = f"python3 -c \"import urllib.request as u; print(u.urlopen('{query}').read().decode())\""
    made.ground.network.wait(lambda: '"values":[[' in made.hub.run(ask, check=False), "no point has come")


@pytest.mark.parametrize("again", [False, True], ids=["made", "after a reboot"])
def test_what_is_not_named_is_closed(made: Made, again: bool) -> None:
    if again:
        made.hub.reboot()
        made.ground.wait_heard(made.hub, "hub")
    made.hub.run("systemd-run --unit=unnamed python3 -m http.server 9999")
    made.ground.network.wait(lambda: "LISTEN" in made.hub.run("ss -ltn 'sport = 9999'"), "nobody listens")
    assert _connects(made, 22)
    assert _connects(made, 8600)
    assert not _connects(made, 9999)
    assert not _connects(made, 3000)
    made.hub.run("systemctl stop unnamed")


def test_security_updates_come_by_themselves(made: Made) -> None:
    assert 'APT::Periodic::Unattended-Upgrade "1";' in made.probe.run("apt-config dump")


def test_a_second_run_changes_nothing(made: Made) -> None:
    said = made.ground.play("site", "--diff")
    assert [recap(said, host)["changed"] for host in ("hub", "fra1")] == [0, 0], said[-6000:]


def test_what_is_removed_opens_the_ports_again(made: Made) -> None:
    made.ground.play("remove", "--limit", "all")
    for node in (made.hub, made.probe):
        assert "parallax" not in node.run("nft list ruleset")
        assert not (node.root / "etc/parallax").exists()
