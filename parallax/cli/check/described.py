"""A flow that a person describes by options, as the check that a plan would have."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from parallax.cli.by_hand import BY_HAND

if TYPE_CHECKING:
    from parallax.plan.types import Check

_OPTIONS = {
    ("client", "id"): "--client",
    ("client", "secret"): "--secret client_secret",
    ("client", "auth"): "--client-auth",
    ("client", "redirect_uri"): "--redirect-uri",
    ("user", "name"): "--user",
    ("user", "password"): "--secret password",
    ("user", "totp"): "--secret totp",
    ("user",): "--user",
    ("parameters",): "--parameter",
    ("secret_key",): "--secret secret_key",
}
"""The option that a place in the plan's check stands for, where the two have other words."""
_VALUES = {"--client": " ID", "--user": " NAME", "--issuer": " URL", "--frontend-api": " URL"}


def table_of(given: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """The check's table, as a plan would have it."""
    table: dict[str, Any] = {"use": given.get("use", "oidc.password")}
    table |= {key: given[key] for key in ("issuer", "frontend_api", "instance") if key in given}
    table |= {key: list(given[key]) for key in ("scope", "leave_out") if key in given}
    if "parameter" in given:
        table["parameters"] = dict(given["parameter"])
    words = {"id": "client", "auth": "client_auth", "redirect_uri": "redirect_uri"}
    if client := {key: given[word] for key, word in words.items() if word in given}:
        if "client_secret" in secrets:
            client = {"auth": "basic", **client, "secret": "secret:client_secret"}
        table["client"] = client
    if "user" in given:
        user: dict[str, Any] = {"name": given["user"]}
        if table["use"].endswith(".password"):
            user |= {"password": "secret:password"}
        if "totp" in secrets:
            user["totp"] = {"secret": "secret:totp", "encoding": given.get("totp_encoding", "base32")}
        if "mail_to" in given:
            user["address"] = given["mail_to"]
        if "code" in given:
            user["code"] = given["code"]
        table["user"] = user
    if "secret_key" in secrets:
        table |= {"secret_key": "secret:secret_key"}
    return table


def described(kind: str, table: dict[str, Any]) -> "Check":
    """The check that a person described, by the plan's own rules. Raises UsageError."""
    from parallax.plan.checks import Unsupported, convert_check

    found = convert_check({"name": BY_HAND, "kind": kind, **table})
    if isinstance(found, Unsupported):
        raise click.UsageError("\n".join(_complaint(_option(fault.path), fault.message) for fault in found.faults))
    return found


def _complaint(option: str, message: str) -> str:
    """A plan's message with the way out that a command line has."""
    if not message.startswith("is missing"):
        return f"{option}: {message}"
    value = "=env:NAME" if option.startswith("--secret ") else _VALUES.get(option, "")
    return f"{option}: {message.partition('; write')[0]}; write {option}{value}"


def _option(path: Sequence[str | int]) -> str:
    way = tuple(str(each) for each in path)
    for length in (2, 1):
        if way[:length] in _OPTIONS:
            return _OPTIONS[way[:length]]
    return f"--{way[0].replace('_', '-')}" if way else "the options"
