"""`parallax collector` and `parallax probe`: the programs that stay, and the collector's tokens."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from parallax.cli.daemon import Ending, fail, run, set_up_logs
from parallax.cli.group import Group
from parallax.cli.place import FILE, load_collector
from parallax.cli.tokens import token

Command = TypeVar("Command", bound=Callable[..., Any])


def log_options(command: Command) -> Command:
    """How a program that stays writes its log."""
    command = click.option(
        "--log", type=click.Choice(["text", "json"]), help="The log's form; JSON unless stderr is a terminal."
    )(command)
    return click.option(
        "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
    )(command)


@click.group(cls=Group, invoke_without_command=True)
@click.option("--config", type=FILE, help="The collector's config, TOML.")
@log_options
@click.pass_context
def collector(context: click.Context, config: Path | None, log: str | None, log_level: str) -> None:
    """Run the collector; manage its tokens.

    Ends with Ctrl-C or SIGTERM; a second start goes on where it was.
    """
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise click.UsageError("say where the config is: parallax collector --config collector.toml")
    ending = Ending()
    loaded = load_collector(config)
    set_up_logs(log, log_level)
    from collector.main import main

    run(ending, partial(main, loaded))


collector.add_command(token)


@click.command()
@click.option("--config", type=FILE, help="The probe's config, TOML.")
@log_options
def probe(config: Path | None, log: str | None, log_level: str) -> None:
    """Run a probe.

    Ends with Ctrl-C or SIGTERM; a second start goes on where it was.
    """
    if config is None:
        raise click.UsageError("say where the config is: parallax probe --config probe.toml")
    ending = Ending()
    from parallax.config import load_probe_config
    from parallax.loading.problems import LoadErrors

    try:
        loaded = load_probe_config(config)
    except LoadErrors as errors:
        fail(*str(errors).splitlines())
    set_up_logs(log, log_level)
    from probe.main import main

    run(ending, partial(main, loaded))
