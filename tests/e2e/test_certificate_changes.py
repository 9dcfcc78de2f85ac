"""From the handshake to the pager: what the check saw of real servers' certificates is what detection tells of."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collector.events import Noticed
from collector.routing.facts import is_alert
from tests.collector.detect.scenes import EIGHT, Scene, fleet
from tests.fakes.http_server import http_server, silent
from tests.parts.certificates import Authority, Leaf
from tests.probe.attempts import check

pytestmark = pytest.mark.slow
LATE = datetime(2049, 1, 1, tzinfo=UTC)
"""After the time that scenes play in."""
PLAN = """
[[check]]
name = "front door"
kind = "tls"
targets = ["idp.example:443"]
period = "30s"
timeout = "10s"
[[component]]
name = "Sign-in"
checks = ["front door"]
"""


async def seen(ca: str, leaf: Leaf) -> dict[str, Any]:
    """The findings of one real handshake."""
    async with http_server(silent, certificate=leaf) as server:
        outcome = await check("tls", f"idp.example:{server.address.port}", server.address, ca=ca, caa=[])
    assert outcome.reason is None, outcome.findings
    return outcome.findings


@pytest.mark.parametrize(
    ("same_issuer", "word", "told"), [(True, "certificate_changed", False), (False, "certificate_issuer_changed", True)]
)
async def test_another_certificate_is_told_once(same_issuer: bool, word: str, told: bool, tmp_path: Path) -> None:
    one, other = Authority("Example CA"), Authority("Another CA")
    (tmp_path / "both.pem").write_text(one.pem + other.pem)
    ca = str(tmp_path / "both.pem")
    before = await seen(ca, one.leaf("idp.example", until=LATE))
    after = await seen(ca, (one if same_issuer else other).leaf("idp.example", until=LATE))
    shown = {"now": before}
    world = Scene(fleet(EIGHT) + PLAN, {"idp.example": ["203.0.113.10", "203.0.113.20"]})
    world.rule(lambda probe, check, target, subject, t: {"findings": shown["now"]})
    world.run(300)
    assert not world.events
    shown["now"] = after
    world.run(300)
    (event,) = (each for each in world.events if isinstance(each.data, Noticed))
    assert isinstance(event.data, Noticed)
    assert event.data.word == word
    assert event.data.before == (before["chain"][0]["sha256"],)
    assert event.data.after == (after["chain"][0]["sha256"],)
    assert is_alert(event.data) is told
