"""`parallax probe enroll`: from a join token to a probe that can be started."""

import sys
from pathlib import Path

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.place import FILE, FOLDER
from parallax.cli.text import clean
from parallax.cli.values import URL, Parsed
from parallax.secret import Secret, SecretError, read_secret
from parallax.values import Address, Url

UNKNOWN = 3
ADDRESS = Parsed("address", lambda text: Address.parse(text, 8600))


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
@click.option("--address", type=ADDRESS, help="What to dial, instead of looking up the URL's host; 8600 if no port.")
@click.option("--certificate", is_flag=True, help="Ask for a client certificate, too; its key never leaves this host.")
@click.option("--no-config", is_flag=True, help="Write no probe.toml: for whoever writes it by other means.")
@click.option("--out", type=FOLDER, default=Path(), help="Where probe.toml and token go; here if left out.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def enroll(
    url: Url,
    join: str,
    ca: Path | None,
    wanted: str,
    address: Address | None,
    certificate: bool,
    no_config: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Enrol this host as a probe of the collector at URL.

    A join token is made on the collector's host: parallax collector token add --role join NAME. It holds once, for an
    hour. Status 2 where the collector refuses, 3 where it does not answer.
    """
    import trio

    from probe.enrolment import Asked, EnrolError, enrol

    secret = _secret(join)
    asked = Asked(id=wanted, ca=ca, address=address, certificate=certificate, config=not no_config)
    try:
        written = trio.run(lambda: enrol(url, secret, out.absolute(), asked))
    except EnrolError as error:
        if error.answered:
            fail(clean(error))
        click.echo(f"parallax: {clean(error)}", err=True)
        raise SystemExit(UNKNOWN) from None
    if as_json:
        click.echo(msgspec.json.encode({"folder" if no_config else "config": str(written)}))
    elif no_config:
        click.echo(f"enrolled; what the config must name is in {written}")
    else:
        click.echo(f"enrolled; start it: parallax probe --config {written}")


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
