"""Which of two collectors pages, and that people see one key whichever does. Pure.

Both conclude and route, each from its own records; only who is in charge tells people. The first is in charge whenever
it is alive. The second takes charge when nothing was heard of the first for a while, and gives back as soon as the
first is heard and up to date; the first goes on once it has heard that. At its start a collector waits in the same way,
so that both are in charge only while neither hears the other.

Incidents have other ids there. So what is told first gets a key that both derive alike (keys.py), and each says of its
open alerts what they are about, and who was told of them under which key. Who takes charge finds its own among them,
and goes on under the key that people know: what was told is not told again, what was not is told now, and what was told
and is over gets its end.
"""

from collections.abc import Callable, Iterable

import msgspec

from collector.events import AlertRouted, Noticed, Suppressed, Told
from collector.inputs import PeerInput
from collector.peer_word import MOST_ALERTS, PeerAlert
from collector.routing.facts import facts_of, own
from collector.routing.keys import shared_key
from collector.routing.likeness import pairs, shown
from collector.routing.state import Alert, Charge, Ear, Owed, Routing
from parallax.clock import NS
from parallax.plan.types import Plan

ORPHAN_NS = 900 * NS
"""How long an alert of the other's that is not known here is kept open."""
RESOLVED_NS = 600 * NS
MOST_RESOLVED = 500


def note_peer(state: Routing, value: PeerInput, now: int) -> None:
    """Takes what was heard of the other collector, or the config: `settle_charge` draws the conclusion."""
    charge = state.charge
    if (value.role, value.peer) != (charge.role, charge.peer):
        if not charge.role:
            _remember_told(state, now)
        charge.role, charge.peer, charge.heard, charge.heard_at = value.role, value.peer, False, now
        charge.word, charge.merged_at = None, 0
        charge.in_charge, charge.since = not value.role, now
        if not value.role:
            state.due = 0
    charge.silent_ns = value.silent_ns
    word = value.word
    if word is None or word.role == charge.role:
        return  # nothing was heard; or both were given one role, and neither may give way to the other
    charge.word, charge.heard = word, True
    if word.ready:
        charge.heard_at = now
    if charge.in_charge:
        _merge(state, word.alerts, now)
        charge.merged_at = max(charge.merged_at, word.at)


def note_start_charge(state: Routing, now: int) -> None:
    """The collector was started: it hears the other before it pages, or that there is nothing to be heard."""
    charge = state.charge
    if charge.role:
        charge.heard, charge.heard_at, charge.in_charge, charge.since = False, now, False, now


def rewind_charge(charge: Charge, at: int) -> None:
    """The collector's clock was put back."""
    charge.heard_at, charge.since = min(charge.heard_at, at), min(charge.since, at)
    charge.led_at = min(charge.led_at, at)
    for owed in charge.owed.values():
        owed.since = min(owed.since, at)
    charge.resolved = {key: min(told_at, at) for key, told_at in charge.resolved.items()}


def settle_charge(state: Routing, plan: Plan, now: int, hears: Callable[[], bool]) -> list[AlertRouted]:
    """Takes charge or gives it back where that is due; the ends that are owed then. `hears`: whether this collector's
    own probes are heard. Called after each record: alone it costs nothing."""
    charge = state.charge
    if not charge.role:
        return []
    word = charge.word
    silent = now - charge.heard_at >= charge.silent_ns
    fresh = charge.heard and not silent and word is not None
    routed: list[AlertRouted] = []
    if charge.in_charge:
        charge.led_at = now
        if charge.role == "second" and fresh and word is not None and word.ready:
            charge.in_charge, charge.since = False, now
    elif charge.role == "first":
        if silent or (fresh and word is not None and not word.in_charge):
            routed += _take(state, plan, now)
    elif silent and hears():
        routed += _take(state, plan, now)
    if charge.in_charge and charge.owed:
        routed += _pay(state, plan, now)
    return routed


def peer_is_heard(charge: Charge, now: int) -> bool:
    """Whether the other's last word is of now."""
    return bool(charge.role) and charge.heard and now - charge.heard_at < charge.silent_ns


def keep_charge(state: Routing, routed: list[AlertRouted], now: int) -> list[AlertRouted]:
    """What routing made, as it is said: under the keys that people know, or kept back as the other is in charge."""
    charge = state.charge
    if not charge.role or not routed:
        return routed
    if not charge.in_charge:
        why = f"collector {charge.peer} is in charge" if charge.heard else f"collector {charge.peer} is waited for"
        return [_kept_back(each, why) for each in routed]
    found: list[AlertRouted] = []
    for each in routed:
        alert = state.alerts.get(each.key)
        if each.phase == "notice" or alert is None or not each.to:
            found.append(each)
            continue
        if not alert.told_as and each.phase != "resolve" and charge.owed:
            each = _found_again(charge, alert, each)
        key = alert.known_as = next(iter(alert.told_as), "") or _key(state, alert)
        if each.phase == "resolve":
            under = alert.told_as or {key: ()}
            under = under | {key: tuple(dict.fromkeys([*under[key], *each.to]))}
            found += [msgspec.structs.replace(each, key=known, to=to) for known, to in under.items() if to]
            _resolved(charge, under, now)
            alert.told_as, alert.told_at = {}, 0
        else:
            alert.told_at = alert.told_at or now
            charge.resolved.pop(key, None)
            alert.told_as[key] = tuple(dict.fromkeys([*alert.told_as.get(key, ()), *each.to]))
            found.append(msgspec.structs.replace(each, key=key))
    return found


def _key(state: Routing, alert: Alert) -> str:
    """What nobody was told of yet gets a key that the other finds, too, unless something else here has it."""
    key = alert.known_as or shared_key(alert)
    return alert.key if any(key in other.told_as for other in state.alerts.values()) else key


def told_alerts(state: Routing) -> tuple[PeerAlert, ...]:
    """What people were told of and not told the end of, the newest."""
    told = [shown(alert) for alert in state.alerts.values() if alert.told_as]
    owed = [owed.alert for owed in state.charge.owed.values()]
    return tuple([*owed, *told][-MOST_ALERTS:])


def _take(state: Routing, plan: Plan, now: int) -> list[AlertRouted]:
    """In charge from here on. Where the other was since, its word says what people know."""
    charge, word = state.charge, state.charge.word
    charge.in_charge = True
    routed: list[AlertRouted] = []
    if word is not None and word.led_at > charge.led_at:
        known = [alert for alert in word.alerts if not _is_resolved(charge, alert)]
        same = pairs(state.alerts.values(), known)
        if word.echo >= charge.led_at:
            charge.owed = {}
            _forget_own(state)
        for alert in state.alerts.values():
            theirs = same.get(alert.key)
            if theirs is not None and alert.stage != "closed":
                alert.told_as = theirs.told_as | alert.told_as
                alert.told_at = alert.told_at or theirs.told_at
        _owe(state, known, same, now)
        _owe_own(state, now)
        routed += _missed(state, plan, same, charge.since, now)
    else:
        if word is not None:
            _merge(state, word.alerts, now)
        same = {alert.key: shown(alert) for alert in state.alerts.values() if alert.told_as}
        _owe_own(state, now)
        routed += _missed(state, plan, same, charge.since, now)
    charge.since = charge.led_at = now
    charge.merged_at = max(charge.merged_at, word.at if word is not None else 0)
    for alert in state.alerts.values():
        if alert.stage != "closed":
            _know(alert, now)
    state.due = 0
    return routed


def _know(alert: Alert, now: int) -> None:
    """Its ears as people really know it."""
    told = {name for names in alert.told_as.values() for name in names}
    for name, ear in list(alert.ears.items()):
        if ear.told and name not in told:
            alert.ears[name] = Ear(since=now, group=ear.group)
    for name in told:
        ear = alert.ears.setdefault(name, Ear())
        if not ear.told:
            ear.told, ear.at, ear.paged_at, ear.since, ear.seen = True, now, alert.told_at or now, 0, alert.count
    alert.due = 0


def _merge(state: Routing, theirs: Iterable[PeerAlert], now: int) -> None:
    """What the other told and this one did not hear of in time: just before it fell silent, or while both were in
    charge. It is this one's, too."""
    charge = state.charge
    mine = {key for alert in state.alerts.values() for key in alert.told_as}
    news = [
        each
        for each in theirs
        if each.told_at > charge.merged_at and not _is_resolved(charge, each) and set(each.told_as) - mine
    ]
    if not news:
        return
    same = pairs(state.alerts.values(), news)
    for key, other in same.items():
        alert = state.alerts[key]
        if alert.stage != "closed":
            for known, names in other.told_as.items():
                alert.told_as[known] = tuple(dict.fromkeys([*alert.told_as.get(known, ()), *names]))
            _know(alert, now)
    _owe(state, news, same, now)
    state.due = 0


def _owe(state: Routing, theirs: Iterable[PeerAlert], same: dict[str, PeerAlert], now: int) -> None:
    """What they told, and is not open here."""
    ours = {id(other): state.alerts[key] for key, other in same.items()}
    for each in theirs:
        alert = ours.get(id(each))
        if each.told_as and (alert is None or alert.stage == "closed") and len(state.charge.owed) < MOST_ALERTS:
            ended = alert.events[-1] if alert is not None else None
            state.charge.owed[each.key] = Owed(alert=each, since=now, ended=ended)


def _forget_own(state: Routing) -> None:
    """The other was in charge since, and knew what was told here before."""
    for alert in state.alerts.values():
        alert.told_as, alert.told_at = {}, 0


def _owe_own(state: Routing, now: int) -> None:
    """What this one told, and what ended while nobody was in charge."""
    for alert in state.alerts.values():
        if alert.stage == "closed" and alert.told_as:
            if not _is_resolved(state.charge, shown(alert)):
                state.charge.owed[alert.key] = Owed(alert=shown(alert), since=now, ended=alert.events[-1])
            alert.told_as, alert.told_at = {}, 0


def _missed(state: Routing, plan: Plan, same: dict[str, PeerAlert], since: int, now: int) -> list[AlertRouted]:
    """What began and ended while nobody was in charge: one notice each."""
    names = {receiver.name for receiver in plan.receiver}
    last = max(state.charge.heard_at, since)
    found = []
    for alert in state.alerts.values():
        if alert.stage != "closed" or alert.key in same or alert.opened_at <= last:
            continue
        to = tuple(name for name, ear in alert.ears.items() if ear.before and name in names)
        if to:
            key = alert.known_as or shared_key(alert)
            found.append(_end(own(alert), key, to, now, phase_is_notice=True))
    return found


def _pay(state: Routing, plan: Plan, now: int) -> list[AlertRouted]:
    """The ends that are due of what the other told and nobody follows here."""
    charge = state.charge
    names = {receiver.name for receiver in plan.receiver}
    open_ = [alert for alert in state.alerts.values() if alert.stage != "closed" and not alert.told_as]
    waiting = [owed.alert for owed in charge.owed.values() if owed.ended is None]
    for key, other in pairs(open_, waiting).items():
        alert = state.alerts[key]
        alert.told_as, alert.told_at = dict(other.told_as), other.told_at
        _know(alert, now)
        state.due = 0
        del charge.owed[other.key]
    routed: list[AlertRouted] = []
    for key, owed in list(charge.owed.items()):
        if owed.ended is None and now - owed.since < ORPHAN_NS:
            continue
        del charge.owed[key]
        told = owed.ended or Told(
            id=f"{owed.alert.key}/handed-over",
            at=now,
            data=Noticed(
                word="handed_over",
                title=f"Over as far as this collector sees: {owed.alert.title}"[:200],
                why=f"collector {charge.peer} told it; here it is not seen",
                components=owed.alert.components,
            ),
        )
        for known, to in owed.alert.told_as.items():
            if here := tuple(name for name in to if name in names):
                routed.append(_end(told, known, here, now))
        _resolved(charge, owed.alert.told_as, now)
    return routed


def _found_again(charge: Charge, alert: Alert, routed: AlertRouted) -> AlertRouted:
    """What was concluded just now is what the other has told already: its news, under its key."""
    waiting = [owed.alert for owed in charge.owed.values() if owed.ended is None]
    other = pairs([alert], waiting).get(alert.key)
    if other is None:
        return routed
    del charge.owed[other.key]
    alert.told_as, alert.told_at = dict(other.told_as), other.told_at
    told = {name for names in other.told_as.values() for name in names}
    return msgspec.structs.replace(routed, phase="update", pages=not told >= set(routed.to) and routed.pages)


def _remember_told(state: Routing, now: int) -> None:
    """So far this collector was alone: who is told was told by it."""
    for alert in state.alerts.values():
        told = tuple(name for name, ear in alert.ears.items() if ear.told)
        if told and alert.stage != "closed":
            alert.told_as, alert.told_at = {alert.key: told}, alert.opened_at


def _is_resolved(charge: Charge, alert: PeerAlert) -> bool:
    """Whether its end was told here, which the other has not heard of yet."""
    return any(charge.resolved.get(key, 0) > alert.told_at for key in alert.told_as)


def _resolved(charge: Charge, keys: Iterable[str], now: int) -> None:
    charge.resolved |= dict.fromkeys(keys, now)
    charge.resolved = {key: at for key, at in charge.resolved.items() if now - at < RESOLVED_NS}
    while len(charge.resolved) > MOST_RESOLVED:
        del charge.resolved[next(iter(charge.resolved))]


def _kept_back(routed: AlertRouted, why: str) -> AlertRouted:
    kept = tuple(Suppressed(receiver=name, by="standby", why=why) for name in routed.to)
    return msgspec.structs.replace(routed, to=(), pages=False, suppressed=(*routed.suppressed, *kept))


def _end(told: Told, key: str, to: tuple[str, ...], now: int, *, phase_is_notice: bool = False) -> AlertRouted:
    facts = facts_of(told, now)
    return AlertRouted(
        key=key,
        about=told.type,
        phase="notice" if phase_is_notice else "resolve",
        tier=facts.tier,
        severity=facts.severity,
        of=(told,),
        to=to,
        incident=facts.incident,
    )
