"""`parallax up` has no config: the secrets that checks name are in the environment, each for those checks' hosts."""

from pathlib import Path

import pytest

from parallax.cli.up import _bound, _loaded, _missing

PLAN = """
[[check]]
name = "sign-in"
kind = "signin"
use = "oidc.password"
issuer = "https://SSO.example.com:8443/realms/staff"
client = { id = "web" }
user = { name = "synthetic-{probe}", password = "secret:PW" }

[[check]]
name = "api"
kind = "http"
targets = ["https://api.example.com/", "https://[2001:db8::7]/"]
method = "POST"
headers = { Authorization = "Bearer {secret:KEY}" }
body = '{"password": "{secret:PW}", "more": {}}'

[[check]]
name = "certificate"
kind = "tls"
targets = ["api.example.com"]
"""


def test_each_goes_to_the_hosts_of_the_checks_that_name_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN)
    found = _bound(_loaded(file))
    assert {name: bound.source for name, bound in found.items()} == {"PW": "env:PW", "KEY": "env:KEY"}
    assert found["PW"].hosts == ["sso.example.com", "api.example.com", "[2001:db8::7]"]
    assert found["KEY"].hosts == ["api.example.com", "[2001:db8::7]"]


def test_those_that_nobody_has_set_are_said_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN)
    monkeypatch.delenv("PW", raising=False)
    monkeypatch.setenv("KEY", "")
    bound = _bound(_loaded(file))
    assert _missing(bound) == "checks name secrets that no environment variable has: PW, KEY"
    monkeypatch.setenv("PW", "a")
    assert _missing(bound).endswith(" has: KEY")
    monkeypatch.setenv("KEY", "b")
    assert _missing(bound) == ""
