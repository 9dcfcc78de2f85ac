"""Whether an observation must not count, because the probe's own trouble may have made it. Pure.

`abstain` is a word, or None. The order below is from the trouble that explains most to the one that explains least.
"""

from collections.abc import Mapping

import msgspec

from parallax.observation import Observation
from parallax.values import Address, Family
from probe.clocks import STEP_S

LAG_S = 0.2
NO_FAMILY = "no_family"
"""`abstain` of an observation that says only that this probe cannot reach the target's address family."""

RESOLVERS_SILENT = "resolvers_silent"
"""... of one that needed a lookup, while the resolvers of the probe's host answer nothing at all."""

UPLINK_REASONS = frozenset(
    {
        "dns_timeout",
        "dns_servfail",
        "dns_truncated",
        "dns_bad_replies",
        "dns_resolver_down",
        "dns_name_down",
        "dns_network_down",
        "dns_intercepted",
        "connect_unreachable",
        "connect_timeout",
        "connection_reset",
        "connection_closed",
        "tls_timeout",
        "send_timeout",
        "first_byte_timeout",
        "body_timeout",
        "signin_timeout",
        "overrun",
    }
)
"""What a dead uplink of ours looks like. SERVFAIL is what a resolver on our own network says then."""


SILENT = ("timeout", "refused", "unreachable", "network_unreachable", "host_unreachable", "reset", "closed")
"""Outcomes of a question to a resolver that is not there."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """How the probe itself was during a run. Spans are seconds."""

    lag_s: float = 0.0
    """The event loop's worst lag within it."""
    stepped_s: float = 0.0
    """How far the wall clock ran away from the steady one within it."""
    down: Mapping[Family, bool] = {}
    """Whether the uplink of a family was found down within it; a family that nothing vouches for is left out."""
    routed: frozenset[Family] = frozenset({4, 6})
    """The families that this host has any route for."""
    resolvers_silent: frozenset[Address] = frozenset()
    """The resolvers of this host that answer nothing at all."""
    skewed: bool = False
    unsynchronised: bool = False


def abstain_for(observation: Observation, conditions: Conditions) -> str | None:
    """Why it must not count: what it says already, or "overload", "uplink_v4", "uplink_v6", "no_family",
    "resolvers_silent", "clock_stepped", "clock_skewed", "clock_unsynchronised"; None if nothing speaks against it."""
    if observation.abstain is not None:
        return observation.abstain
    if conditions.lag_s > LAG_S:
        return "overload"
    if asks_for_uplink(observation) and (family := _dead_family(observation, conditions.down)):
        return f"uplink_v{family}"
    asked = unanswered(observation) if conditions.resolvers_silent else ()
    if asked and conditions.resolvers_silent.issuperset(asked):
        return RESOLVERS_SILENT
    if observation.reason == "connect_unreachable" and not _has_route(observation, conditions.routed):
        return NO_FAMILY
    if abs(conditions.stepped_s) > STEP_S:
        return "clock_stepped"
    if conditions.skewed:
        return "clock_skewed"
    return "clock_unsynchronised" if conditions.unsynchronised else None


def _has_route(observation: Observation, routed: frozenset[Family]) -> bool:
    """Whether the host could reach anything that way. A lookup goes by either family."""
    family = family_of(observation)
    return bool(routed) if family is None else family in routed


def asks_for_uplink(observation: Observation) -> bool:
    """Whether a dead uplink could look like this."""
    return observation.reason in UPLINK_REASONS


def family_of(observation: Observation) -> Family | None:
    """The address family it went over; None where it has no address (a lookup that failed)."""
    family = observation.dims.get("family")
    return 4 if family == "4" else 6 if family == "6" else None


def _dead_family(observation: Observation, down: Mapping[Family, bool]) -> Family | None:
    """The family whose uplink is to blame. A lookup went over those of its resolvers: all of them must be down. Where
    it does not say, all that are known."""
    family = family_of(observation)
    if family is not None:
        return family if down.get(family) else None
    needed = _resolver_families(observation) or set(down)
    return min(needed) if needed and all(down.get(each) for each in needed) else None


def _resolver_families(observation: Observation) -> set[Family]:
    """A resolver on this host has whatever uplink there is: then nothing is known."""
    resolvers = {Address(each["resolver"]) for each in observation.findings.get("lookup", ())}
    if any(resolver.parsed_ip.is_loopback for resolver in resolvers):
        return set()
    return {resolver.family for resolver in resolvers}


def unanswered(observation: Observation) -> tuple[Address, ...]:
    """The resolvers of a lookup that none of them answered; none where one did, or nothing was looked up."""
    tries = observation.findings.get("lookup")
    if observation.reason is None or not isinstance(tries, list) or observation.findings.get("addresses"):
        return ()
    if any(each["outcome"] not in SILENT for each in tries):
        return ()
    return tuple(dict.fromkeys(Address(each["resolver"]) for each in tries))
