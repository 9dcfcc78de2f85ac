"""Certificates, keys and discovery: what is noticed, how often, and on whose word."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collector.board import CertificateBoard
from collector.detect import decode_state, encode_state
from collector.detect.published.certificates import MAX_LEAVES, MAX_NAMES, MAX_SHOWN
from collector.detect.risks.expiry import STAGES, stage_of, warns_ns
from collector.events import Noticed, RiskChanged
from parallax.clock import NS
from tests.collector.detect.flow_world import ISSUER, Provider
from tests.collector.detect.flow_world import PLAN as FLOWS
from tests.collector.detect.scenes import EIGHT, T0, Scene, fleet

DAY = 86400 * NS
FOUR = [f"203.0.113.{n}" for n in (10, 20, 30, 40)]
PLAN = """
[defaults]
period = "30s"
timeout = "10s"
[[check]]
name = "front door"
kind = "tls"
targets = ["idp.example:443"]
[[check]]
name = "api"
kind = "http"
targets = ["https://idp.example/"]
[[component]]
name = "Sign-in"
checks = ["front door", "api"]
"""
CA, OTHER_CA = "Example CA", "Another CA"


class Certificates(Scene):
    """`shows` says which certificate: by address ("" for all), or by (address, probe)."""

    def __init__(self, rows: list[Any] = EIGHT) -> None:
        super().__init__(fleet(rows) + PLAN, {"idp.example": list(FOUR)})
        self.shows: dict[Any, tuple[str, str, float, float]] = {"": ("a" * 64, CA, 60, 90)}
        self.rule(self._certificate)

    def _certificate(self, probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        address = subject.rpartition(":")[0]
        shown = self.shows.get((address, probe)) or self.shows.get(address) or self.shows[""]
        sha256, issuer, days_left, life = shown
        end = datetime.fromtimestamp(T0 / NS, UTC) + timedelta(days=days_left)
        leaf = {
            "sha256": sha256, "issuer": f"CN=R{len(sha256)},O={issuer}",
            "not_before": (end - timedelta(days=life)).isoformat(), "not_after": end.isoformat(),
        }  # fmt: skip
        return {"findings": {"chain": [leaf], "issued_by": issuer}}

    def notices(self) -> list[Noticed]:
        return [e.data for e in self.events if isinstance(e.data, Noticed)]

    def risks_told(self) -> list[tuple[str, str]]:
        return [(e.data.change, e.data.risk.title) for e in self.events if isinstance(e.data, RiskChanged)]

    def certificate(self) -> CertificateBoard:
        [board] = self.board.certificates
        return board


NEW = ("b" * 64, CA, 90.0, 90.0)


def settled(rows: list[Any] = EIGHT) -> Certificates:
    world = Certificates(rows)
    world.run(300)
    assert world.events == []
    return world


def test_a_renewal_is_one_notice_however_many_addresses_checks_and_probes() -> None:
    world = settled()
    world.shows[""] = NEW
    world.run(900)
    [notice] = world.notices()
    assert notice.word == "certificate_changed"
    assert notice.severity == "info"
    assert notice.title == "The certificate of idp.example is a new one, at all 4 addresses"
    assert notice.why == "ends 2026-12-20, by Example CA"
    assert (notice.before, notice.after) == (("a" * 64,), ("b" * 64,))
    assert notice.components == ("Sign-in",)
    assert [leaf.sha256 for leaf in world.certificate().leaves] == ["b" * 64]


def test_a_renewal_that_is_half_done_is_one_notice_too_and_the_board_has_how_far_it_is() -> None:
    world = settled()
    world.shows[FOUR[0]] = NEW
    world.run(300)
    assert world.notices() == []
    world.shows[FOUR[1]] = NEW
    world.run(500)
    [notice] = world.notices()
    assert notice.title == "The certificate of idp.example is a new one, so far at 2 of 4 addresses"
    assert "203.0.113.30, 203.0.113.40 still" in notice.why
    leaves = world.certificate().leaves
    assert [(leaf.sha256[0], leaf.addresses) for leaf in leaves] == [
        ("b", (FOUR[0], FOUR[1])),
        ("a", (FOUR[2], FOUR[3])),
    ]
    world.shows[""] = NEW
    world.run(900)
    assert len(world.notices()) == 1


def test_another_issuer_is_a_warning_once_every_probe_had_its_turn() -> None:
    world = settled()
    world.shows[FOUR[0]] = ("c" * 64, OTHER_CA, 90, 90)
    world.run(150)
    [notice] = world.notices()
    assert notice.word == "certificate_issuer_changed"
    assert notice.severity == "warning"
    assert notice.title == (
        "The certificate of idp.example is by another issuer: Another CA, not Example CA, so far at 1 of 4 addresses"
    )


def test_another_intermediate_of_the_same_authority_is_no_other_issuer() -> None:
    world = settled()
    world.shows[""] = ("b" * 60, CA, 90, 90)
    world.run(300)
    assert [notice.word for notice in world.notices()] == ["certificate_changed"]


def test_certificates_that_were_there_all_along_may_come_by_turns() -> None:
    world = Certificates()
    world.shows[FOUR[1]] = ("d" * 64, OTHER_CA, 80, 90)
    world.run(300)
    world.shows[FOUR[1]], world.shows[""] = world.shows[""], world.shows[FOUR[1]]
    world.run(1200)
    assert world.notices() == []


def test_what_one_probe_alone_is_shown_is_not_the_names_certificate() -> None:
    world = settled()
    for address in FOUR:
        world.shows[address, "fra1"] = ("e" * 64, OTHER_CA, 90, 90)
    world.run(4500)
    assert world.notices() == []


def test_the_only_probe_is_believed() -> None:
    world = settled(EIGHT[:1])
    world.shows[""] = NEW
    world.run(300)
    assert len(world.notices()) == 1


def test_a_refused_certificate_is_a_fault_and_no_renewal() -> None:
    world = settled()
    world.shows[""] = NEW
    rule = world.rules[0][1]
    world.rule(lambda *at: {**(rule(*at) or {}), "reason": "tls_untrusted"})
    world.run(300)
    assert world.notices() == []
    assert len(world.incidents()) == 1


def test_a_renewal_is_told_once_over_a_restart() -> None:
    world = settled()
    world.shows[FOUR[0]] = NEW
    world.run(300)
    world.reload()
    world.run(500)
    world.reload()
    world.run(500)
    assert len(world.notices()) == 1


def test_certificates_that_probes_make_up_fill_nothing() -> None:
    world = settled()
    number = 0
    for _ in range(40):
        world.t += 1
        said = []
        for _ in range(50):
            number += 1
            leaf = {"sha256": f"{number:064x}", "not_after": "9999-12-31T23:59:59Z", "issuer": "x" * 5000}
            subject = f"198.51.{number // 250}.{number % 250}:{number % 60000}"
            said.append(world.observe("fra1", "front door", "idp.example:443", subject, findings={"chain": [leaf]}))
        world.say("fra1", said)
    names = world.state.certificates
    assert len(names) <= MAX_NAMES
    assert all(len(name.leaves) <= MAX_LEAVES and len(name.shown) <= MAX_SHOWN for name in names.values())
    assert decode_state(encode_state(world.state)) == world.state
    world.shows[""] = NEW
    world.run(900)
    assert [notice.target for notice in world.notices() if notice.after == ("b" * 64,)] == ["idp.example"]


# ---- the end of a certificate
@pytest.mark.parametrize(
    ("life_days", "stages"),
    [
        (398, (30, 14, 3)),
        (90, (30, 14, 3)),
        (47, (47 / 3, 47 / 6, 47 / 30)),
        (6, (2, 1, 0.2)),
        (1, (1 / 3, 1 / 6, 1 / 30)),
    ],
)
def test_the_stages_of_a_certificates_end(life_days: float, stages: tuple[float, ...]) -> None:
    warns = warns_ns(int(life_days * DAY))
    for number, days in enumerate(stages):
        at = int(days * DAY)
        assert stage_of(warns, at + 10 * NS) == number
        assert stage_of(warns, at - 10 * NS) == number + 1
    assert warns_ns(-5) == 0
    assert warns_ns(90 * DAY) == STAGES[0]


@pytest.mark.slow
def test_the_end_of_a_certificate_is_told_at_each_stage_and_cleared_by_its_renewal() -> None:
    world = settled()
    world.shows[FOUR[0]] = ("a" * 64, CA, 14 + 600 / 86400, 90)
    world.run(120)
    assert world.risks_told() == [("raised", "The certificate of idp.example ends in 14 days")]
    [risk] = world.board.risks
    assert "203.0.113.10" in risk.why
    world.run(1200)
    assert [change for change, _ in world.risks_told()] == ["raised", "updated"]
    world.shows = {"": NEW}
    world.run(300)
    assert [change for change, _ in world.risks_told()] == ["raised", "updated", "cleared"]


# ---- keys and discovery
def test_a_rotation_of_keys_is_noticed_once() -> None:
    world = Provider()
    world.says["jwks"] = {"kids": ["k1", "k2"]}
    world.minutes(3)
    assert world.notices() == []
    world.says["jwks"] = {"kids": ["k3", "k2"]}
    world.minutes(5)
    [notice] = world.notices()
    assert (notice.word, notice.severity, notice.target) == ("keys_rotated", "info", ISSUER)
    assert notice.title == "Keys of idp.example rotated: k3 is new; k1 is gone"
    assert (notice.before, notice.after) == (("k1", "k2"), ("k2", "k3"))
    world.says["jwks"] = {"kids": ["k1", "k2"]}
    world.minutes(3)
    world.reload()
    world.says["jwks"] = {"kids": ["k3", "k2"]}
    world.minutes(3)
    assert len(world.notices()) == 1, "caches hand out both for a while"
    world.says["jwks"] = {"kids": ["k4"]}
    world.minutes(3)
    assert "none of those before is left" in world.notices()[-1].why


def test_endpoints_that_move_are_a_warning() -> None:
    world = Provider()
    endpoints = {"token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/jwks"}
    world.says["discovery"] = {"endpoints": endpoints}
    world.minutes(3)
    world.says["discovery"] = {"endpoints": {**endpoints, "jwks_uri": f"{ISSUER}/keys"}}
    world.minutes(3)
    [notice] = world.notices()
    assert (notice.word, notice.severity) == ("discovery_changed", "warning")
    assert notice.title == "Discovery of idp.example changed: jwks_uri"
    assert notice.before == (f"jwks_uri {ISSUER}/jwks",)
    assert notice.after == (f"jwks_uri {ISSUER}/keys",)


def test_keys_that_one_probe_alone_reads_are_no_rotation() -> None:
    world = Provider()
    world.says["jwks"] = {"kids": ["k1"]}
    world.minutes(3)
    for _ in range(20):
        world.t += 5
        other = world.observe("fra1", "sign-in", ISSUER, "jwks", findings={"kids": ["evil"], "place": [2, 2]})
        world.say("fra1", [other])
    assert world.notices() == []
    world.minutes(2)
    assert world.notices() == []


def test_a_password_that_is_due_to_be_changed_is_a_risk() -> None:
    due = datetime.fromtimestamp(T0 / NS, UTC).date() + timedelta(days=10)
    text = FLOWS.replace('password = "secret:PASSWORD" }', f'password = "secret:PASSWORD", rotate_by = {due} }}')
    world = Provider(text)
    world.minutes(1)
    [risk] = world.risks()
    assert risk.title.startswith("The password of the user that sign-in signs in as is due to be changed in ")
