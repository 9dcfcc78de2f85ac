"""A chain as a tree, parity as a table with the worst first, from observations of real runs and from hostile ones."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from parallax.cli.show import render
from parallax.observation import Observation

VECTORS = Path(__file__).parents[3] / "vectors"


def golden(name: str) -> Observation:
    return msgspec.msgpack.decode((VECTORS / f"observation-{name}.msgpack").read_bytes(), type=Observation)


def shown(*observations: Observation, width: int = 120) -> list[str]:
    console = Console(width=width, record=True, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(render(observations, width=width))
    return [line.rstrip() for line in capture.get().splitlines()]


def with_findings(observation: Observation, **findings: Any) -> Observation:
    return msgspec.structs.replace(observation, findings=observation.findings | findings)


def test_a_chain_is_a_tree_with_zone_operator_and_servers() -> None:
    lines = shown(golden("dns.chain-1"))
    assert lines[0] == "ok"
    assert any(
        line.split() == ["clerk.acme.test", "CNAME", "300", "acme.test", "nic.test", "2", "of", "2"] for line in lines
    )
    assert any(line.lstrip().startswith("> frontend-api.idp.example") and "8 of 8" in line for line in lines)
    assert any("203.0.113.80" in line for line in lines)


def test_a_dark_hop_says_how_its_servers_failed() -> None:
    lines = shown(golden("dns.chain-2"))
    assert "dns_hop_dark" in lines[0]
    assert any("> frontend-api.idp.example" in line and "0 of 8 (8 timeout)" in line for line in lines)


def test_parity_says_whether_the_fallback_is_ready_and_the_worst_first() -> None:
    lines = shown(golden("dns.parity-1"))
    ready = next(line for line in lines if "fallback ready" in line)
    assert "no, because it lacks the mail records mail1.acme MX" in ready
    rows = [line.split()[0] for line in lines if line.strip().startswith(("critical", "high", "low"))]
    assert rows == sorted(rows, key=["critical", "high", "low"].index)
    assert len(rows) > 5
    assert any("not known: it cannot be compared" in line for line in shown(golden("dns.parity-2")))


@pytest.mark.parametrize("kind", ["dns.chain-1", "dns.parity-1"])
@pytest.mark.parametrize(
    "junk", [None, 7, "text", [], [7, None], {}, {"x": 1}, [{"owner": 3, "servers": {"x": []}}], [[]]]
)
def test_findings_of_any_shape_are_shown(kind: str, junk: Any) -> None:
    seen = golden(kind)
    for key in seen.findings:
        assert shown(with_findings(seen, **{key: junk}))


@pytest.mark.parametrize("kind", ["dns.chain-1", "dns.parity-1"])
def test_control_characters_do_not_reach_the_terminal(kind: str) -> None:
    evil = "\x1b[31mred\r\n"
    row = {"name": evil, "type": evil, "class": evil, "primary": [evil], "fallback": [evil], "what": evil}
    hop = {"owner": evil, "zone": evil, "operator": evil, "servers": {evil: evil}}
    lines = shown(with_findings(golden(kind), rows=[row], hops=[hop], because=evil, unlisted=[evil], end=[evil]))
    assert not any("\x1b" in line or "\r" in line for line in lines)
