"""Why a place is said to be at fault, in sentences. Pure."""

from collector.locate.causes import Located
from collector.locate.rows import Row


def sentences(located: Located, rows: list[Row]) -> tuple[str, ...]:
    """Later."""
    return ()
