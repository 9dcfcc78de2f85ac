"""From a command to what is printed. What is slow to import (the checks, rich) is imported when it is needed: measuring
begins before anything is drawn."""

import sys
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from parallax.cli.by_hand import Settings, check_of
from parallax.cli.check.options import parsed
from parallax.plan.kinds import SPECS
from parallax.plan.specs import Spec
from parallax.values import DnsName

if TYPE_CHECKING:
    from parallax.observation import Observation


def run(kind: str, targets: list[str], spec: Spec, settings: Settings, asked: str = "") -> None:
    """Measures, prints, and leaves with the exit status. `asked` is what a person wants to see beside the target."""
    import trio

    from parallax.cli.by_hand import measure, tools_of

    for target in targets:
        parsed(SPECS[kind].endpoint or DnsName.parse, target, "TARGET")
    try:
        observations = trio.run(measure, check_of(kind, targets, spec, settings), tools_of(settings))
    except KeyboardInterrupt:
        sys.exit(130)
    leave(observations, settings, asked)


def leave(observations: "list[Observation]", settings: Settings, asked: str = "") -> NoReturn:
    """Prints, and leaves with the exit status."""
    if settings.as_json:
        _print_json(observations)
    else:
        _print_text(observations, asked)
    from parallax.cli.grades import exit_status

    sys.exit(exit_status(observations))


def _print_json(observations: "list[Observation]") -> None:
    from parallax.observation import as_dict
    from parallax.values import encode_value

    for observation in observations:
        click.echo(msgspec.json.encode(as_dict(observation), enc_hook=encode_value))


def _print_text(observations: "list[Observation]", asked: str) -> None:
    from parallax.cli.drawing import draw
    from parallax.cli.show import render

    draw(lambda console: render(observations, width=console.width, plain=console.options.ascii_only, asked=asked))
