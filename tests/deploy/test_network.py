"""From two bare hosts to a network, on hosts with a systemd of their own: what CI runs."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.deploy.ground import Ground, bundle_or_skip, recap
from tests.parts.nodes import Node, nodes

pytestmark = [pytest.mark.slow, pytest.mark.deploy, pytest.mark.timeout(5400), pytest.mark.xdist_group("deploy")]

SECRET = "s3cret-of-a-check"  # no secret: what must never be seen
MOST_MB = 80
MOST_EXPOSED = 2.0


@dataclass
class Made:
    """A network that site.yml has made."""

    ground: Ground
    hub: Node
    probe: Node
    said: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("deploy")
    with nodes(folder) as network:
        bundle = bundle_or_skip(folder)
        hub, probe = network.start("hub", "fra1")
        ground = Ground(network, folder, bundle)
        ground.list("collector", hub)
        labels = {"probe_region": "eu-central", "probe_provider": "hoster-a", "probe_asn": 64500}
        secrets = {"probe_secrets": {"SSO_PASSWORD": {"value": SECRET, "hosts": ["sso.example.com"]}}}
        ground.list("probes", probe, probe_location=[50.11, 8.68], **labels, **secrets)
        yield Made(ground, hub, probe, ground.play("site", "--diff", "-v"))


def test_observations_flow(made: Made) -> None:
    made.ground.wait_heard(made.hub, "fra1")
    found = made.ground.probe(made.hub, "fra1")
    assert found["connected"]
    assert found["missing"] == found["conflicts"] == 0


def test_a_second_run_and_a_look_change_nothing(made: Made) -> None:
    for options in ([], ["--check"]):
        said = made.ground.play("site", "--diff", *options)
        assert [recap(said, host)["changed"] for host in ("hub", "fra1")] == [0, 0], said[-6000:]


def test_no_secret_is_said_shown_or_readable(made: Made) -> None:
    token = made.probe.run("cat /etc/parallax/credentials/collector-token")
    assert token.startswith("parallax-probe-")
    arguments = made.probe.run(
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", check=False
    )
    journal = made.probe.run("journalctl -o cat --no-pager") + made.hub.run("journalctl -o cat --no-pager")
    for secret in (token, SECRET):
        assert secret not in made.said
        assert secret not in arguments
        assert secret not in journal
    modes = made.probe.run("stat -c '%a %U' /etc/parallax/credentials /etc/parallax/credentials/*").splitlines()
    assert modes == ["700 root", "600 root", "600 root"]


def test_the_unit_is_narrow_and_the_probe_small(made: Made) -> None:
    for node, unit in ((made.probe, "parallax-probe"), (made.hub, "parallax-collector")):
        line = node.run(f"systemd-analyze security {unit} --no-pager | tail -n 1")
        assert float(line.partition("service: ")[2].split()[0]) <= MOST_EXPOSED, line
        shown = node.run(f"systemctl show {unit} -p MemoryMax -p CPUQuotaPerSecUSec -p WatchdogUSec -p NotifyAccess")
        assert "infinity" not in shown
    assert int(made.probe.run("du -sm /opt/parallax | cut -f1")) < MOST_MB
    assert made.probe.run("stat -c %a /var/lib/private/parallax-probe") == "700"
    assert made.probe.run("ps -o user= -p $(systemctl show parallax-probe -p MainPID --value)") not in ("root", "")


def test_a_probe_listens_on_nothing(made: Made) -> None:
    lines = made.probe.run("ss -Hltnup").splitlines()
    assert [line for line in lines if "sshd" not in line] == []


def test_the_log_is_json(made: Made) -> None:
    assert '"event": "collector is up"' in made.hub.run("journalctl -t parallax-collector -o cat --no-pager")


def test_the_labels_of_the_inventory_are_in_the_plan(made: Made) -> None:
    plan = made.hub.run("cat /etc/parallax/plan.toml")
    for line in ('region = "eu-central"', 'provider = "hoster-a"', "asn = 64500", "location = [50.11, 8.68]"):
        assert line in plan


def test_what_is_killed_comes_back(made: Made) -> None:
    made.probe.run("systemctl kill -s KILL parallax-probe")
    made.ground.network.wait(
        lambda: made.probe.run("systemctl is-active parallax-probe", check=False) == "active", "it stays down"
    )
    made.ground.wait_heard(made.hub, "fra1")


def test_a_plan_that_is_wrong_stays_out(made: Made) -> None:
    before = made.hub.run("cat /etc/parallax/plan.toml")
    plan = made.ground.folder / "plan.toml"
    good = plan.read_text("utf-8")
    plan.write_text(good + 'unheard = "of"\n', "utf-8")
    try:
        status, said = made.ground.try_play("site", "--limit", "hub")
    finally:
        plan.write_text(good, "utf-8")
    assert status != 0
    assert "unheard" in said
    assert made.hub.run("cat /etc/parallax/plan.toml") == before
