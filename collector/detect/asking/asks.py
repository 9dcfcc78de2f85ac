"""Whom to ask to look again now, and at what. Pure: it follows from the state, at the time that records tell.

A probe that fails where all was well, or that waits for longer than its passes take, is either broken itself, or the
first to see an outage. So the suspect looks again, and voters in other networks look once: each answer is worth as much
as one from the grid, and comes at once (controlled sensing: H. Chernoff, Ann. Math. Statist. 30, 1959; of change
points: T. Banerjee and V. Veeravalli, "Data-efficient quickest change detection", Sequential Analysis 31, 2012). Once
two networks see it, everyone looks who has not since it began; and everyone again when it has lasted for as long as a
blip may (charts.py), and so on until it is decided. Between the two nobody is asked: a run that hangs would be in the
way of the one that counts. Towards recovery everyone looks at once: what is down is known.

At what others run, a probe has one look in fifteen seconds. It is kept for the moment that counts: before, no more are
asked than can be spared then.

What is asked is bounded: by time (a suspicion that is never borne out is let be, for longer each time, as long as it is
the same probes that say it), by number (of ten thousand subjects that fail at once a few tell as much as all), and at
the probe, which knows how often its runs may go anywhere, asked or not (probe/wishes.py). Flows are never asked for:
nothing that signs anybody in is repeated because of a suspicion.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from collector.detect.asking.inquiries import How, Inquiries, Inquiry, Rest, Why
from collector.detect.state import Ends, Key, State, Vote
from collector.detect.verdicts.charts import TAU_NS, TAU_PERIODS, began_at
from collector.detect.verdicts.flows import vote_fresh_ns
from collector.detect.verdicts.votes import ends_id, tally
from collector.detect.view import CheckView, View
from parallax.clock import NS

LONGEST_NS = 45 * NS
"""A suspicion that is not decided by then is let be."""
EVERY_NS = 4 * NS
"""How often everyone looks while it is undecided: sooner, a second answer tells little that the first did not."""
EXTERNAL_EVERY_NS = 15 * NS
"""How often a probe may look at what others run; asked or not."""
EXTERNAL_FLEET_NS = 1 * NS
"""And the fleet in all."""
OTHERS = 2
"""Voters in other networks that are asked first."""
RENEWED = 3
"""So many networks are wanted when it has lasted (verdict.py)."""
HOLD_NS = NS // 4
"""By so much later than it must have lasted: clocks differ."""
WIDE_NETWORKS = 2
"""So many networks that say the same make it everyone's matter."""
LEFT_ALONE = 3
"""A suspect that has said it so often, while others have looked and say otherwise, says nothing new."""
PART = 2 / 3
"""Where more than this fail, that a third does is news enough."""
BAD = ("down", "degraded")
MAX_OPEN = 24
MAX_OPEN_OF_CHECK = 6
"""Targets of one check mostly fail by one cause: some stand for all."""
FIRST_REST_NS, LONGEST_REST_NS = 60 * NS, 3600 * NS
REMEMBERED_NS = 1800 * NS
"""A rest so long ago does not make the next one longer."""
MAX_RESTS = 1000


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One probe is to run one target of one check, between two times of the records, ns since the Unix epoch; at once
    where the first is past. `every_ns` is how often while it stands, 0 for once."""

    id: str
    check: str
    target: str
    probe: str
    every_ns: int
    not_before: int
    until: int
    why: Why


def asks_of(state: State, view: View) -> tuple[Ask, ...]:
    """All that is asked at this moment, in a fixed order."""
    asks = []
    for name, inquiry in state.inquiries.open.items():
        ends, check = _what(state, view, name)
        if ends is None or check is None or inquiry.until <= state.now:
            continue
        every = _every_ns(check, inquiry)
        id_ = f"{state.seed[:8]}-{inquiry.number}"
        _, _, target = name.partition("\x1f")
        for probe, how in inquiry.rounds.items():
            ask = Ask(
                id=id_,
                check=check.name,
                target=target,
                probe=probe,
                every_ns=every if how == "again" else 0,
                not_before=inquiry.began,
                until=inquiry.until,
                why=inquiry.why,
            )
            if how != "later":
                asks.append(ask)
            if inquiry.hold_at:
                asks.append(replace(ask, id=f"{id_}h", every_ns=every, not_before=inquiry.hold_at))
    return tuple(asks)


def tell_asks(state: State, view: View, touched: Iterable[str], *, tick: bool) -> None:
    """Begins, widens and ends inquiries. `touched` are the ids of subjects that were spoken of; at a `tick` all that
    are under way are looked at."""
    inquiries = state.inquiries
    names = dict.fromkeys(inquiries.open if tick else ())
    for each in touched:
        key = state.keys.get(each)
        if key is not None:
            names[ends_id(key.check, key.target)] = None
    for name in names:
        inquiry = inquiries.open.get(name)
        if inquiry is None and _in_the_way(inquiries, name) is None:
            continue
        ends, check = _what(state, view, name)
        if ends is None or check is None:
            inquiries.open.pop(name, None)
        elif inquiry is None:
            _begin(state, view, name, ends, check)
        else:
            _go_on(state, view, name, ends, check, inquiry)


def _what(state: State, view: View, name: str) -> tuple[Ends | None, CheckView | None]:
    """What an inquiry is about; None where it is no longer measured, or must not be asked for."""
    check_name, _, target = name.partition("\x1f")
    check = view.checks.get(check_name)
    if check is None or check.of_steps or target not in check.targets:
        return None, None
    return state.ends.get(name), check


def _every_ns(check: CheckView, inquiry: Inquiry) -> int:
    """External targets get no more of the whole fleet than one run a second."""
    if not check.external:
        return EVERY_NS
    return max(EXTERNAL_EVERY_NS, EXTERNAL_FLEET_NS * len(inquiry.rounds))


def _in_the_way(inquiries: Inquiries, name: str) -> str | None:
    """The inquiry that gives way to one that tells more, where there is no room for another; "" where there is, and
    None where none gives way."""
    prefix = name.partition("\x1f")[0] + "\x1f"
    of_check = [each for each in inquiries.open if each.startswith(prefix)]
    if len(of_check) < MAX_OPEN_OF_CHECK and len(inquiries.open) < MAX_OPEN:
        return ""
    rivals = of_check if len(of_check) >= MAX_OPEN_OF_CHECK else inquiries.open
    return next((each for each in rivals if not inquiries.open[each].wide), None)


def _begin(state: State, view: View, name: str, ends: Ends, check: CheckView) -> None:
    rest = state.inquiries.rests.get(name)
    resting = rest is not None and state.now < rest.until
    if resting and any(key.held == "degraded" for key in _keys(state, ends)):
        return  # of what fails in part, each run is as likely news as not
    choices: tuple[tuple[Why, dict[str, bool]], ...] = (
        ("suspicion", _suspects(state, check, ends)),
        ("recovery", _recovering(state, check, ends)),
    )
    for why, found in choices:
        new = set(found)
        if rest is not None and resting and rest.why == why:
            new = new - set(rest.probes) if why == "suspicion" else set()
        if new:
            _open(state, view, name, ends, check, why, new, found)
            return


def _open(
    state: State, view: View, name: str, ends: Ends, check: CheckView, why: Why, new: set[str], found: dict[str, bool]
) -> None:
    inquiries = state.inquiries
    rival = _in_the_way(inquiries, name)
    if rival is None or (rival and _networks(view, new) < WIDE_NETWORKS):
        return
    inquiries.open.pop(rival, None)
    inquiries.number += 1
    inquiry = Inquiry(number=inquiries.number, began=state.now, until=state.now + LONGEST_NS, why=why)
    inquiries.open[name] = inquiry
    if why == "recovery" or _networks(view, new) >= WIDE_NETWORKS:
        _widen(state, view, ends, check, inquiry)
        return
    inquiry.rounds = {probe: "again" if found[probe] else "later" for probe in sorted(new)}
    spared = _spared(state, view, check)
    if spared:
        inquiry.rounds |= dict.fromkeys(_others(state, view, check, ends, new)[:spared], "once")
    elif (began := _began_at(state, view, check, ends)) is not None:
        inquiry.rounds |= dict.fromkeys(_others(state, view, check, ends, new), "later")
        inquiry.hold_at = began + _tau_ns(check)


def _go_on(state: State, view: View, name: str, ends: Ends, check: CheckView, inquiry: Inquiry) -> None:
    found = (_suspects if inquiry.why == "suspicion" else _recovering)(state, check, ends)
    if not found:
        del state.inquiries.open[name]
        held = {key.held for key in _keys(state, ends)}
        if "degraded" in held or ("down" in held and inquiry.why == "recovery"):
            _rest(state, name, inquiry.why, found)
        elif inquiry.wide:
            state.inquiries.rests.pop(name, None)
    elif state.now >= inquiry.until or _is_alone(state, view, ends, check, inquiry, found):
        del state.inquiries.open[name]
        _rest(state, name, inquiry.why, found)
    elif not inquiry.wide and _networks(view, found) >= WIDE_NETWORKS:
        _widen(state, view, ends, check, inquiry)


def _widen(state: State, view: View, ends: Ends, check: CheckView, inquiry: Inquiry) -> None:
    """Time begins anew: everyone may take as long as one did."""
    inquiry.wide, inquiry.until = True, state.now + LONGEST_NS
    everyone = _all(state, view, check)
    began = _began_at(state, view, check, ends) if inquiry.why == "suspicion" else None
    if began is None:
        inquiry.rounds = dict.fromkeys(everyone, "again")
        return
    keys = list(_keys(state, ends))
    rounds: dict[str, How] = {
        probe: "later" if check.external or any(_at(key, probe) >= began for key in keys) else "once"
        for probe in everyone
    }
    inquiry.rounds = rounds
    inquiry.hold_at = began + _tau_ns(check)


def _tau_ns(check: CheckView) -> int:
    return min(TAU_NS, int(TAU_PERIODS * check.period_ns)) + HOLD_NS


def _spared(state: State, view: View, check: CheckView) -> int:
    """How many others may look at once, and leave enough to look when it has lasted."""
    networks = _networks(view, _all(state, view, check))
    wanted = min(RENEWED, -(-2 * networks // 3))
    return max(0, min(OTHERS, networks - 1 - wanted)) if check.external else OTHERS


def _began_at(state: State, view: View, check: CheckView, ends: Ends) -> int | None:
    """When the trouble began of the subject that most fail at, by launches."""
    counts = [tally(state, view, check, key) for key in _keys(state, ends) if key.held != "down"]
    most = max(counts, key=lambda count: len(count.failing), default=None)
    if most is None or not most.failing:
        return None
    size = len(most.voters)
    return began_at(most.voters, spare=size - -(-2 * size // 3))


def _rest(state: State, name: str, why: Why, found: Iterable[str]) -> None:
    rests = state.inquiries.rests
    before = rests.pop(name, None)
    span = FIRST_REST_NS
    if before is not None and state.now - before.until <= max(before.span, REMEMBERED_NS):
        span = min(2 * before.span, LONGEST_REST_NS)
    rests[name] = Rest(until=state.now + span, span=span, why=why, probes=tuple(sorted(found)))
    while len(rests) > MAX_RESTS:
        del rests[next(iter(rests))]


def _suspects(state: State, check: CheckView, ends: Ends) -> dict[str, bool]:
    """The probes that fail where it is not yet decided, or wait for long, and whether they have failed; where it is
    known to be degraded, they are those that fail while half do in earnest: it may be getting worse."""
    found: dict[str, bool] = {}
    for key in _keys(state, ends):
        if key.held == "down":
            continue
        votes = list(_votes(state, check, key))
        failing = {p: v.reason is not None for p, v in votes if v.reason is not None or v.pending_at > v.at}
        worse = sum(v.reason is not None and not v.soft and v.fault != "blocked" for _, v in votes)
        if failing and (key.held != "degraded" or 2 * worse >= len(votes) > 1):
            found |= {probe: failed or found.get(probe, False) for probe, failed in failing.items()}
    return found


def _recovering(state: State, check: CheckView, ends: Ends) -> dict[str, bool]:
    """The probes that have come to pass where it is down; where it is degraded, while half as many fail as did: before,
    passing is no news."""
    found: dict[str, bool] = {}
    for key in _keys(state, ends):
        if key.held not in BAD:
            continue
        votes = list(_votes(state, check, key))
        passing = [probe for probe, vote in votes if vote.reason is None and vote.at > key.since]
        if key.held == "down" or 2 * (len(votes) - len(passing)) < min(key.share or 1.0, PART) * len(votes):
            found |= dict.fromkeys(passing, True)
    return found


def _is_alone(state: State, view: View, ends: Ends, check: CheckView, inquiry: Inquiry, found: dict[str, bool]) -> bool:
    """Whether those who were asked have looked and say otherwise, while the suspects go on to say it."""
    if inquiry.wide:
        if inquiry.why == "suspicion" or state.now - inquiry.began < LEFT_ALONE * _every_ns(check, inquiry):
            return False
        return _networks(view, found) < min(WIDE_NETWORKS, _networks(view, inquiry.rounds))
    others = [probe for probe in inquiry.rounds if probe not in found]
    if len(others) < WIDE_NETWORKS:
        return False
    keys = list(_keys(state, ends))
    looked = all(any(inquiry.began < _at(key, probe) for key in keys) for probe in others)
    return looked and all(
        any((vote := key.votes.get(probe)) is not None and vote.streak >= LEFT_ALONE for key in keys) for probe in found
    )


def _at(key: Key, probe: str) -> int:
    vote = key.votes.get(probe)
    return max(vote.at, vote.pending_at) if vote is not None else 0


def _keys(state: State, ends: Ends) -> Iterator[Key]:
    return (state.keys[name] for name in ends.keys)


def _votes(state: State, check: CheckView, key: Key) -> Iterator[tuple[str, Vote]]:
    """The words that count, and are fresh."""
    for probe, vote in key.votes.items():
        if not vote.counts or vote.unreached:
            continue
        member = state.probes.get(probe)
        if member is None or member.state == "silent" or member.cloned_at:
            continue
        if vote.at + vote_fresh_ns(check, key.subject, vote.every_ns) >= state.now:
            yield probe, vote


def _networks(view: View, probes: Iterable[str]) -> int:
    return len({of_plan.network for probe in probes if (of_plan := view.probe(probe)) is not None})


def _all(state: State, view: View, check: CheckView) -> list[str]:
    """Who runs the check, and is heard."""
    names = check.probes or view.probes.keys() or state.probes.keys()
    return [
        name
        for name in sorted(names)
        if view.probe(name) is not None and (member := state.probes.get(name)) is not None and member.state != "silent"
    ]


def _others(state: State, view: View, check: CheckView, ends: Ends, suspects: set[str]) -> list[str]:
    """A few in other networks than the suspects: one of each network first, and those whose word is the oldest. Where
    there are none, the suspects' neighbours."""
    everyone = [name for name in _all(state, view, check) if name not in suspects]
    taken = {name: view.probe(name) for name in (*suspects, *everyone)}
    network = {name: of_plan.network for name, of_plan in taken.items() if of_plan is not None}
    foreign = {network[name] for name in suspects if name in network}
    keys = list(_keys(state, ends))
    said = {name: max((_at(key, name) for key in keys), default=0) for name in everyone}
    rank: dict[str, int] = {}
    met: Counter[str] = Counter()
    for name in sorted(everyone, key=lambda each: (said[each], each)):
        rank[name] = met[network[name]]
        met[network[name]] += 1
    return sorted(everyone, key=lambda each: (network[each] in foreign, rank[each], said[each], each))[:OTHERS]
