"""The secrets of a sign-in by hand: where they are, a probe's config that has them, or a person who types them. Never
on the command line, which everyone on the host can read and the shell keeps."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from parallax.cli.values import Parsed
from parallax.plan.templates import NAME
from parallax.secret import Secret, SecretError, check_reference, read_secret
from parallax.values import Url

if TYPE_CHECKING:
    from parallax.config import BoundSecret
    from parallax.plan.types import Check
    from probe.vault import Vault

Command = TypeVar("Command", bound=Callable[..., Any])
Places = Sequence[tuple[str, str]]
"""Names of secrets, and where they are."""


def secret_options(command: Command) -> Command:
    """--secret, --secret-host, --password-stdin; and options that are refused, as a person may well try them."""
    options: tuple[Callable[[Any], Any], ...] = (
        click.option(
            "--password-stdin", is_flag=True, help="Read the password from standard input; typed in if left out."
        ),
        click.option(
            "--secret-host",
            type=Parsed("host", _host),
            multiple=True,
            metavar="HOST",
            help="Another host that secrets may go to, beside the issuer's. Repeatable.",
        ),
        click.option(
            "--secret",
            type=Parsed("secret", _secret),
            multiple=True,
            metavar="NAME=PLACE",
            help="Where a secret is: env:NAME, file:PATH or credential:NAME. Repeatable.",
        ),
        click.option("--password", hidden=True, expose_value=False, callback=_refuse),
        click.option("--client-secret", hidden=True, expose_value=False, callback=_refuse),
        click.option("--totp", hidden=True, expose_value=False, callback=_refuse),
        click.option("--secret-key", hidden=True, expose_value=False, callback=_refuse),
    )
    for option in options:
        command = option(command)
    return command


def typed_password() -> Secret:
    """Asks the person at the terminal; nothing is shown."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "the password is missing; write --secret password=env:NAME (or file:PATH), or --password-stdin"
        )
    return Secret(click.prompt("Password", hide_input=True, err=True))


def piped_password() -> Secret:
    """The first line of standard input."""
    line = sys.stdin.readline(65536).rstrip("\r\n")
    if not line:
        raise click.UsageError("--password-stdin: standard input is empty")
    return Secret(line)


def vault_of(
    places: Places,
    typed: Mapping[str, Secret],
    hosts: Iterable[str],
    config: "Mapping[str, BoundSecret] | None" = None,
) -> "Vault":
    """All of these, each bound to these hosts; those of a probe's config are bound as it says. Raises UsageError for
    one that cannot be read: later, half of the flow would be done."""
    from parallax.config import BoundSecret
    from probe.vault import Vault

    for name, place in places:
        try:
            read_secret(place)
        except SecretError as error:
            raise click.UsageError(f"--secret {name}: {error}") from None
    bound = list(hosts)
    bindings = dict(config or {})
    bindings |= {name: BoundSecret(source=place, hosts=bound) for name, place in places}
    bindings |= {name: BoundSecret(source="env:", hosts=bound) for name in typed}
    return Vault(bindings, typed)


def with_backend(vault: "Vault", check: "Check", places: Places) -> "Vault":
    """Where the flow has a backend API with a key of its own: the key may go there, too, and nothing else may."""
    key, backend = getattr(check.spec, "secret_key", None), getattr(check.spec, "backend_api", None)
    name = key.removeprefix("secret:") if key else None
    if backend is None or name not in {each for each, _ in places}:
        return vault
    bound = vault.bindings[name]
    widened = msgspec.structs.replace(bound, hosts=[*bound.hosts, host_of(backend)])
    return msgspec.structs.replace(vault, bindings={**vault.bindings, name: widened})


def host_of(target: str) -> str:
    """The host of a URL, as [secrets.NAME] has it."""
    host = Url(target).endpoint.host.lower()
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def refuse_missing(names: Iterable[str], vault: "Vault") -> None:
    """Says which secrets the flow names that nobody has given, before anything is sent."""
    missing = sorted(set(names) - vault.bindings.keys())
    if missing:
        ways = " ".join(f"--secret {name}=env:NAME" for name in missing)
        raise click.UsageError(
            f"the flow needs {'a secret' if len(missing) == 1 else 'secrets'} that nobody has given: "
            f"{', '.join(missing)}; write {ways}, or --config with the probe's own config"
        )


def _secret(text: str) -> tuple[str, str]:
    """What is wrong is said without the text: it may be the secret itself."""
    name, equals, place = text.partition("=")
    if not equals or not re.fullmatch(NAME, name):
        raise ValueError("wants a name and a place, like password=env:PW or password=file:/run/secrets/pw")
    try:
        check_reference(place)
    except ValueError as error:
        raise ValueError(f"what stands after the = {error}") from None
    return name, place


def _host(text: str) -> str:
    from parallax.config import HostPattern

    meta = HostPattern.__metadata__[0]  # type: ignore[attr-defined]
    if not re.fullmatch(meta.pattern, text.lower()):
        raise ValueError(f"{text!r} does not fit; wants {meta.description}")
    return text.lower()


def _refuse(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is None:
        return
    name = (parameter.name or "").replace("-", "_")
    typed = ", or leave it out and type it when asked" if name == "password" else ""
    raise click.UsageError(
        f"a secret on the command line is seen by everyone on this host, and kept in the shell's history; write "
        f"--secret {name}=env:NAME (or file:PATH){typed}. This one should be changed now"
    )
