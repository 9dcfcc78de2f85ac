"""`parallax probe enroll`: from a join token to a probe that can be started."""

import sys
from pathlib import Path

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.place import FILE, FOLDER
from parallax.cli.text import clean
from parallax.cli.values import URL
from parallax.secret import Secret, SecretError, read_secret
from parallax.values import Url

UNKNOWN = 3


@click.command()
@click.argument("url", type=URL)
@click.option(
    "--token",
    "join",
    required=True,
    metavar="JOIN",
    help="The join token; better, as other users of this host see what a command was given: - for standard input, "
    "file:PATH, env:NAME or credential:NAME.",
)
@click.option("--ca", type=FILE, help="A PEM file with the CA of the collector's certificate.")
@click.option("--id", "wanted", default="", help="The probe's id, where it should be no other than this.")
@click.option("--out", type=FOLDER, default=Path(), help="Where probe.toml and token go; here if left out.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def enroll(url: Url, join: str, ca: Path | None, wanted: str, out: Path, as_json: bool) -> None:
    """Enrol this host as a probe of the collector at URL.

    A join token is made on the collector's host: parallax collector token add --role join NAME. It holds once, for an
    hour. Status 2 where the collector refuses, 3 where it does not answer.
    """
    import trio

    from probe.enrolment import EnrolError, enrol

    secret = _secret(join)
    try:
        config = trio.run(lambda: enrol(url, secret, out.absolute(), id=wanted, ca=ca))
    except EnrolError as error:
        if error.answered:
            fail(clean(error))
        click.echo(f"parallax: {clean(error)}", err=True)
        raise SystemExit(UNKNOWN) from None
    if as_json:
        click.echo(msgspec.json.encode({"config": str(config)}))
    else:
        click.echo(f"enrolled; start it: parallax probe --config {config}")


def _secret(join: str) -> Secret:
    if join.partition(":")[0] in ("file", "env", "credential"):
        try:
            return read_secret(join)
        except SecretError as error:
            fail(f"--token: {error}")
    text = (sys.stdin.readline(1000) if join == "-" else join).strip()
    if not text:
        fail("there is no join token: say it by --token, or as a line of standard input with --token -")
    if not (text.isascii() and text.isprintable()):
        fail("--token: that is no join token; it is one line, like parallax-join-...")
    return Secret(text)
