"""`parallax passkey`: the key that a sign-in check with passkeys signs with."""

import os
from pathlib import Path

import click

from parallax.cli.daemon import fail
from parallax.cli.group import Group


@click.group(cls=Group)
def passkey() -> None:
    """Make the passkeys (W3C Web Authentication) that sign-in checks use."""


@passkey.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", default="PASSKEY", show_default=True, help="What the probe's config is to call it.")
def new(file: Path, name: str) -> None:
    """Make a passkey, and write it to FILE, which must not be there yet. One for each probe.

    A provider knows it once a flow with `webauthn = { register = true, ... }` has run: docs/flows.md shows both.
    """
    from probe.webauthn import new_passkey

    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(f"{new_passkey().reveal()}\n")
    except FileExistsError:
        fail(f"{file} is there already, and may be known to a provider; name another file, or remove it first")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
    click.echo(f"{file} has a new passkey that no provider knows yet. For the probe's config:\n", err=True)
    click.echo(
        f'[secrets.{name}]\nfrom = "file:{file.absolute()}"\nhosts = ["sso.example.com"]   # whose pages may use it'
    )
