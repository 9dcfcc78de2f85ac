"""What a probe counts about itself: ticks it skipped and observations it lost, each by cause. Never reset while the
process lives, so that two reports can be subtracted."""

from collections import Counter


class Counters:
    """`skipped`: ticks, by "missed", "running", "target_busy", "overload", and "asked": put off, as a run that was
    asked for has just been. `not_run`: ticks, by what this host lacks for them (probe.capabilities). `lost`:
    observations, by the cause of the loss. `asked`: runs that were asked for."""

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.not_run: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.delivered = 0
        self.asked = 0

    def skip(self, cause: str, count: int = 1) -> None:
        self.skipped[cause] += count

    def lose(self, cause: str, count: int = 1) -> None:
        self.lost[cause] += count
