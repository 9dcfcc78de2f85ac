"""What a probe remembers of DNS between runs. All of it bounded, none of it on disk.

A probe has one for its life; a check that is run by hand has one for itself.
"""

from collections import OrderedDict

MOST_NAMES = 2000


class Memory:
    """Owned by the probe; the checks of all targets share it, in one thread."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()

    def note_name(self, name: str) -> None:
        """A name that some check met: it belongs to the inventory of its zone."""
        self._names[name] = None
        self._names.move_to_end(name)
        while len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)

    def names_under(self, zone: str) -> list[str]:
        """The names met at or under a zone, in the order they were last met."""
        return [name for name in self._names if name == zone or name.endswith(f".{zone}")]
