"""How long passes take, against what is usual for the same probe. Pure.

Who is close takes 10 ms and who is far 300, so each probe has a baseline of its own: the mean logarithm, learnt while
all is well and frozen while it is not, as an outage must not become usual. Several times as long, for minutes, as most
probes see it, is degraded; a moment of it is nothing. A check that says itself how long is too long is left to that.
"""

import math
from collections.abc import Sequence

from collector.detect.state import Vote
from collector.detect.verdicts.charts import Weighed
from parallax.clock import NS

LEARNT = 50
"""Passes that make a baseline."""
LATELY, USUALLY = 0.25, 1 / 400
"""What one pass adds to the two means: of a few runs, and of hours."""
TIMES = 3.0
LASTING_NS = 180 * NS
MOST, STILL = 2 / 3, 1 / 2
"""So many of the voters, to begin with it and to go on."""
SLOWER = "slower_than_usual"


def note_pace(vote: Vote, *, duration_ns: int, up: bool) -> bool:
    """A pass took so long: into the vote, in place. True if it is slower than usual, for long enough to say so."""
    took = math.log(max(duration_ns, 1))
    if vote.learnt < LEARNT:
        vote.learnt += 1
        vote.usual += (took - vote.usual) / vote.learnt
        vote.lately = took
        return False
    vote.lately += (took - vote.lately) * LATELY
    if vote.lately - vote.usual > math.log(TIMES):
        vote.slow_since = vote.slow_since or vote.at
        return is_slow(vote)
    vote.slow_since = 0
    if up:
        vote.usual += (took - vote.usual) * USUALLY
    return False


def is_slow(vote: Vote) -> bool:
    """Whether its passes have taken several times as long as usual, for minutes."""
    return vote.reason is None and vote.slow_since > 0 and vote.at - vote.slow_since >= LASTING_NS


def are_slow(voters: Sequence[Weighed], *, were: bool) -> bool:
    """Whether most voters, in two networks, see that. `were`: it was so before."""
    slow = [each for each in voters if is_slow(each.vote)]
    share = STILL if were else MOST
    return len(slow) >= max(2, share * len(voters)) and len({each.network for each in slow}) >= 2
