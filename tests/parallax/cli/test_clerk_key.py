"""The key of Clerk's backend API by hand: where it may go."""

from typing import Any

import pytest

from parallax.cli.check.secret_options import vault_of, with_backend
from parallax.cli.check.signin import described
from probe.hidden import Hidden
from probe.vault import Vault, Withheld

KEY, PW = ("secret_key", "env:THE_KEY"), ("password", "env:THE_PASSWORD")


def vault_for(monkeypatch: Any, **more: Any) -> Vault:
    monkeypatch.setenv("THE_KEY", "sk_of_a_test")
    monkeypatch.setenv("THE_PASSWORD", "plain old phrase")
    user = {"name": "one@example.com", **({"password": "secret:password"} if more["use"] == "clerk.password" else {})}
    check = described("signin", {"frontend_api": "https://clerk.example.com", "user": user, **more})
    return with_backend(vault_of([KEY, PW], {}, ["clerk.example.com"]), check, [KEY, PW])


def test_it_goes_to_the_backend_and_no_password_does(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = vault_for(monkeypatch, use="clerk.password", secret_key="secret:secret_key")
    assert vault.reveal("secret_key", "https://api.clerk.com/v1/sessions", Hidden()) == "sk_of_a_test"
    assert vault.reveal("password", "https://clerk.example.com/v1/client", Hidden()) == "plain old phrase"
    for name, url in (("password", "https://api.clerk.com/v1"), ("secret_key", "https://api.clerk.com.evil.example")):
        with pytest.raises(Withheld):
            vault.reveal(name, url, Hidden())


def test_a_flow_without_it_widens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = vault_for(monkeypatch, use="clerk.password")
    with pytest.raises(Withheld):
        vault.reveal("secret_key", "https://api.clerk.com/v1", Hidden())
