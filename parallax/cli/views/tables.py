"""Runs with many subjects as one table, a line a subject, and what belongs below it. One mechanism for the kinds that
find their own subjects: VIEWS has a view for each; a kind without one is shown subject by subject (show.py).

Pure. Cells are cleaned of control characters here, whoever made them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parallax.cli.grades import Grade, grade
from parallax.cli.text import clean
from parallax.cli.views.chain import below_chain
from parallax.cli.views.dnssec import DNSSEC_COLUMNS, below_dnssec, dnssec_cells
from parallax.cli.views.mail import MAIL_COLUMNS, below_mail, mail_cells
from parallax.cli.views.parity import below_parity
from parallax.cli.views.resolve import RESOLVE_COLUMNS, below_resolve, resolve_cells
from parallax.cli.views.zone import below_zone, zone_cells
from parallax.observation import Observation

STYLES: dict[Grade, str] = {
    "ok": "green",
    "degraded": "yellow",
    "failed": "red",
    "unknown": "magenta",
    "config": "red",
}

Rows = Sequence[Sequence[object]]
Block = tuple[str, Sequence[str], Rows]
"""A title, the columns' titles (none: no head), and the rows; a column whose title ends in ">" stands to the right."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How the observations of one kind are laid out. Each is a line: its grade, then `cells` of it under `columns`;
    None instead of cells: it has no line. `below` makes further tables."""

    columns: Sequence[str] = ()
    cells: Callable[[Observation], Sequence[object] | None] = lambda seen: None
    below: Callable[[Sequence[Observation]], Iterable[Block]] = lambda observations: ()


VIEWS: dict[str, View] = {
    "dns.resolve": View(columns=RESOLVE_COLUMNS, cells=resolve_cells, below=below_resolve),
    "dns.chain": View(below=below_chain),
    "dns.parity": View(below=below_parity),
    "dns.mail": View(columns=MAIL_COLUMNS, cells=mail_cells, below=below_mail),
    "dns.dnssec": View(columns=DNSSEC_COLUMNS, cells=dnssec_cells, below=below_dnssec),
    "dns.zone": View(
        columns=("server", "address", "operator", "site", "serial>", "rtt>", "class"),
        cells=zone_cells,
        below=below_zone,
    ),
}


def laid_out(observations: Sequence[Observation], view: View) -> Iterator[RenderableType]:
    """The lines of all that have one, then the tables below."""
    rows = [(seen, cells) for seen in observations if (cells := view.cells(seen)) is not None]
    if rows:
        styles = [STYLES[grade(seen)] for seen, _ in rows]
        yield _table(("", *view.columns), [(grade(seen), *cells) for seen, cells in rows], styles)
    for title, columns, lines in view.below(observations):
        if lines:
            yield Text()
            yield Text(f"  {clean(title)}", "bold")
            yield _table(columns, lines, indent=4)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], styles: Sequence[str] = (), indent: int = 2
) -> RenderableType:
    table = Table(box=None, show_header=any(columns), pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    width = len(columns) or max(map(len, rows))
    for title in [*columns, *[""] * (width - len(columns))]:
        right = title.endswith(">")
        table.add_column(title.removesuffix(">"), justify="right" if right else "left", overflow="fold")
    for place, row in enumerate(rows):
        cells = [Text("" if cell is None else clean(cell)) for cell in row[:width]]
        if styles:
            cells[0].stylize(styles[place])
        table.add_row(*cells)
    return Padding(table, (0, 0, 0, indent), expand=False)
