"""How many probes say it, and how much of it fails."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from parallax.clock import NS
from parallax.spans import lasting

CheckState = Literal["unknown", "up", "suspected", "degraded", "down"]
"""Of one (check, target, subject) over all probes that measure it. `unknown`: nobody's word on it is fresh."""


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How much of it fails, 0 to 1, with a 95 % interval: apart from how sure it is that anything does. Only runs that
    were launched after the trouble began count. Of the vantages, each network weighing the same, as nobody knows of the
    users; of `users` only with weights that the owner supplied."""

    share: float
    low: float
    high: float
    of: Literal["vantages", "users"] = "vantages"
    since: int = 0
    """When the trouble began, by the runs."""

    @property
    def words(self) -> str:
        """For people: "90 % of vantages, likely 70-98 %"."""
        return f"{self.share:.0%} of {self.of}, likely {100 * self.low:.0f}-{self.high:.0%}".replace("%", " %")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How many probes say it. Probes that abstain or are silent are no voters."""

    failing: int
    voters: int
    networks: int
    """Networks (ASN, else provider) that the failing probes are in."""
    span_ns: int
    """From the first to the last of the failing probes' attempts."""
    abstaining: int = 0
    silent: int = 0
    reasons: Mapping[str, int] = {}
    """Reason words and how many of the failing probes give them, the most frequent first."""
    single: bool = False
    """Only one probe measures it."""
    extent: Extent | None = None
    """How much of it fails as the vantages see it; None while all is well."""
    users: Extent | None = None
    """Of an incident: the share of users that it hurts, by the weights that the plan gives its probes. None where it
    gives none, and where nobody is hurt."""

    @property
    def extent_words(self) -> str:
        """For people: of users where that is known, and of vantages; "" while all is well."""
        return "; ".join(each.words for each in (self.users, self.extent) if each is not None)

    @property
    def words(self) -> str:
        """For people: "4 of 5 probes in 3 networks failed within 9 s"."""
        if self.single:
            what = "failed" if self.failing else "passed"
            return f"the one probe {what}; single vantage: cannot tell target from network"
        text = f"{self.failing} of {self.voters} probes"
        if self.failing > 1:
            text += f" in {self.networks} network{'s' * (self.networks != 1)}"
        text = f"{text} failed" if self.voters else "no probe can vote"
        if self.failing > 1:
            text += f" within {_span(self.span_ns)}"
        more = [f"{n} {word}" for n, word in ((self.abstaining, "abstained"), (self.silent, "silent")) if n]
        return f"{text} ({', '.join(more)})" if more else text


def _span(ns: int) -> str:
    seconds = ns / NS
    return f"{seconds:.1f} s" if seconds < 9.95 else lasting(ns)
