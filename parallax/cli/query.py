"""`parallax query`: SQL over the history, by way of the collector, as DuckDB lets one process have the file."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.place import collector_state, place_options
from parallax.cli.remote import ask
from parallax.cli.text import clean

TIMEOUT_S = 30.0
_TABLES = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = 'main' ORDER BY table_name, ordinal_position"
)


@click.command()
@click.argument("sql", required=False)
@place_options
@click.option("--tables", is_flag=True, help="List the tables and their columns.")
@click.option("--rows", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="At most so many rows.")
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--csv", "form", flag_value="csv", help="As CSV (RFC 4180), with a header.")
def query(sql: str | None, config: Path | None, state: Path | None, tables: bool, rows: int, form: str | None) -> None:
    """Ask the history: one SELECT, in DuckDB's SQL. Times are UTC. "-" reads it from standard input.

    \b
    parallax query --tables
    parallax query "SELECT reason, count(*) FROM observation GROUP BY reason"
    """
    if tables == (sql is not None):
        fail('say what to ask: parallax query "SELECT ...", or parallax query --tables')
    if tables:
        sql, rows = _TABLES, 10_000
    elif sql == "-":
        sql = sys.stdin.read()
    asked = {"sql": sql, "max_rows": rows}
    table = ask("POST", "/v1/query", collector_state(config, state), body=asked, timeout_s=TIMEOUT_S)
    if form == "json":
        click.echo(msgspec.json.encode(table))
    elif form == "csv":
        click.echo(as_csv(table), nl=False)
    elif sys.stdout.isatty():
        _print_rich(table)
    else:
        click.echo(as_text(table))
    if table["more"]:
        click.echo("parallax: there are more rows than are shown; --rows takes more of them", err=True)


def as_text(table: dict[str, Any]) -> str:
    """Aligned columns under their names: numbers to the right, texts to the left. Pure."""
    lines = [[clean(name) for name in table["columns"]], *([_cell(value) for value in row] for row in table["rows"])]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table["columns"]))]
    right = _numeric(table)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def as_csv(table: dict[str, Any]) -> str:
    """RFC 4180, with a header; what is not there is an empty field. Pure."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table["columns"])
    writer.writerows([["" if value is None else _raw(value) for value in row] for row in table["rows"]])
    return text.getvalue()


def _print_rich(table: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, to_right in zip(table["columns"], _numeric(table), strict=True):
        shown.add_column(Text(clean(name)), justify="right" if to_right else "left", overflow="fold")
    for row in table["rows"]:
        shown.add_row(*(Text(_cell(value)) for value in row))
    Console(highlight=False).print(shown)


def _numeric(table: dict[str, Any]) -> list[bool]:
    """Of each column: whether all that is there is a number."""
    columns = [[row[place] for row in table["rows"]] for place in range(len(table["columns"]))]
    return [
        any(value is not None for value in values)
        and all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)
        for values in columns
    ]


def _cell(value: object) -> str:
    return "-" if value is None else clean(_raw(value))


def _raw(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else str(value)
