"""`parallax dashboards`: Grafana's dashboards, built, compared, deployed, and looked at without a Grafana."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from parallax.cli.daemon import fail
from parallax.cli.group import Group
from parallax.cli.journal import Instant
from parallax.cli.place import FILE, FOLDER, load_collector
from parallax.cli.text import clean

if TYPE_CHECKING:
    from dashboards.preview import Assets
    from dashboards.source import Source
    from parallax.series_config import SeriesServer

FAILED = 1
EXTRA = 'pip install "parallax-monitor[dashboards]"'
LIBRARIES = ("grafana_foundation_sdk", "grafana_client", "niquests")
CONTACTS = ("email", "webhook")
Command = TypeVar("Command", bound=Callable[..., Any])


@contextmanager
def extra() -> Iterator[None]:
    """Ends the command (status 2) with the way out where the extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES:
            raise
        fail(f"dashboards need the package {error.name}: {EXTRA}")


class Contact(click.ParamType[tuple[str, str]]):
    """email:ADDRESS or webhook:URL."""

    name = "contact"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        kind, _, address = str(value).partition(":")
        if kind not in CONTACTS or not address:
            self.fail("say email:ADDRESS or webhook:URL", param, ctx)
        return kind, address


def source_options(command: Command) -> Command:
    """Where the series are: --influxdb and --database, or a server of the collector's config."""
    for option in (
        click.option("--name", help="The server of the config, by its name; the first InfluxDB if left out."),
        click.option("--config", type=FILE, help="The collector's config, which names the servers of series."),
        click.option("--database", default="parallax", show_default=True, help="Its database."),
        click.option("--influxdb", metavar="URL", help="The InfluxDB, instead of one of the config."),
    ):
        command = option(command)
    return command


def server_options(command: Command) -> Command:
    """The Grafana, and what it is to have."""
    for option in (
        click.option("--rewrite-secrets", is_flag=True, help="Write the data source's password or token again."),
        click.option("--sign-in-objective", type=click.FloatRange(1, 100), default=99.0, show_default=True,
                     help="The share of first attempts that should succeed, in percent; an alert rule goes by it."),
        click.option("--contact", type=Contact(), help="Who is told: email:ADDRESS or webhook:URL. Left out, contact "
                     "points and the policy stay as they are."),
        click.option("--ca", type=FILE, help="A PEM file with the CA of Grafana's certificate."),
        click.option("--token-file", type=FILE, help="The file with a service account's token."),
        click.option("--grafana", metavar="URL", help="Where Grafana is."),
    ):  # fmt: skip
        command = option(command)
    return source_options(command)


@click.group(cls=Group)
def dashboards() -> None:
    """Build Grafana's dashboards, compare and deploy them, and look at them without a Grafana."""


@dashboards.command()
@click.option("--to", "folder", type=FOLDER, help="Write them there, a file each.")
@click.option("--only", help="This one alone, to the standard output.")
def build(folder: Path | None, only: str | None) -> None:
    """Build all dashboards as sorted JSON. Needs no network."""
    with extra():
        from dashboards.build import built, to_text
    boards = built()
    if only is not None:
        if only not in boards:
            fail(f"there is no dashboard {only}; there are: {', '.join(boards)}")
        click.echo(to_text(boards[only]), nl=False)
        return
    for name, board in boards.items():
        panels = sum(panel["type"] != "row" for panel in board["panels"])
        if folder is not None:
            _write(folder / f"{name}.json", to_text(board))
        click.echo(f"{name}: {board['title']}, {panels} panels")


@dashboards.command()
@server_options
def diff(**options: Any) -> None:
    """Show what `deploy` would change, and change nothing."""
    _deploy(dry_run=True, **options)


@dashboards.command()
@server_options
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--to-dir", type=FOLDER, help="Write files for Grafana's own provisioning, instead of asking its API.")
@click.option("--dashboards-at", metavar="PATH", help="With --to-dir: where Grafana's host has the dashboards.")
def deploy(*, dry_run: bool, to_dir: Path | None, dashboards_at: str | None, **options: Any) -> None:
    """Bring folder, data source, dashboards, alert rules, contact point and policy to Grafana.

    Done again it changes nothing. What others made is left alone.
    """
    if to_dir is None:
        _deploy(dry_run=dry_run, **options)
        return
    with extra():
        from dashboards.files import WHERE, files, write_files
    source = _source(options["influxdb"], options["database"], options["config"], options["name"])
    if source is None:
        fail("say where the series are: --influxdb URL, or --config with a [[series]] of InfluxDB")
    made = files(
        source,
        signin_objective=options["sign_in_objective"],
        contact=options["contact"],
        where=dashboards_at or WHERE,
    )
    try:
        changed = write_files(to_dir, made)
    except OSError as error:
        fail(f"{to_dir} cannot be written: {error.strerror}")
    for path in changed:
        click.echo(f"wrote {to_dir / path}")
    if not changed:
        click.echo("nothing differs")


@dashboards.command()
@source_options
@click.option("--to", "file", type=FILE, default="dashboards.html", show_default=True, help="The page.")
@click.option("--from", "start", type=Instant(), metavar="TIME", help="The first moment; an hour ago if left out.")
@click.option("--until", "end", type=Instant(), metavar="TIME", help="The last moment; now if left out.")
def preview(
    influxdb: str | None, database: str, config: Path | None, name: str | None, file: Path, start: int | None,
    end: int | None,
) -> None:  # fmt: skip
    """Ask an InfluxDB for what the dashboards show, and draw it on one page that needs no server."""
    with extra():
        from dashboards.build import built
        from dashboards.influxdb import InfluxError, asker
        from dashboards.preview import page_of
    from parallax.clock import NS, wall_ns

    source = _source(influxdb, database, config, name)
    if source is None:
        fail("say where the series are: --influxdb URL, or --config with a [[series]] of InfluxDB")
    until = end or wall_ns()
    since = start or until - 3600 * NS
    if since >= until:
        fail("--from is after --until")
    try:
        page, empty = page_of(built(), asker(source), since, until, preview_assets())
    except InfluxError as error:
        fail(str(error))
    _write(file, page)
    for panel in empty:
        click.echo(clean(f"nothing in this time: {panel}"))
    click.echo(f"wrote {file}")


def _deploy(
    *, dry_run: bool, grafana: str | None, token_file: Path | None, ca: Path | None, influxdb: str | None, database:
    str, config: Path | None, name: str | None, contact: tuple[str, str] | None, sign_in_objective: float,
    rewrite_secrets: bool,
) -> None:  # fmt: skip
    with extra():
        from dashboards.deploy import Wanted, changes
        from dashboards.deploy import deploy as bring
        from dashboards.grafana import DeployError, Grafana
    if grafana is None or token_file is None:
        fail("say where Grafana is, and where its token is: --grafana URL --token-file FILE")
    wanted = Wanted(
        source=_source(influxdb, database, config, name),
        contact=contact,
        signin_objective=sign_in_objective,
        rewrite_secrets=rewrite_secrets,
    )
    try:
        server = Grafana(grafana, _token(token_file), ca=None if ca is None else str(ca))
    except DeployError as error:
        fail(str(error))
    try:
        if dry_run:
            _show(changes(server, wanted))
        elif not bring(server, wanted, lambda line: click.echo(clean(line))):
            click.echo("nothing differs")
    except DeployError as error:
        click.echo(clean(f"parallax: {error}"), err=True)
        sys.exit(FAILED)
    finally:
        server.close()


def _show(found: list[Any]) -> None:
    for change in found:
        click.echo(clean(f"would {change.do} {change.what}"))
        for line in change.diff.splitlines():
            click.echo(clean(f"  {line}"))
    if not found:
        click.echo("nothing differs")


def _source(influxdb: str | None, database: str, config: Path | None, name: str | None) -> "Source | None":
    """Where the series are; None where nobody says. Ends the command where that cannot be."""
    from dashboards.source import Source

    if influxdb is not None:
        return Source(url=influxdb, database=database)
    if config is None:
        return None
    servers = [each for each in load_collector(config).series if each.kind != "victoriametrics"]
    chosen = [each for each in servers if name in (None, each.name)]
    if not chosen:
        names = ", ".join(each.name for each in servers) or "none"
        fail(
            f"{config} has no [[series]] of InfluxDB"
            + (f" with the name {name}" if name else "")
            + f"; it has: {names}"
        )
    return _of_server(chosen[0])


def _of_server(server: "SeriesServer") -> "Source":
    from dashboards.source import Source
    from parallax.secret import SecretError, read_secret

    try:
        token = read_secret(server.token).reveal() if server.token else ""
        password = read_secret(server.password).reveal() if server.password else ""
    except SecretError as error:
        fail(f"{server.name}: {error}")
    scheme = "Token" if server.kind == "influxdb2" else "Bearer"
    return Source(
        url=server.url.rstrip("/"),
        database=server.database,
        user=server.user,
        password=password,
        header=f"{scheme} {token}" if token else "",
    )


def preview_assets() -> "Assets":
    """uPlot and the world's outline, as the collector's own page has them."""
    from importlib.resources import files

    from collector.web.geo import HEIGHT, WIDTH, project
    from dashboards.preview import Assets, World

    web = files("collector.web")
    uplot = web / "static" / "vendor" / "uplot-1.6.32"
    world = World((web / "templates" / "_world.html").read_text().partition("#}")[2], WIDTH, HEIGHT, project)
    return Assets((uplot / "uPlot.iife.min.js").read_text(), (uplot / "uPlot.min.css").read_text(), world)


def _token(file: Path) -> str:
    from parallax.secret import SecretError, read_secret

    try:
        return read_secret(f"file:{file.absolute()}").reveal()
    except SecretError as error:
        fail(str(error))


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
