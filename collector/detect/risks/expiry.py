"""What ends on a date: certificates, and passwords of the users that checks sign in as. Pure.

A certificate is a risk in stages, and told again at each: when 30, 14 and 3 days are left. One that lives for less than
90 days is renewed in less time, so that its stages are a third, a sixth and a thirtieth of its life.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from collector.detect.numbers import LAST_NS
from collector.detect.risks.wish import Wish
from collector.detect.state import State, Vote
from collector.detect.view import HANDSHAKES, View, for_check, server_name
from collector.events import FaultDomain
from parallax.clock import NS

DAY_NS = 86400 * NS
STAGES = (30 * DAY_NS, 14 * DAY_NS, 3 * DAY_NS)
SHORT_NS = 90 * DAY_NS
PARTS = (3, 6, 30)
"""Of a shorter life, the parts that are left at each stage."""
PASSWORD_NS = 14 * DAY_NS


def warns_ns(life_ns: int) -> int:
    """How long before its end a certificate is a risk, by how long it lives."""
    return STAGES[0] if life_ns >= SHORT_NS else max(life_ns, 0) // PARTS[0]


def stage_of(warns: int, left_ns: int) -> int:
    """The stage that a certificate is at, 0 to 3, by how long before its end it is a risk and what is left."""
    stages = STAGES if warns == STAGES[0] else tuple(warns * PARTS[0] // part for part in PARTS)
    return sum(left_ns <= stage for stage in stages)


def certificates(state: State, view: View) -> Iterator[Wish]:
    """Certificates that are accepted, and end soon; of each name the one that ends first. What a member of a failover
    group shows where it is addressed directly is a risk of its own, unless it is what the name shows."""
    first: dict[tuple[str, str], tuple[Vote, str, set[str]]] = {}
    for key in state.keys.values():
        check = view.checks.get(key.check)
        if check is None or check.kind not in HANDSHAKES or key.state == "unknown":
            continue
        if key.warns_at > state.now:  # nearly all
            continue
        key.warns_at = min((each.warn_at for each in key.votes.values() if each.until), default=LAST_NS)
        ending = [each for each in key.votes.values() if each.until and each.counts]
        vote = min(ending, key=lambda each: each.until, default=None)
        if vote is None or state.now < vote.warn_at or vote.until <= state.now:
            continue
        whose = server_name(view, key.check, key.target), check.member
        known = first.get(whose)
        places = known[2] if known is not None and known[0].until == vote.until else set()
        if known is None or vote.until <= known[0].until:
            first[whose] = (vote, key.check if known is None or vote.until < known[0].until else known[1], places)
            places.add(key.subject)
    for (name, member), (vote, check_name, places) in first.items():
        if member and (name, "") in first and first[name, ""][0].until == vote.until:
            continue
        yield Wish(
            name=f"certificate {name}{f' at {member}' if member else ''}",
            title=f"The certificate of {name} ends in {left(vote.until - state.now)}",
            check=check_name,
            components=for_check(view, check_name),
            since=vote.warn_at,
            expected_at=vote.until,
            why=f"renew it; it is what {_listed(places)} shows" if len(places) == 1 else "renew it",
            domain=FaultDomain(kind="endpoint", name=name),
            stage=stage_of(vote.until - vote.warn_at, vote.until - state.now),
        )


def passwords(state: State, view: View) -> Iterator[Wish]:
    """Passwords that the plan says are due to be changed."""
    for check in view.checks.values():
        if check.member:
            continue
        user = getattr(check.spec, "user", None)
        due_at = getattr(user, "rotate_by", None)
        if not isinstance(due_at, date):
            continue
        end = int(datetime.combine(due_at, time(), UTC).timestamp()) * NS
        if state.now < end - PASSWORD_NS:
            continue
        owner = _by(getattr(user, "owner", ""))
        due = f"in {left(end - state.now)}" if end > state.now else "by now"
        yield Wish(
            name=f"{check.name}\x1fpassword",
            title=f"The password of the user that {check.name} signs in as is due to be changed {due}"[:200],
            check=check.name,
            components=for_check(view, check.name),
            since=end - PASSWORD_NS,
            expected_at=end if end > state.now else None,
            why=f"change it at the provider and on the probes, then put rotate_by off{owner}",
            stage=int(end <= state.now),
        )


def left(ns: int) -> str:
    """What is left, in words."""
    days = ns / NS / 86400
    return f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"


def _by(owner: str) -> str:
    return f" (owner: {owner})" if owner else ""


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
