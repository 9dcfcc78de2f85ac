"""A zone's run as a person reads it: one table of servers, and what parent, zone and resolvers say."""

from pathlib import Path

import msgspec
from rich.console import Console

from parallax.cli.show import render
from parallax.observation import Observation

VECTORS = Path(__file__).parents[3] / "vectors"


def golden(number: int) -> Observation:
    return msgspec.msgpack.decode((VECTORS / f"observation-dns.zone-{number}.msgpack").read_bytes(), type=Observation)


def drawn(*observations: Observation, width: int = 120) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(render(observations, width=width))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_servers_are_lines_and_the_delegation_stands_below() -> None:
    lines = drawn(golden(1), golden(2), golden(3))
    assert lines[0].startswith("failed at 1 of 3: the name of a name server leads to no address")
    head = next(line for line in lines if "server" in line and "serial" in line)
    assert head.split() == ["server", "address", "operator", "site", "serial", "rtt", "class"]
    row = next(line for line in lines if "ns1.idp.example" in line)
    assert row.split()[:7] == ["ok", "ns1.idp.example", "192.0.2.1", "Operator", "A", "fra1.ns-a", "7"]
    assert any(line.split() == ["failed", "gone.acme.test", "acme.test", "no_such_name"] for line in lines)
    assert any(line.strip().startswith("verdict") and "dns_delegation_wrong" in line for line in lines)
    assert any("198.51.100.11:53" in line and "ns2.operator-a.test" in line and "300" in line for line in lines)
    assert any(line.split()[:1] == ["plain"] and line.split()[-1] == "a" for line in lines if line.strip())


def test_text_from_the_network_is_cleaned() -> None:
    hostile = msgspec.structs.replace(golden(1), site="\x1b[31mred", dims=golden(1).dims | {"server": "ns\x07.test"})
    lines = drawn(hostile, golden(1))
    assert not any("\x1b[31m" in line or "\x07" in line for line in lines)
    assert any("\\x1b[31mred" in line for line in lines)
