"""`parallax collector` and `parallax probe`: the programs that stay, and what is done around them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from parallax.cli.daemon import Ending, run, set_up_logs
from parallax.cli.doctor import doctor
from parallax.cli.enroll import enroll
from parallax.cli.group import Group
from parallax.cli.place import FILE, load_collector, load_probe
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


def check_option(command: Command) -> Command:
    """Whether the config is only looked at."""
    return click.option(
        "--check-config", is_flag=True, help='Only look at the config: "ok", or all that is wrong with it (status 2).'
    )(command)


@click.group(cls=Group, invoke_without_command=True)
@click.option("--config", type=FILE, help="The collector's config, TOML.")
@check_option
@log_options
@click.pass_context
def collector(context: click.Context, config: Path | None, check_config: bool, log: str | None, log_level: str) -> None:
    """Run the collector; manage its tokens.

    Ends with Ctrl-C or SIGTERM; a second start goes on where it was.
    """
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise click.UsageError("say where the config is: parallax collector --config collector.toml")
    ending = Ending()
    loaded = load_collector(config)
    if check_config:
        click.echo("ok")
        return
    set_up_logs(log, log_level)
    from collector.main import main
    from parallax.supervisor import supervised

    run(ending, partial(supervised, partial(main, loaded)))


collector.add_command(token)


@click.group(cls=Group, invoke_without_command=True)
@click.option("--config", type=FILE, help="The probe's config, TOML.")
@check_option
@log_options
@click.pass_context
def probe(context: click.Context, config: Path | None, check_config: bool, log: str | None, log_level: str) -> None:
    """Run a probe; look at its host; enrol it.

    Ends with Ctrl-C or SIGTERM; a second start goes on where it was.
    """
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise click.UsageError("say where the config is: parallax probe --config probe.toml")
    ending = Ending()
    loaded = load_probe(config)
    if check_config:
        click.echo("ok")
        return
    set_up_logs(log, log_level)
    from parallax.supervisor import supervised
    from probe.main import main

    run(ending, partial(supervised, partial(main, loaded, ask_nobody=True)))


probe.add_command(doctor)
probe.add_command(enroll)
