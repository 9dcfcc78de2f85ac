"""A certificate as the place of a fault: several hosts show the same one, and fail by it and by nothing else."""

from typing import Any

from collector.events import FaultDomain
from tests.collector.detect.scenes import Scene, fleet

HOSTS = ["a.vendor.example", "b.vendor.example", "c.other.example", "d.vendor.example"]
SHARED, OWN = "2d" * 32, "e4" * 32
PLAN = (
    fleet()
    + '[defaults]\nperiod = "10s"\ntimeout = "2s"\n'
    + "".join(
        f'[[check]]\nname = "{host[0]} {kind}"\nkind = "{kind}"\nexternal = false\ntargets = ["{target}"]\n'
        for host in HOSTS
        for kind, target in (("tls", f"{host}:443"), ("http", f"https://{host}/"))
    )
)
ADDRESSES = {host: [f"192.0.2.{n}"] for n, host in enumerate(HOSTS, 1)}


def scene() -> Scene:
    found = Scene(PLAN, ADDRESSES)

    def shows(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        return {"findings": {"chain": [{"sha256": leaf(target)}]}}

    found.rule(shows)
    found.run(30)
    return found


def leaf(target: str) -> str:
    return OWN if "d.vendor" in target else SHARED


def fail(found: Scene, reason: str, *, but: str = "d.vendor") -> None:
    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        return {} if but in target else {"reason": reason, "findings": {"chain": [{"sha256": leaf(target)}]}}

    found.rule(rule)
    found.run(40)


def test_a_certificate_that_several_hosts_show_is_what_fails() -> None:
    found = scene()
    fail(found, "tls_expired")
    [incident] = found.board.incidents
    assert incident.domain == FaultDomain(kind="certificate", name=SHARED[:16], certain=True)
    assert incident.title.startswith("The certificates of ")
    assert incident.title.endswith(" have expired")
    assert all(host in incident.title for host in HOSTS[:3])
    assert incident.because[0] == f"all 8 probes fail at certificate {SHARED[:16]}"
    assert incident.stage == "identified"


def test_what_gets_past_the_handshake_does_not_blame_the_certificate() -> None:
    found = scene()
    fail(found, "http_server_error")
    domains = {incident.domain.kind for incident in found.board.incidents if incident.domain}
    assert domains
    assert "certificate" not in domains


def test_a_certificate_that_one_host_alone_shows_is_that_host() -> None:
    found = scene()
    fail(found, "tls_expired", but=".other")
    found.run(1)
    kinds = {(i.domain.kind, i.domain.name) for i in found.board.incidents if i.domain}
    assert kinds, "a and b show one that c is well with"
    assert not any(kind == "certificate" for kind, _ in kinds)


def test_findings_of_any_shape_are_survived() -> None:
    found = scene()
    chains: list[Any] = [None, 7, [], [None], ["x"], [{}], [{"sha256": 5}], [{"sha256": "ab" * 9999}]]
    for chain in chains:
        found.rules = []
        found.rule(lambda *_, chain=chain: {"findings": {"chain": chain}})
        found.run(10)
    shown = {vote.certificate for key in found.state.keys.values() for vote in key.votes.values()}
    assert shown == {("ab" * 9999)[:16]}
