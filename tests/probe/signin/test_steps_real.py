"""Flows of a plan's own at a real provider, as docs/flows.md has them."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from parallax.observation import Observation
from parallax.plan.checks import Check, Unsupported, convert_check
from parallax.plan.load import load_plan
from probe.tools import Tools
from tests.parts.oidc_provider import OidcProvider
from tests.probe.signin.flows import run, told, tools_for

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "flows.md"


def example(number: int = 0) -> str:
    """A plan of the page."""
    return re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[number]


def at(provider: OidcProvider, plan: str) -> Check:
    """The plan's one check, with the provider's issuer in place of the page's."""
    (table,) = tomllib.loads(plan.replace("https://sso.example.com", provider.issuer))["check"]
    check = convert_check({**table, "period": "600s"})
    assert not isinstance(check, Unsupported), check.message
    return check


async def test_the_whole_example_of_the_page_runs(provider: OidcProvider, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(example())
    load_plan(tmp_path / "plan.toml")
    found = await run(at(provider, example()), tools_for(provider, tmp_path))
    assert told(found) == [
        ("discovery", None), ("jwks", None), ("open", None), ("password", None), ("consent", None), ("token", None),
        ("check-token", None), ("who", None), ("logout", None),
    ]  # fmt: skip
