"""`parallax up` has no config: the secrets that checks name are in the environment, each for those checks' hosts."""

from pathlib import Path

from parallax.cli.up import _bound, _loaded

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
