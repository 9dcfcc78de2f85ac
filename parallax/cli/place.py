"""Where a command on the collector's host finds the collector's state folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from parallax.cli.daemon import fail

if TYPE_CHECKING:
    from parallax.config import CollectorConfig, ProbeConfig

Command = TypeVar("Command", bound=Callable[..., Any])
OWNER = "owner.json"
"""What a collector that runs leaves in its state folder."""
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


def place_options(command: Command) -> Command:
    """--config and --state, one of which says where the collector's state is; by default that of `parallax up`."""
    command = click.option(
        "--state",
        type=FOLDER,
        help="The state folder of the collector or of `parallax up`; that of the latter if left out.",
    )(command)
    return click.option("--config", type=FILE, help="The collector's config, which says where its state is.")(command)


def place_and_json(command: Command) -> Command:
    """The same, and --json."""
    return place_options(click.option("--json", "as_json", is_flag=True, help="As JSON.")(command))


def given(
    ctx: click.Context, config: Path | None, state: Path | None, as_json: bool
) -> tuple[Path | None, Path | None, bool]:
    """These options, which may stand before the command's name as well; the group puts them into `ctx.obj`."""
    before = ctx.obj or (None, None, False)
    return config or before[0], state or before[1], as_json or before[2]


def collector_state(config: Path | None, state: Path | None) -> Path:
    """The collector's state folder. Ends the command (status 2) where the config cannot be read."""
    if state is not None:
        inner = state / "collector"  # what `parallax up --state` was given has the collector's in it
        return inner if not (state / OWNER).exists() and (inner / OWNER).exists() else state
    if config is not None:
        return Path(load_collector(config).state)
    return default_state() / "collector"


def load_collector(path: Path) -> "CollectorConfig":
    """The collector's config; ends the command (status 2) with all that is wrong with it."""
    from parallax.config_loading import load_collector_config
    from parallax.loading.problems import LoadErrors

    try:
        return load_collector_config(path)
    except LoadErrors as errors:
        fail(*str(errors).splitlines())


def load_probe(path: Path) -> "ProbeConfig":
    """The probe's config, likewise."""
    from parallax.config_loading import load_probe_config
    from parallax.loading.problems import LoadErrors

    try:
        return load_probe_config(path)
    except LoadErrors as errors:
        fail(*str(errors).splitlines())


def default_state() -> Path:
    """The state folder of the `parallax up` that runs: with a plan or, if none runs with one, the lab."""
    own, lab = up_state(), lab_state()
    runs = [state for state in (own, lab) if (state / "collector" / OWNER).exists()]
    return (runs or [own])[0]


def lab_state() -> Path:
    """Where `parallax up` without a plan keeps what must survive."""
    return up_state().with_name("lab")


def up_state() -> Path:
    """Where `parallax up` keeps what must survive, unless told otherwise (XDG Base Directory)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not Path(base).is_absolute():
        try:
            base = str(Path("~/.local/state").expanduser())
        except RuntimeError:
            fail("there is no home folder to keep state in; say where: --state FOLDER")
    return Path(base) / "parallax" / "up"
