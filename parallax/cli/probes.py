"""`parallax probes`: the fleet at a glance, a line each."""

from pathlib import Path
from typing import Any

import click
import msgspec

from parallax.cli.place import collector_state, place_and_json
from parallax.cli.remote import ask
from parallax.cli.text import clean
from parallax.clock import NS, wall_ns
from parallax.spans import lasting

_ORDER = ("silent", "unhealthy", "unknown", "healthy")
HEADINGS = ("PROBE", "STATE", "VERSION", "REGION", "PROVIDER", "ASN", "LOCATION", "LAG", "CLOCK", "SEEN", "LACKS")


@click.command()
@click.option("--outdated", is_flag=True, help="Only those of another version than the collector.")
@place_and_json
def probes(config: Path | None, state: Path | None, as_json: bool, outdated: bool) -> None:
    """List the probes: version, region, lag, clock, health, when last seen, what their hosts lack.

    Those in trouble come first. Exit status 3 when the collector does not answer.
    """
    place = collector_state(config, state)
    board, status = ask("GET", "/v1/board", place), ask("GET", "/v1/status", place)
    found = sorted_probes(board["probes"], status["version"], outdated=outdated)
    if as_json:
        click.echo(msgspec.json.encode({"version": status["version"], "probes": found}))
        return
    click.echo("\n".join(table(found, status["version"], wall_ns(), outdated=outdated)))


def sorted_probes(probes: list[dict[str, Any]], version: str, *, outdated: bool) -> list[dict[str, Any]]:
    """Those in trouble first, then by id, each with `outdated`: whether it was heard as of another version. Pure."""
    found = [{**probe, "outdated": bool(probe["agent"]) and probe["agent"] != version} for probe in probes]
    return sorted(
        (probe for probe in found if probe["outdated"] or not outdated),
        key=lambda probe: (_ORDER.index(probe["state"]) if probe["state"] in _ORDER else 0, probe["id"]),
    )


def table(probes: list[dict[str, Any]], version: str, now: int, *, outdated: bool = False) -> list[str]:
    """The table for people. Pure; `now` is wall time, ns."""
    if not probes:
        return [f"every probe that was heard is of version {version}" if outdated else "the plan has no probes"]
    rows = [HEADINGS, *(tuple(map(clean, _cells(probe, now))) for probe in probes)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    why = [f"{probe['id']}: {probe['why']}" for probe in probes if probe["state"] != "healthy" and probe["why"]]
    why += [f"{probe['id']}: {word}: {text}" for probe in probes for word, text in sorted(probe["lacks"].items())]
    old = sum(probe["outdated"] for probe in probes)
    why += [f"{old} of another version than the collector, {version}"] * bool(old)
    return [*lines, *([""] if why else []), *map(clean, why)]


def _cells(probe: dict[str, Any], now: int) -> tuple[str, ...]:
    heard = probe["heard_at"]
    return (
        probe["id"],
        probe["state"],
        f"{probe['agent'] or '-'}{'*' * probe['outdated']}",
        probe["region"] or "-",
        probe["provider"] or "-",
        str(probe["asn"] or "-"),
        _place(probe["location"]),
        _seconds(probe["lag_s"]),
        _seconds(probe["clock_offset_s"]),
        "never" if heard is None else f"{lasting(round(max(0, now - heard) / NS) * NS)} ago",
        ", ".join(sorted(probe["lacks"])) or "-",
    )


def _place(location: list[float] | None) -> str:
    return "-" if location is None else f"{location[0]:.2f},{location[1]:.2f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"
