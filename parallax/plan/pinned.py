"""Checks that are run against each member of a failover group directly, made of the plan's own when it is loaded. Pure.

A check that goes by the name finds the member that serves, and says nothing of the one that stands by. So `check` and
each of `also` of a group of regions or addresses are there once more for each member: the same in everything, but that
the member's address is dialled, whatever the DNS says. They count in budgets, costs and loads as any check does.
"""

from collections.abc import Iterable, Iterator

import msgspec

from parallax.plan.failover_types import Failover, Member
from parallax.plan.types import Check

PINNABLE = ("http", "tls", "oidc", "signin")
"""The kinds that dial what a name leads to, and so can dial something else instead."""


def pinned_checks(groups: Iterable[Failover], checks: Iterable[Check]) -> list[Check]:
    """The checks that go to members directly, by group, check and member, in the plan's order."""
    known = {check.name: check for check in checks}
    return [pinned for group in groups for _, pinned in pinned_of(group, known)]


def pinned_of(group: Failover, known: dict[str, Check]) -> Iterator[tuple[Check, Check]]:
    """Those of one group, each after the plan's own that it is made of."""
    if group.kind == "dns-operator":
        return
    for name in dict.fromkeys([group.check, *group.also]):
        check = known.get(name)
        if check is None or check.kind not in PINNABLE:
            continue
        for member in group.members:
            if member.connect_to is not None:
                yield check, _pinned(check, group, member)


def pinned_name(check: str, member: str) -> str:
    """What a check is called that goes to a member directly."""
    return f"{check} @ {member}"


def own_name(check: Check) -> str:
    """The name of the plan's own check that a check is, or was made of."""
    if not check.member:
        return check.name
    return check.name.removesuffix(pinned_name("", member_of(check.member)[1]))


def member_of(text: str) -> tuple[str, str]:
    """Group and member of a `Check.member`; a member's name has no slash."""
    group, _, member = text.rpartition("/")
    return group, member


def _pinned(check: Check, group: Failover, member: Member) -> Check:
    return msgspec.structs.replace(
        check,
        name=pinned_name(check.name, member.name),
        member=f"{group.name}/{member.name}",
        pinned=member.connect_to,
    )
