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
the probe, which knows how often its runs may go anywhere, asked or not (probe/extra_runs.py). Flows are never asked
for: nothing that signs anybody in is repeated because of a suspicion.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from collector.detect.asking.inquiries import How, Inquiries, Inquiry, Rest, Why
from collector.detect.asking.voters import (
    MORE,
    OTHERS,
    askable,
    keys_of,
    others_than,
    recovering,
    remembered,
    said_at,
    suspects,
)
from collector.detect.probes.quorum import networks_of
from collector.detect.state import Ends, State
from collector.detect.verdicts.charts import began_at, tau_ns
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
RENEWED = 3
"""So many networks are wanted when it has lasted (verdict.py)."""
HOLD_NS = NS // 4
"""By so much later than it must have lasted: clocks differ."""
WIDE_NETWORKS = 2
"""So many networks that say the same make it everyone's matter."""
LEFT_ALONE = 3
"""A suspect that has said it so often, while others have looked and say otherwise, says nothing new."""
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
    if resting and any(key.held == "degraded" for key in keys_of(state, ends)):
        return  # of what fails in part, each run is as likely news as not
    choices: tuple[tuple[Why, Callable[[State, CheckView, Ends], dict[str, bool]]], ...] = (
        ("suspicion", suspects),
        ("recovery", recovering),
    )
    for why, find in choices:
        found = find(state, check, ends)
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
    if rival is None or (rival and networks_of(view, new) < WIDE_NETWORKS):
        return
    inquiries.open.pop(rival, None)
    inquiries.number += 1
    inquiry = Inquiry(number=inquiries.number, began=state.now, until=state.now + LONGEST_NS, why=why)
    inquiries.open[name] = inquiry
    if why == "recovery" or networks_of(view, new) >= WIDE_NETWORKS:
        _widen(state, view, ends, check, inquiry)
        return
    inquiry.rounds = {probe: "again" if found[probe] else "later" for probe in sorted(new)}
    spared = _spared(state, view, check, MORE if networks_of(view, remembered(state, ends) | new) > 1 else OTHERS)
    if spared:
        inquiry.rounds |= dict.fromkeys(others_than(state, view, check, ends, new, spared), "once")
    elif (began := _began_at(state, view, check, ends)) is not None:
        inquiry.rounds |= dict.fromkeys(others_than(state, view, check, ends, new), "later")
        inquiry.hold_at = began + _tau_ns(check)


def _go_on(state: State, view: View, name: str, ends: Ends, check: CheckView, inquiry: Inquiry) -> None:
    found = (suspects if inquiry.why == "suspicion" else recovering)(state, check, ends)
    if not found:
        del state.inquiries.open[name]
        held = {key.held for key in keys_of(state, ends)}
        if "degraded" in held or ("down" in held and inquiry.why == "recovery"):
            _rest(state, name, inquiry.why, found)
        elif inquiry.wide:
            state.inquiries.rests.pop(name, None)
    elif state.now >= inquiry.until or _is_alone(state, view, ends, check, inquiry, found):
        del state.inquiries.open[name]
        _rest(state, name, inquiry.why, found)
    elif not inquiry.wide and networks_of(view, found) >= WIDE_NETWORKS:
        _widen(state, view, ends, check, inquiry)


def _widen(state: State, view: View, ends: Ends, check: CheckView, inquiry: Inquiry) -> None:
    """Time begins anew: everyone may take as long as one did."""
    inquiry.wide, inquiry.until = True, state.now + LONGEST_NS
    everyone = askable(state, view, check)
    began = _began_at(state, view, check, ends) if inquiry.why == "suspicion" else None
    if began is None:
        inquiry.rounds = dict.fromkeys(everyone, "again")
        return
    keys = list(keys_of(state, ends))
    rounds: dict[str, How] = {
        probe: "later" if check.external or any(said_at(key, probe) >= began for key in keys) else "once"
        for probe in everyone
    }
    inquiry.rounds = rounds
    inquiry.hold_at = began + _tau_ns(check)


def _tau_ns(check: CheckView) -> int:
    return tau_ns(check.period_ns) + HOLD_NS


def _spared(state: State, view: View, check: CheckView, most: int) -> int:
    """How many others, of so many at most, may look at once, and leave enough to look when it has lasted."""
    networks = networks_of(view, askable(state, view, check))
    wanted = min(RENEWED, -(-2 * networks // 3))
    return max(0, min(OTHERS, networks - 1 - wanted)) if check.external else most


def _began_at(state: State, view: View, check: CheckView, ends: Ends) -> int | None:
    """When the trouble began of the subject that most fail at, by launches."""
    counts = [tally(state, view, check, key) for key in keys_of(state, ends) if key.held != "down"]
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


def _is_alone(state: State, view: View, ends: Ends, check: CheckView, inquiry: Inquiry, found: dict[str, bool]) -> bool:
    """Whether those who were asked have looked and say otherwise, while the suspects go on to say it."""
    if inquiry.wide:
        if inquiry.why == "suspicion" or state.now - inquiry.began < LEFT_ALONE * _every_ns(check, inquiry):
            return False
        return networks_of(view, found) < min(WIDE_NETWORKS, networks_of(view, inquiry.rounds))
    others = [probe for probe in inquiry.rounds if probe not in found]
    if len(others) < WIDE_NETWORKS:
        return False
    keys = list(keys_of(state, ends))
    looked = all(any(inquiry.began < said_at(key, probe) for key in keys) for probe in others)
    return looked and all(
        any((vote := key.votes.get(probe)) is not None and vote.streak >= LEFT_ALONE for key in keys) for probe in found
    )
