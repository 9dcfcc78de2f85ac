"""`parallax up`: the whole thing on one machine, with no configuration.

With a plan: the collector and one local probe in one process, over loopback HTTP with a token of their own. Without
one: the lab, whose wiring is lab.up. Only the wiring is here; what a person sees is parallax.cli.telling's.
"""

import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
import msgspec

from parallax.cli.daemon import Ending, fail, run, set_up_logs
from parallax.cli.daemons import log_options
from parallax.cli.place import FOLDER, lab_state, up_state
from parallax.cli.telling import SUMMARY_EVERY_S, Telling, can_draw, tell
from parallax.cli.values import CA, CIDR, LISTEN, RESOLVER
from parallax.config import BoundSecret, CollectorAddress, CollectorConfig, ProbeConfig
from parallax.values import Address, Cidr, Url

if TYPE_CHECKING:
    import trio

    from collector.main import Running
    from parallax.plan.types import Plan


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """With a plan: what is run."""

    plan: Path
    probe: str
    state: Path
    listen: Address
    allow: tuple[Cidr, ...]
    resolvers: tuple[Address, ...]
    ca: str | None
    secrets: dict[str, str]
    watching: str
    bound: dict[str, BoundSecret] = {}
    """The secrets of checks."""


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """How it is told."""

    as_json: bool
    live: bool
    log: str
    log_as_json: bool
    say: Callable[[bytes], None]
    """Takes a line of a child's log."""


@click.command()
@click.option(
    "--plan", type=click.Path(path_type=Path), help="What to check: a TOML file, or a folder; the lab if left out."
)
@click.option("--state", type=FOLDER, help="Where to keep what must survive; $XDG_STATE_HOME/parallax/... if left out.")
@click.option("--listen", type=LISTEN, default="127.0.0.1:8600", show_default=True, help="Where the collector listens.")
@click.option(
    "--allow", type=CIDR, multiple=True, metavar="CIDR", help="A private network that may be dialled. Repeatable."
)
@click.option(
    "--resolver", type=RESOLVER, multiple=True, help="Whom to ask for targets' names; /etc/resolv.conf if left out."
)
@click.option("--ca", type=CA, metavar="FILE", help="A PEM file with CAs to trust as well.")
@click.option("--probe", help="Which of the plan's probes this one is; the first if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print events and summaries as JSON, one a line.")
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
    """Run the whole thing on this machine: your plan with one local probe, or the lab.

    With --plan: collector and one probe. Without: the lab, a world in miniature with eight probes, in which things can
    be broken (`parallax lab break NAME`). Shows a summary that stays up to date, or lines where stdout is no terminal.
    Ends with Ctrl-C or SIGTERM; a second start goes on where it was. Private addresses and this host are measured only
    where --allow has their network.
    """
    ending = Ending()
    if not _is_loopback(listen):
        fail(
            f"{listen} can be reached from other hosts; `up` is for this host only: run `parallax collector` with [tls]"
        )
    if plan is None:
        options = {"--allow": allow, "--resolver": resolver, "--ca": ca, "--probe": probe}
        if given := [name for name, value in options.items() if value]:
            fail(f"{given[0]} goes with --plan: without one this is the lab, which has probes of its own")
        folder = (state or lab_state()).absolute()
        show = _show(folder, as_json, log, log_level)
        _import("collector.main", "lab.up")
        default = folder == lab_state().absolute()

        async def lab() -> None:
            await run_lab(folder, listen, show, "" if default else f" --state {folder}")

        run(ending, lab)
    loaded = _loaded(plan)
    settings = Settings(
        plan=plan.absolute(),
        probe=_probe_of(loaded, probe),
        state=(state or up_state()).absolute(),
        listen=listen,
        allow=allow,
        resolvers=resolver,
        ca=str(Path(ca).absolute()) if ca else None,
        secrets=_secrets(loaded),
        watching=_watching(loaded),
        bound=_bound(loaded),
    )
    show = _show(settings.state, as_json, log, log_level)
    _import("collector.main", "probe.main")

    async def own() -> None:
        await run_both(settings, show)

    run(ending, own)


async def run_lab(state: Path, listen: Address, show: Show, option: str) -> None:
    """The lab, and what is told of it. `option` is what `parallax lab` needs to find it."""
    import trio

    from lab.up import run_lab as wiring

    async with trio.open_nursery() as nursery:
        running = await nursery.start(
            lambda task_status: wiring(state, listen, show.say, logs_as_json=show.log_as_json, task_status=task_status)
        )
        page = f"{running.collector.url}/"
        commands = f"parallax lab break region-down{option}"
        facts = {
            "page": page,
            "lab": f"a world in miniature, watched by {len(running.probes)} probes",
            "state": str(state),
            "to break something": f"{commands}, or the buttons on {page}lab",
            "telling": f"a line on each change, a summary every {SUMMARY_EVERY_S:.0f} s; Ctrl-C ends it",
        }
        hint = f"break something: {commands}, or {page}lab"
        await tell(running.collector, _telling("PARALLAX LAB", facts, hint, show))


async def run_both(settings: Settings, show: Show) -> None:
    """The wiring with a plan: the collector first, then the probe that ships to it, then what is told."""
    import trio

    from collector.main import main as collector
    from parallax.state import lock_state_folder
    from probe.main import main as probe

    config = CollectorConfig(
        state=str(settings.state / "collector"),
        plan=str(settings.plan),
        listen=settings.listen,
        secrets=settings.secrets,
        allow=list(settings.allow),
        ca=settings.ca,
    )
    serving = trio.CancelScope()

    async def serve(task_status: "trio.TaskStatus[Running]") -> None:
        with serving:
            await collector(config, task_status=task_status)

    # the lock comes before the token: a second start must not end the token of the first
    with lock_state_folder(settings.state):
        token = await trio.to_thread.run_sync(_make_token, settings)
        async with trio.open_nursery() as nursery:
            running = await nursery.start(serve)
            facts = {
                "page": f"{running.url}/",
                "probe": settings.probe,
                "plan": str(settings.plan),
                "state": str(settings.state),
                "watching": settings.watching,
            }
            hint = f"plan: {settings.plan}"
            if missing := _missing(settings.bound):
                facts["missing"] = hint = missing
            nursery.start_soon(tell, running, _telling("PARALLAX", facts, hint, show))
            serving.shield = True  # the probe ends first, so that the collector still takes what was measured last
            try:
                await probe(_probe_config(settings, running, token))
            finally:
                serving.cancel()


def _telling(title: str, facts: dict[str, str], hint: str, show: Show) -> Telling:
    log = f"log: {show.log}; Ctrl-C ends" if show.log else "Ctrl-C ends"
    return Telling(title=title, facts=facts, hint=hint, log=log, as_json=show.as_json, live=show.live)


def _show(state: Path, as_json: bool, form: str | None, level: str) -> Show:
    """Sets up the logs, which go into a file where they would tear the screen."""
    from parallax.cli.log_file import LogFile

    live = not as_json and can_draw()
    stream: io.TextIOBase | TextIO = sys.stderr
    file = ""
    log_as_json = form == "json" or (form is None and not sys.stderr.isatty())
    if live and sys.stderr.isatty():
        path = state / "up.log"
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            stream, file = LogFile(path), str(path)
        except OSError as error:
            fail(f"{path} cannot be written: {error.strerror}; set another --state")
    set_up_logs("json" if log_as_json else "text", level, stream)

    def say(line: bytes) -> None:
        stream.write(f"{line.decode(errors='replace')}\n")
        stream.flush()

    return Show(as_json=as_json, live=live, log=file, log_as_json=log_as_json, say=say)


def _import(*programs: str) -> None:
    """Before the loop: a package that is missing is one line then."""
    for program in programs:
        importlib.import_module(program)


def _make_token(settings: Settings) -> Path:
    """Where the probe's new token is."""
    from collector.tokens import leave_token

    file = _probe_state(settings) / "token"
    leave_token(settings.state / "collector", settings.probe, file)
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
        secrets=settings.bound,
    )


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


def _secrets(plan: "Plan") -> dict[str, str]:
    """Where the secrets are that the plan's receivers name: in the environment, as there is no configuration."""
    names = [receiver.key.removeprefix("secret:") for receiver in plan.receiver if receiver.key]
    return {name: f"env:{name}" for name in names}


def _bound(plan: "Plan") -> dict[str, BoundSecret]:
    """The secrets that checks name: in the environment, too, and each for the hosts of the checks that name it, as the
    plan is this person's own."""
    from parallax.cli.check.secret_options import host_of
    from parallax.plan.templates import secrets_of

    hosts: dict[str, list[str]] = {}
    for check in plan.check:
        for name in secrets_of(check.spec):
            hosts.setdefault(name, []).extend(map(host_of, check.targets))
    return {name: BoundSecret(source=f"env:{name}", hosts=list(dict.fromkeys(found))) for name, found in hosts.items()}


def _missing(bound: Mapping[str, BoundSecret]) -> str:
    """Which secrets of checks nobody has set."""
    names = [name for name in bound if not os.environ.get(name)]
    return f"checks name secrets that no environment variable has: {', '.join(names)}" if names else ""


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
