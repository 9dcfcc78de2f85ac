"""How mail records and signatures are laid out for a person: the golden observations as tables."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from rich.console import Console

from parallax.cli.check import check
from parallax.cli.show import render
from parallax.observation import Observation

VECTORS = Path(__file__).parents[3] / "vectors"


def drawn(kind: str, *numbers: int) -> str:
    files = [VECTORS / f"observation-{kind}-{number}.msgpack" for number in numbers]
    seen = [msgspec.msgpack.decode(file.read_bytes(), type=Observation) for file in files]
    console = Console(width=110, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(render(seen, width=110, plain=True))
    return capture.get()


def line(text: str, start: str) -> list[str]:
    return next(each.split() for each in text.splitlines() if each.strip().startswith(start))


def test_mail_is_a_line_a_view_and_says_why() -> None:
    text = drawn("dns.mail", 1, 2)
    assert line(text, "failed operator dns-b")[3:] == ["weak", "missing", "missing", "ok", "missing"]
    assert line(text, "ok")[1:] == ["r1", "ok", "ok", "ok", "(reject)", "ok", "ok"]
    assert "missing: clk._domainkey.idp.example does not exist" in " ".join(text.split())
    assert "not as at the primary operator" in text


def test_signatures_are_a_line_for_parent_operator_and_resolver() -> None:
    text = drawn("dns.dnssec", 1, 2, 3)
    operator = line(text, "degraded operator dns-a")
    assert {"good", "proven", "UTC"} <= set(operator)
    assert line(text, "ok       r1")[-1] == "validated"
    assert "dnssec_expires_soon" in text


@pytest.mark.parametrize("selector", ["dkim 1", "clk._domainkey.", ""])
def test_a_selector_is_held_to_the_plans_rules(selector: str) -> None:
    result = CliRunner().invoke(check, ["dns.mail", "acme.test", "--selector", selector])
    assert result.exit_code == 2
    assert "wants a DKIM selector: letters, digits" in " ".join(result.output.split())
