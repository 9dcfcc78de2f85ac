"""Configs and plan parts for a probe under test."""

from pathlib import Path
from typing import Any

import msgspec

from parallax.config import CollectorAddress, ProbeConfig
from parallax.plan.checks import check_table, convert_check
from parallax.plan.part import encode_part, part_hash
from parallax.plan.types import Check, Part, Probe
from parallax.values import Address, Cidr, Url


def probe_config(folder: Path, *ports: int, probe: str = "p1", **more: Any) -> ProbeConfig:
    """A probe that ships to collectors on loopback, and may dial loopback."""
    token = folder / "token"
    token.write_text("t0ken")
    token.chmod(0o600)
    collectors = [
        CollectorAddress(
            url=Url(f"http://127.0.0.1:{port}"), token=f"file:{token}", address=Address.of("127.0.0.1", port)
        )
        for port in ports
    ]
    return ProbeConfig(id=probe, state=str(folder / "state"), collector=collectors, allow=[Cidr("127.0.0.0/8")], **more)


def part(*tables: dict[str, Any], probe: str = "p1") -> tuple[bytes, str]:
    """A part with these checks, as a collector serves it, and its ETag; tables that no probe knows too."""
    raws = []
    for table in tables:
        check = convert_check(table)
        raws.append(msgspec.Raw(msgspec.json.encode(check_table(check) if isinstance(check, Check) else table)))
    made = Part(probe=Probe(id=probe), slot=(0, 1), check=raws)
    return encode_part(made), part_hash(made)


def tcp_check(*targets: str, name: str = "front", period: str = "1s", timeout: str = "500ms") -> dict[str, Any]:
    """A check that needs no server to say something."""
    return {
        "name": name,
        "kind": "http",
        "targets": list(targets),
        "period": period,
        "timeout": timeout,
        "external": False,
    }
