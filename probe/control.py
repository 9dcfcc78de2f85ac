"""The control attempt: one more, at once, at what failed. When it is made, of runs and of a flow's steps alike. Pure.

It tells a blip from an outage, and is what the replay of retry policies knows besides other runs.
"""

from probe.verdict import Verdict

AFTER_S = 0.1
"""How long a control attempt waits: what SDKs retry at once, and what a load balancer needs to send it elsewhere."""
SHORTEST_S = 0.5
"""With less time than this it would say nothing."""


def wants_control(verdict: Verdict | None) -> bool:
    """Whether the attempt failed in a way that clients would try again, and that a second attempt can tell about."""
    return verdict is not None and not verdict.soft and verdict.side in ("target", "network") and not verdict.abstain
