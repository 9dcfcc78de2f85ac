"""A bounded store of what holds for a while: what was least lately used goes first."""

from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Bounded(Generic[Value]):
    """Values by key, each good until a time of trio's clock. One that is no longer good stays for `stale` as long as
    there is room. Bounded by `most` entries; `lost` counts what went for want of room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, tuple[Value, float]] = OrderedDict()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: str, value: Value, until: float) -> None:
        self._values[key] = (value, until)
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
            self.lost += 1

    def get(self, key: str, now: float) -> Value | None:
        """The value if it is good still."""
        found = self._values.get(key)
        if found is None or found[1] <= now:
            return None
        self._values.move_to_end(key)
        return found[0]

    def stale(self, key: str) -> Value | None:
        """The value, good or not."""
        found = self._values.get(key)
        return found[0] if found else None

    def drop(self, key: str) -> None:
        self._values.pop(key, None)
