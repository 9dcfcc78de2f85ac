"""The state machine of a failover group: fast out, slow back. Pure."""

from collector.failover.types import Decided, GroupState, Policy, Situation


def decide(state: GroupState, policy: Policy, situation: Situation) -> list[Decided]:
    """Moves the group's state on in place, and says what is to be said and done at this moment. Deciding again in the
    same situation says nothing new."""
    return []
