"""A secret goes only where the probe's own config lets it go, whatever the plan says."""

from pathlib import Path

import pytest

from parallax.config import BoundSecret
from parallax.secret import Secret
from probe.hidden import Hidden
from probe.vault import Vault, Withheld, fill, fill_secrets

URL = "https://sso.example.com/login"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    file = tmp_path / "password"
    file.write_text("hunter2hunter2\n")
    file.chmod(0o600)
    hosts = ["sso.example.com", "*.login.example.com", "192.0.2.7", "[2001:db8::7]"]
    return Vault({"PW": BoundSecret(source=f"file:{file}", hosts=hosts)})


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://SSO.example.com:8443/",
        "https://eu.login.example.com/",
        "https://192.0.2.7/",
        "https://[2001:db8::7]/",
    ],
)
def test_it_goes_to_the_hosts_it_is_bound_to_and_is_hidden_from_then_on(vault: Vault, url: str):
    hidden = Hidden()
    assert vault.reveal("PW", url, hidden) == "hunter2hunter2"
    assert hidden.scrub("hunter2hunter2") == "***"


@pytest.mark.parametrize(
    "url",
    [
        "http://sso.example.com/", "https://login.example.com/", "https://evil.example/", "https://sso.example.com.evil.example/",
        "https://evilsso.example.com/", "https://xlogin.example.com/", "https://192.0.2.8/",
    ],
)  # fmt: skip
def test_it_goes_nowhere_else(vault: Vault, url: str):
    with pytest.raises(Withheld) as caught:
        vault.reveal("PW", url, Hidden())
    assert caught.value.word == "secret_withheld"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("source", ["env:PARALLAX_NO_SUCH_VARIABLE", "file:/nonexistent/password"])
def test_what_cannot_be_read_is_missing_and_says_where_it_should_be(source: str):
    vault = Vault({"PW": BoundSecret(source=source, hosts=["sso.example.com"])})
    for use in (lambda: vault.reveal("PW", URL, Hidden()), lambda: vault.known("PW", Hidden())):
        with pytest.raises(Withheld, match="PW: ") as caught:
            use()
        assert caught.value.word == "secret_missing"


def test_one_that_the_config_does_not_have_is_named(vault: Vault):
    with pytest.raises(Withheld, match=r"no \[secrets\.OTHER\]; add it"):
        vault.reveal("OTHER", URL, Hidden())


def test_a_template_is_filled_for_the_url_that_it_goes_to(vault: Vault):
    values = {"user.name": "synthetic-fra1", "at": Secret("token")}
    text = fill("{user.name}:{secret:PW}:{at}:{{}}", values, URL, vault, Hidden())
    assert text == "synthetic-fra1:hunter2hunter2:token:{}"
    with pytest.raises(Withheld) as caught:
        fill("{later}", values, URL, vault, Hidden())
    assert caught.value.word == "value_missing"


def test_a_body_of_json_has_secrets_as_its_only_gaps(vault: Vault):
    assert fill_secrets('{"key": "{secret:PW}", "x": {}}', URL, vault, Hidden()) == '{"key": "hunter2hunter2", "x": {}}'
