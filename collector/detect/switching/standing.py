"""How the members of a group stand, and what the trouble of the one that serves is rooted in. Pure.

A member of regions or addresses stands as the checks that are run against it directly do: as the worst of them. A DNS
operator stands as its name servers do. Where nobody addresses the serving member directly, it stands as what users
reach does.
"""

from collections.abc import Iterator, Mapping

import msgspec

from collector.detect.incidents.stages import RELAPSE_NS
from collector.detect.places import VIEWS, is_server
from collector.detect.state import Case, Key, State
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import GroupMemory
from collector.detect.verdicts.verdict import is_large
from collector.detect.verdicts.votes import Tally, ends_id, networks, tally
from collector.detect.view import OVER_TCP, View
from collector.events import CheckState, FaultDomain
from collector.failover.types import Cause, MemberWord, Standing
from parallax.plan.members import operator_name, shown_by

WORST_FIRST: tuple[CheckState, ...] = ("down", "degraded", "suspected", "up", "unknown")
STANDS: dict[CheckState, Standing] = {
    "down": "down",
    "degraded": "degraded",
    "suspected": "up",
    "up": "up",
    "unknown": "unknown",
}
"""What is suspected is not known to fail."""
ALIKE = 0.25
"""All members fail where each does at so many vantages."""
CURES: dict[str, Cause] = {
    "operator": "dns",
    "zone": "dns",
    "name_server": "dns",
    "resolver": "dns",
    "network": "probe",
    "probe": "probe",
}
"""By kind of fault domain; the others depend on whose they are."""


def keys_of(state: State, checks: tuple[str, ...], view: View) -> Iterator[Key]:
    """The subjects of these checks, in their order."""
    for name in checks:
        check = view.checks.get(name)
        for target in check.targets if check is not None else ():
            ends = state.ends.get(ends_id(name, target))
            for each in (*ends.keys, *([ends.lookup] if ends.lookup else [])) if ends is not None else ():
                key = state.keys.get(each)
                if key is not None and not (key.lookup and key.held == "up"):
                    yield key


def member_keys(state: State, view: View, group: GroupView, member: str) -> list[Key]:
    """The subjects that say how a member stands by itself."""
    if group.operators:
        names = {name for name, of in group.operators.items() if of == member}
        checks = [name for name in group.standing_checks if name in view.checks]
        found = [key for key in keys_of(state, tuple(checks), view) if key.operator in names]
        return [
            key for key in found if is_server(key, view.checks[key.check]) and not key.subject.endswith(OVER_TCP)
        ]  # over TCP they are asked seldom
    return list(keys_of(state, group.pinned.get(member, ()), view))


def words_of(state: State, view: View, group: GroupView, memory: GroupMemory) -> dict[str, MemberWord]:
    """How each member stands."""
    found: dict[str, MemberWord] = {}
    for member in group.members:
        keys = member_keys(state, view, group, member)
        if not any(key.state != "unknown" for key in keys) and member == memory.settled and not group.operators:
            keys = list(keys_of(state, (group.group.check,), view))
        word = _word(state, view, group, member, keys)
        if word.standing == "unknown" and group.operators:
            word = _answers(state, view, group, member) or word
        found[member] = word
    return found


def cause_of(
    state: State, group: GroupView, memory: GroupMemory, words: Mapping[str, MemberWord], case: Case | None
) -> Cause:
    """What the trouble of the serving member is rooted in, as far as can be told."""
    serving = words.get(memory.settled or group.group.primary)
    if serving is None or serving.standing not in ("down", "degraded"):
        return "unknown"
    domain = domain_of(case)
    others = [word for word in words.values() if word is not serving]
    if others and all(word.standing in ("down", "degraded") or word.share >= ALIKE for word in others):
        known = CURES.get(domain.kind) if domain is not None else None
        return known if known is not None else "shared"
    if group.operators:
        return "dns"
    if domain is None:
        return "region" if any(word.standing == "up" for word in others) else "unknown"
    if domain.kind in CURES:
        return CURES[domain.kind]
    own = set(names_of(group, serving.name))
    if domain.name in own or domain.kind in ("region", "site", "address"):
        return "region" if domain.name in own or domain.kind != "region" else "unknown"
    return "app" if any(word.standing == "up" for word in others) else "unknown"


def is_unheard(memory: GroupMemory, group: GroupView, words: Mapping[str, MemberWord]) -> bool:
    """Whether the trouble of the serving member is only remembered: no probe has a word on it that counts now."""
    word = words.get(memory.settled or group.group.primary)
    return word is not None and word.standing in ("down", "degraded") and not word.voters


def is_vendor_open(case: Case | None) -> bool:
    """Whether the vendor has said on a status page of its own that it has this trouble, and not that it is over."""
    if case is None or case.shown.resolved_at is not None:
        return False
    posted = [moment.text for moment in case.shown.timeline if moment.what == "vendor_posted"]
    return bool(posted) and not posted[-1].lower().startswith("resolved")


def domain_of(case: Case | None) -> FaultDomain | None:
    """Where an incident is: by a person's word, else the machine's."""
    return None if case is None else case.shown.human.domain or case.domain or case.shown.domain


def names_of(group: GroupView, member: str) -> list[str]:
    """What a member is called by observations: what shows that it serves, its address, its own name."""
    found = next(each for each in group.group.members if each.name == member)
    address = [found.connect_to.ip] if found.connect_to is not None else []
    return [member, operator_name(found), *shown_by(group.group, found), *address]


def case_of(state: State, view: View, group: GroupView, memory: GroupMemory) -> Case | None:
    """The incident that the group is in: an open one of what it serves, or of a member by its place; else the one that
    it was last in, for as long as a relapse would reopen it."""
    keys = [*keys_of(state, (group.group.check,), view)]
    for member in group.members:
        keys += member_keys(state, view, group, member)
    for key in keys:
        case = state.open.get(key.incident or "")
        if case is not None and case.bad:
            return case
    serving = memory.settled or group.group.primary
    names = set(names_of(group, serving)) if serving in group.members else set()
    for case in state.open.values():
        domain = domain_of(case)
        if case.bad and domain is not None and domain.name in names and domain.kind != "endpoint":
            return case
    last = state.open.get(memory.incident or "") or state.recent.get(memory.incident or "")
    if last is None:
        return None
    ended = last.shown.ended_at
    away = memory.settled not in ("", group.group.primary)
    return last if ended is None or away or state.now - ended <= RELAPSE_NS else None


def _word(state: State, view: View, group: GroupView, member: str, keys: list[Key]) -> MemberWord:
    keys = [key for key in keys if not key.blocked]  # refusals that nothing bears out say nothing of it
    if not keys:
        return MemberWord(name=member, standing="unknown", since=state.started_at)
    worst = min(keys, key=lambda key: (WORST_FIRST.index(_state(key)), -_failing(key)))
    if group.operators:  # it answers as long as one of its servers does
        known = [key for key in keys if _state(key) != "unknown"]
        if any(_state(key) in ("up", "suspected") for key in known) and _state(worst) == "down":
            return _degraded(state, view, member, worst, known)
    count = tally(state, view, view.checks[worst.check], worst)
    word = _counted(member, STANDS[_state(worst)], worst, count, _share(count))
    if worst.throttled and word.standing == "degraded":  # nearly everybody is turned away: nobody is served
        return msgspec.structs.replace(word, standing="down", may_switch=is_large(count) and _is_heard(count))
    return word


def _answers(state: State, view: View, group: GroupView, member: str) -> MemberWord | None:
    """An operator whose servers nobody watches stands by what other checks look up there: it answers, whatever they
    find wrong with the answers."""
    names = {name for name, of in group.operators.items() if of == member}
    checks = tuple(check.name for check in view.checks.values() if check.kind in VIEWS)
    for key in keys_of(state, checks, view):
        if key.operator not in names:
            continue
        count = tally(state, view, view.checks[key.check], key)
        if not count.voters:
            continue
        silent = sum(_is_silent(ballot.vote.reason or "") for ballot in count.failing)
        share = silent / len(count.voters)
        standing: Standing = "up" if share < ALIKE else "degraded" if share < 1 else "down"
        word = _counted(member, standing, key, count, share)
        since = key.since if (standing == "up") == (key.state == "up") else state.now  # another rule than the check's
        return msgspec.structs.replace(word, since=since, failing=silent, may_switch=False)
    return None


def _is_silent(reason: str) -> bool:
    """Whether it gave no answer, rather than one that something is wrong with."""
    return reason.startswith("dns_") or reason.endswith("_tempfail")


def _degraded(state: State, view: View, member: str, worst: Key, known: list[Key]) -> MemberWord:
    count = tally(state, view, view.checks[worst.check], worst)
    down = sum(_state(key) == "down" for key in known)
    word = _counted(member, "degraded", worst, count, down / len(known))
    return msgspec.structs.replace(word, may_switch=False)


def _counted(member: str, standing: Standing, key: Key, count: Tally, share: float) -> MemberWord:
    return MemberWord(
        name=member,
        standing=standing,
        since=key.since,
        share=round(share, 3),
        voters=len(count.voters),
        failing=len(count.failing),
        enrolled=max(count.enrolled, len(count.voters)),
        networks=networks(count.voters),
        may_switch=key.may_switch,
    )


def _state(key: Key) -> CheckState:
    return key.counts_as if key.held in ("down", "degraded") else key.state


def _is_heard(count: Tally) -> bool:
    return 2 * len(count.voters) >= count.enrolled


def _failing(key: Key) -> float:
    return key.failing / key.voters if key.voters else 0.0


def _share(count: Tally) -> float:
    """Of the vantages that fail now, each network weighing the same."""
    sums: dict[str, list[bool]] = {}
    for ballot in count.voters:
        sums.setdefault(ballot.network, []).append(ballot.failing)
    return sum(sum(each) / len(each) for each in sums.values()) / len(sums) if sums else 0.0
