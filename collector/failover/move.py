"""A move that is wanted, before any rule was asked, and the choice of the member to move to."""

from typing import Literal

import msgspec

from collector.failover.types import MemberWord, Policy, Readiness, Situation, Wanted
from parallax.clock import NS

SETTLED = 0.8
"""A member serves, and a switch is effective, once so many of the vantages see it."""
LEAVE = 0.25
"""A serving member that fails for so many vantages is left, though it is not down..."""
CLEAN = 0.02
"""...for one that fails for no more than these, ..."""
LASTING_NS = 60 * NS
"""...once that lasted. The primary must be well for so long before it is a way out of trouble."""
APART = 0.30
"""By so much more must a member pass, for LASTING_NS, to be moved to although it is not well itself."""

_RANKS = {"up": 0, "degraded": 1, "unknown": 2, "down": 3}


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """From one member to another, and why."""

    source: str
    target: str
    wanted: Wanted
    why: str
    """What is the matter, in a few words."""
    direction: Literal["failover", "failback"]

    @property
    def by_trouble(self) -> bool:
        """It is wanted because the serving member is in trouble."""
        return self.wanted in ("down", "degraded", "lesser")


def word_of(situation: Situation, name: str) -> MemberWord:
    """How a member stands; unknown where nobody says."""
    return situation.members.get(name) or MemberWord(name=name, standing="unknown", since=0)


def readiness_of(situation: Situation, name: str) -> Readiness:
    """Whether a member is ready; not so where nobody says."""
    return situation.ready.get(name) or Readiness(member=name, ready=False, since=0)


def direction_to(policy: Policy, target: str) -> Literal["failover", "failback"]:
    return "failback" if target == policy.primary else "failover"


def choose(policy: Policy, situation: Situation, source: str) -> str:
    """The member to move to: the ready one that stands best, in the plan's order. Of those that are not ready the one
    that stands best, so that it can be said what is in the way."""
    others = [name for name in policy.members if name != source]
    return min(others, key=lambda name: _order(situation, name))


def least_bad(policy: Policy, situation: Situation, source: str) -> str:
    """The member that passes for most vantages, among those that are measured at all; in the plan's order."""
    others = [name for name in policy.members if name != source and word_of(situation, name).voters > 0]
    return min(others, key=lambda name: word_of(situation, name).share, default="")


def share_text(word: MemberWord) -> str:
    """ "14 of 14 vantages", or the share where nobody counted."""
    return f"{word.failing} of {word.voters} vantages" if word.voters else f"{word.share:.0%} of the vantages"


def is_clean(word: MemberWord) -> bool:
    """It is well, and fails for next to nobody."""
    return word.standing == "up" and word.share <= CLEAN


def _order(situation: Situation, name: str) -> tuple[bool, int]:
    return not readiness_of(situation, name).ready, _RANKS[word_of(situation, name).standing]
