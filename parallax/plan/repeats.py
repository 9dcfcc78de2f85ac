"""A list in a plan that has the same entry twice. Pure."""

from collections.abc import Callable, Iterable, Iterator

from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.loading.problems import shown


def repeat_faults(
    path: Path, values: Iterable[object], *, below: Path = (), like: Callable[[object], object] = lambda value: value
) -> Iterator[Fault]:
    """A fault for each value of a draft's list that stands there already. `path` leads to the list, `below` from an
    entry to the value; `like` gives what two values that mean the same have in common."""
    if not good(values):
        return
    seen: set[object] = set()
    for place, value in enumerate(values):
        if not good(value):
            continue
        if like(value) in seen:
            yield Fault((*path, place, *below), f"{shown(value)} is there already")
        seen.add(like(value))
