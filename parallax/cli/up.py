"""`parallax up`: the collector and one local probe in one process, with no configuration.

Both run as they would apart, over loopback HTTP with a token of their own; only the wiring is here. What a person sees
are the lines of `changes`, from a reader of the journal `inputs` like any other.
"""

import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from parallax.cli.changes import Change, Changes, Summary, plain
from parallax.cli.daemon import Ending, fail, run, set_up_logs
from parallax.cli.daemons import log_options
from parallax.cli.place import FOLDER, up_state
from parallax.cli.text import clean
from parallax.cli.values import CA, CIDR, LISTEN, RESOLVER
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig
from parallax.values import Address, Cidr, Url

if TYPE_CHECKING:
    import trio

    from collector.main import Running
    from parallax.journal import Journal
    from parallax.plan.types import Plan

SUMMARY_EVERY_S = 30.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    plan: Path
    probe: str
    state: Path
    listen: Address
    allow: tuple[Cidr, ...]
    resolvers: tuple[Address, ...]
    ca: str | None
    watching: str
    as_json: bool


@click.command()
@click.option("--plan", type=click.Path(path_type=Path), help="What to check: a TOML file, or a folder of them.")
@click.option("--state", type=FOLDER, help="Where to keep what must survive; $XDG_STATE_HOME/parallax/up if left out.")
@click.option("--listen", type=LISTEN, default="127.0.0.1:8600", show_default=True, help="Where the collector listens.")
@click.option(
    "--allow", type=CIDR, multiple=True, metavar="CIDR", help="A private network that may be dialled. Repeatable."
)
@click.option(
    "--resolver", type=RESOLVER, multiple=True, help="Whom to ask for targets' names; /etc/resolv.conf if left out."
)
@click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
@click.option("--probe", help="Which of the plan's probes this one is; the first if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print changes and summaries as JSON, one a line.")
@log_options
def up(
    plan: Path | None,
    state: Path | None,
    listen: Address,
    allow: tuple[Cidr, ...],
    resolver: tuple[Address, ...],
    ca: str | None,
    probe: str | None,
    as_json: bool,
    log: str | None,
    log_level: str,
) -> None:
    """Run collector and one local probe together, with no configuration.

    Prints a line whenever something turns between ok and not ok. Ends with Ctrl-C or SIGTERM; a second start goes on
    where it was. Private addresses and this host are measured only where --allow has their network.
    """
    ending = Ending()
    if plan is None:
        fail("say what to check: parallax up --plan plan.toml (docs/plan.md has the words)")
    if not _is_loopback(listen):
        fail(
            f"{listen} can be reached from other hosts; `up` is for this host only: run `parallax collector` with [tls]"
        )
    set_up_logs(log, log_level)
    loaded = _loaded(plan)
    settings = Settings(
        plan=plan.absolute(),
        probe=_probe_of(loaded, probe),
        state=(state or up_state()).absolute(),
        listen=listen,
        allow=allow,
        resolvers=resolver,
        ca=str(Path(ca).absolute()) if ca else None,
        watching=_watching(loaded),
        as_json=as_json,
    )

    for program in ("collector.main", "probe.main"):  # before the loop: a package that is missing is one line then
        importlib.import_module(program)

    async def main() -> None:
        await run_both(settings)

    run(ending, main)


async def run_both(settings: Settings) -> None:
    """The wiring: the collector first, then the probe that ships to it, then the lines for a person."""
    import trio

    from collector.main import main as collector
    from parallax.state import lock_state_folder
    from probe.main import main as probe

    config = CollectorConfig(state=str(settings.state / "collector"), plan=str(settings.plan), listen=settings.listen)
    serving = trio.CancelScope()

    async def serve(task_status: "trio.TaskStatus[Running]") -> None:
        with serving:
            await collector(config, task_status=task_status)

    # the lock comes before the token: a second start must not end the token of the first
    with lock_state_folder(settings.state):
        token = await trio.to_thread.run_sync(_make_token, settings)
        async with trio.open_nursery() as nursery:
            running = await nursery.start(serve)
            _say(
                settings,
                collector=running.url,
                probe=settings.probe,
                plan=str(settings.plan),
                state=str(settings.state),
                watching=settings.watching,
            )
            nursery.start_soon(_tell, running.inputs, settings)
            serving.shield = True  # the probe ends first, so that the collector still takes what was measured last
            try:
                await probe(_probe_config(settings, running, token))
            finally:
                serving.cancel()


def _make_token(settings: Settings) -> Path:
    """Where the probe's new token is; that of the start before the last ends with this."""
    from collector.tokens import TokenError, add_token
    from parallax.state import StartError, write_private

    file = _probe_state(settings) / "token"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, add_token(settings.state / "collector", "probe", settings.probe).encode())
    except TokenError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}; set another --state") from None
    return file


def _probe_state(settings: Settings) -> Path:
    """A folder for each probe id: a spool's batches carry the id, and the collector takes them from nobody else."""
    return settings.state / "probes" / settings.probe


def _probe_config(settings: Settings, running: "Running", token: Path) -> ProbeConfig:
    return ProbeConfig(
        id=settings.probe,
        state=str(_probe_state(settings)),
        collector=[CollectorAddress(url=Url(running.url), token=f"file:{token}", address=running.address)],
        allow=list(settings.allow),
        resolvers=list(settings.resolvers),
        ca=settings.ca,
    )


async def _tell(inputs: "Journal", settings: Settings) -> None:
    """Prints what changes, as it becomes durable, and a summary now and then."""
    import trio

    changes = Changes()
    position = inputs.stats.last
    next_summary = trio.current_time() + SUMMARY_EVERY_S
    while True:
        with trio.move_on_at(next_summary):
            await inputs.wait_beyond(position)
        for record in await inputs.read(position):
            position = record.position
            for change in _changes_in(record, changes):
                _print(settings, change.at, change)
        if trio.current_time() >= next_summary:
            next_summary += SUMMARY_EVERY_S
            _print(settings, wall_ns(), changes.summary())


def _changes_in(record: Any, changes: Changes) -> list[Change]:
    from collector.inputs import BatchInput, InputError, decode_input
    from parallax.wire import WireError, decode

    try:
        value = decode_input(record)
        if not isinstance(value, BatchInput):
            return []
        batch = decode(value.body, content_type=value.content_type, encoding=value.encoding)
    except (InputError, WireError):
        return []
    return [change for observation in batch.observations if (change := changes.take(observation))]


def _print(settings: Settings, at_ns: int, value: Change | Summary) -> None:
    if settings.as_json:
        click.echo(msgspec.json.encode({"at": at_ns, **plain(value)}))
    else:
        click.echo(f"{datetime.fromtimestamp(at_ns // NS, UTC):%H:%M:%SZ}  {clean(value)}")


def _say(settings: Settings, **facts: str) -> None:
    if settings.as_json:
        click.echo(msgspec.json.encode({"at": wall_ns(), "what": "up", **facts}))
    else:
        width = max(map(len, facts))
        click.echo("\n".join(f"{name:<{width}}  {clean(fact)}" for name, fact in facts.items()))


def _loaded(path: Path) -> "Plan":
    from parallax.plan.load import load_plan
    from parallax.plan.source import PlanErrors

    try:
        return load_plan(path)
    except PlanErrors as errors:
        fail(*str(errors).splitlines())


def _watching(plan: "Plan") -> str:
    checks, targets = len(plan.check), sum(len(check.targets) for check in plan.check)
    what = f"{checks} check{'s' * (checks != 1)} of {targets} target{'s' * (targets != 1)}"
    return f"{what}; a line on each change, a summary every {SUMMARY_EVERY_S:.0f} s"


def _probe_of(plan: "Plan", wanted: str | None) -> str:
    """Which probe this one is: the plan's, where it has any."""
    known = [probe.id for probe in plan.probe]
    if wanted is None:
        return known[0] if known else "local"
    if known and wanted not in known:
        fail(f"the plan has no probe {wanted!r}; it has {', '.join(known)}")
    return wanted


def _is_loopback(address: Address) -> bool:
    import ipaddress

    return ipaddress.ip_address(address.ip).is_loopback
