"""Tags within bounds: how many values of a tag get a name of their own, and how many series there may be in all.

A server that answers each query under another name must not make a series of each: an index of series is in memory at
the other end, and grows for ever. Whatever comes past a bound is `other`, and counted. Values keep the names that they
got for as long as the process lives, so that what is written again is written under the same tags; after a restart
another thousand may have come first.
"""

from collections.abc import Mapping

from parallax.exposition import clean
from parallax.points import OTHER

MOST_SERIES = 200_000
"""Sets of tags that observations may have, of one process. Past them only what the plan bounds is told apart."""
_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\\": "/"})


def escape(value: str) -> str:
    """Of a measurement, a tag's key or its value, in line protocol. Backslashes have no way to be said at a value's
    end, and so are none."""
    return value.translate(_ESCAPES)


class Labels:
    """What is admitted so far. `folded` counts the values and sets that were not."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], set[str]] = {}
        self.folded = 0

    def admit(self, tag: str, value: str, most: int) -> str:
        """The value as it may be written."""
        value = clean(value)
        seen = self._seen.setdefault((tag, most), set())  # a move's `kind` is not a check's
        if value in seen or not value:
            return value
        if len(seen) >= most:
            self.folded += 1
            return OTHER
        seen.add(value)
        return value

    def tags(self, values: Mapping[str, str], most: Mapping[str, int]) -> str:
        """`,key=value` for each that has a value, by name (which InfluxDB sorts them by)."""
        made = ((name, self.admit(name, values[name], most[name])) for name in sorted(values))
        return "".join(f",{name}={escape(value)}" for name, value in made if value)
