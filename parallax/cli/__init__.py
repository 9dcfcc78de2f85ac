"""The command line. The list of commands and their one-line helps are data, so that `parallax --help` imports none of
them: click would load every subcommand to print its help."""

import importlib
import sys

import click

from parallax import __version__
from parallax.cli.group import Group

COMMANDS: dict[str, tuple[str, str]] = {
    "alert": ("parallax.cli.alert:alert", "Show what became of alerts; try the receivers."),
    "check": ("parallax.cli.check:check", "Run one check at once and show what came of it."),
    "collector": ("parallax.cli.daemons:collector", "Run the collector; manage its tokens."),
    "dashboards": ("parallax.cli.dashboards:dashboards", "Build, deploy and preview Grafana's dashboards."),
    "explain": ("parallax.cli.explain:explain", "Show all that can be learnt about one name."),
    "failover": ("parallax.cli.failover:failover", "Show failover groups; freeze, switch, drill."),
    "incident": ("parallax.cli.incident:incident", "Show incidents, and say something of one."),
    "journal": ("parallax.cli.journal:journal", "Keep what a collector was told as a file."),
    "lab": ("parallax.cli.lab:lab", "Break things in the lab, and mend them."),
    "move": ("parallax.cli.move:move", "Watch a change of a delegation or a chain on its way."),
    "notify": ("parallax.cli.notify:notify", "Try whom alerts go to: a route, a group, a receiver."),
    "passkey": ("parallax.cli.passkey:passkey", "Make a passkey for sign-in checks."),
    "plan": ("parallax.cli.plan:plan", "Check, compare, show and roll back plans."),
    "probe": ("parallax.cli.daemons:probe", "Run a probe; look at its host; enrol it."),
    "probes": ("parallax.cli.probes:probes", "List the probes: version, place, health, what they lack."),
    "query": ("parallax.cli.query:query", "Ask the history by SQL."),
    "replay": ("parallax.cli.replay:replay", "Play an outage: a script of one, or a recorded journal."),
    "routes": ("parallax.cli.routes:routes", "Try the routes of alerts."),
    "series": ("parallax.cli.series:series", "Set up servers of time series, and fill them."),
    "silence": ("parallax.cli.silence:silence", "Keep alerts from everybody for a while."),
    "status": ("parallax.cli.remote:status", "Show the collector's plan, probes and losses."),
    "up": ("parallax.cli.up:up", "Run the whole thing on this machine: your plan, or the lab."),
}
"""Name to where the command is, and its short help."""


class LazyGroup(Group):
    """A group whose commands are imported when one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="parallax", message="%(prog)s %(version)s")
def parallax() -> None:
    """Watch sign-in from outside, and say what broke and whose fault it is.

    Exit status: 0 ok or degraded, 1 failed, 2 usage or configuration, 3 unknown.
    """


def main() -> None:
    """The console script `parallax`."""
    try:
        parallax.main(standalone_mode=True, prog_name="parallax")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("parallax", "probe", "collector", "lab"):
            raise
        click.echo(
            f'parallax: this command needs the package {error.name!r}; install "parallax-monitor[probe,collector]"',
            err=True,
        )
        sys.exit(2)
