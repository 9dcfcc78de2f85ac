"""Checks that are run against each member of a failover group directly, made of the plan's own when it is loaded. Pure.

A check that goes by the name finds the member that serves, and says nothing of the one that stands by. So `check` and
each of `also` of a group of regions or addresses are there once more for each member: the same in everything, but that
the member's address is dialled, whatever the DNS says. They count in budgets, costs and loads as any check does.
"""

from collections.abc import Iterable, Iterator

import msgspec

from parallax.loading.problems import quoted
from parallax.plan.failover_types import Failover, Member
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check
from parallax.values import Endpoint, Url

PINNABLE = ("http", "tls", "oidc", "signin")
"""The kinds that dial what a name leads to, and so can dial something else instead."""
FLOWS = ("oidc", "signin")
"""Those of them that may go to several hosts."""
VERBS = ("get", "post", "put", "patch", "delete")


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


def pinned_endpoints(check: Check, target: str) -> list[Endpoint]:
    """What stands for the member's address in such a check: the target, and where a flow's provider is by the plan."""
    read = SPECS[check.kind].endpoint
    if read is not None:
        return [read(target)]
    named = [getattr(check.spec, key, None) for key in ("issuer", "frontend_api")]
    return [Url(url).endpoint for url in (target, *named) if url]


def pinned_notes(groups: Iterable[Failover], checks: Iterable[Check]) -> Iterator[str]:
    """Which hosts of a flow are dialled at a member, and which by their names: what is wrong there is no member's."""
    known = {check.name: check for check in checks}
    for group in groups:
        told: set[str] = set()
        for check, _ in pinned_of(group, known):
            if check.kind not in FLOWS or check.name in told:
                continue
            told.add(check.name)
            own = {each.host for target in check.targets for each in pinned_endpoints(check, str(target))}
            others = sorted(_hosts_of_steps(check) - own)
            named = f"{quoted(others)} and " if others else ""
            yield (
                f'failover "{group.name}": "{check.name}" dials each member for {quoted(sorted(own))}; {named}whatever '
                "else it is led to is dialled by name, also where another member serves that"
            )


def _hosts_of_steps(check: Check) -> set[str]:
    """Those that the plan's own steps name as they are."""
    found: set[str] = set()
    for step in getattr(check.spec, "step", ()):
        request = step.request
        for text in (getattr(request, verb) for verb in VERBS) if request is not None else ():
            try:
                found.add(Url(str(text)).endpoint.host)
            except ValueError:
                continue  # none, or one that a run fills in
    return found


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
