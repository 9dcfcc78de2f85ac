"""The lines of the status page: what the subjects of a component's checks come to.

A part in which hardly a run gets through (a region that probes stand in, a family) is a partial outage, however small
it is beside the rest. Of how many runs fail, each network weighs the same; where the plan says how many users each
probe stands for, those count, and the vantages only for how sure it is. Worsens at once, improves when the better state
has lasted: a flicker must not be three messages.
"""

from collections.abc import Collection, Iterable

from collector.detect.state import Key, Line, State
from collector.detect.verdicts.flows import BEHIND
from collector.detect.verdicts.slices import dark_slices
from collector.detect.view import View
from collector.events import ComponentChanged, ComponentState, EventData
from parallax.clock import NS
from parallax.plan.alert_types import Maintenance
from parallax.plan.types import Component
from parallax.plan.windows import is_open
from parallax.reasons import REASONS

CANNOT_TELL = "blocked or throttled: cannot tell"
IMPROVE_NS = 15 * NS
"""A better state has to last so long: three looks of probes that are asked, and no more, as recovery is to be seen
within seconds; what flaps is kept together by its incident."""
FULL, SURELY, PARTIAL = 0.9, 0.5, 0.25
"""So many runs fail: nearly all, surely most (the low end of the interval), and a part."""
RANK: dict[ComponentState, int] = {
    "operational": 0,
    "not_measured": 0,
    "under_maintenance": 1,
    "unknown": 2,
    "degraded_performance": 3,
    "partial_outage": 4,
    "full_outage": 5,
}
"""The worse the higher."""
WELL: tuple[ComponentState, str] = ("operational", "")
"""Where nothing is amiss."""


def keys_by_check(state: State, only: Collection[str] | None = None) -> dict[str, list[Key]]:
    """The subjects by check. `only`: of these checks; None for all."""
    found: dict[str, list[Key]] = {}
    for key in state.keys.values():
        if only is None or key.check in only:
            found.setdefault(key.check, []).append(key)
    return found


def well_checks(keys: dict[str, list[Key]]) -> set[str]:
    """The checks that find nothing amiss: nearly all, where there are hundreds."""
    return {
        check
        for check, own in keys.items()
        if all(key.state in ("up", "suspected") and not key.blind and not key.throttled for key in own)
        and not all(key.lookup for key in own)
    }


def raw_state(state: State, component: Component, view: View, keys: dict[str, list[Key]]) -> tuple[ComponentState, str]:
    """What the subjects say now, maintenance aside, and why."""
    if not component.checks:
        return "not_measured", "no check of the plan measures it"
    measured = [key for check in component.checks for key in _measuring(keys.get(check, ()))]
    measured = [key for key in measured if not key.apart] or measured
    known = [key for key in measured if key.state != "unknown" or key.told == "unknown"]
    unseen = _unseen(component, view, measured)
    if not known:
        return "unknown", unseen or "no probe has a fresh word on it"
    for check in component.checks:  # a handshake that passes beside it says nothing of requests that are answered
        of_check = [key for key in known if key.check == check]
        of_check = [key for key in of_check if _signs_in(view, key) and key.throttled] or of_check
        if of_check and all(key.throttled for key in of_check):
            return "full_outage", f"{check}: nearly every request gets 429 Too Many Requests"
    down = [key for key in known if key.counts_as == "down"]
    if down:
        parts = {_part(view, key): False for key in known}
        whole = parts | {_part(view, key): True for key in down if not _is_behind(view, key) and _is_whole(key)}
        number = len({_part(view, key) for key in down})
        share = f"{number} of {len(parts)} measured subjects down: {_checks(view, down)}"
        if all(whole.values()):
            return "full_outage", share
        return "partial_outage", f"{share}{_where(dark_slices(state, view, down))}"
    degraded = [key for key in known if key.counts_as == "degraded" and not key.blocked]
    partly, dark = _parts_out(state, view, degraded)
    if partly:
        return "partial_outage", f"{_share(partly)} fail: {_checks(view, partly)}{_where(dark)}"
    if degraded:
        where = _where(dark_slices(state, view, degraded))
        return "degraded_performance", f"degraded: {_checks(view, degraded)}{where}"
    if unseen:
        return "unknown", unseen
    if all(key.state == "unknown" for key in known):
        return "unknown", "no probe has a fresh word on it"
    return WELL


def is_outage(state: State, view: View, keys: Collection[Key]) -> bool:
    """Whether what fails at these subjects is an outage, in part at least, of any component that they stand for."""
    return any(key.counts_as == "down" or key.throttled for key in keys) or bool(_parts_out(state, view, keys)[0])


def tell_components(
    state: State, view: View, told: list[EventData], only: Iterable[str] | None = None
) -> dict[str, ComponentState]:
    """Moves the lines on, and says what changed; returns what the subjects say now, by component. `only`: the checks
    whose components are looked at; None for all."""
    levels: dict[str, ComponentState] = {}
    names = {component.name for component in view.components}
    for gone in [name for name in state.lines if name not in names]:
        del state.lines[gone]
    numbers = {number for check in only or () for number in view.standing.get(check, ())}
    looked_at = view.components if only is None else [view.components[number] for number in sorted(numbers)]
    keys = keys_by_check(state, None if only is None else {check for each in looked_at for check in each.checks})
    well = well_checks(keys)
    for component in looked_at:
        line = state.lines.get(component.name)
        if line is None:
            line = state.lines[component.name] = Line(since=state.now)
        is_well = bool(component.checks) and well.issuperset(component.checks)
        new, why = WELL if is_well else raw_state(state, component, view, keys)
        levels[component.name] = new
        if new == "operational" and state.blind is not None:
            new, why = "unknown", "monitoring is blind: too few probes can vote"
        window = _maintenance(view.maintenance, component.name, state.now)
        if window is not None and new not in ("operational", "not_measured"):
            why = f"{window.name} ({why})"
        if window is not None:
            new, why = "under_maintenance", why or window.name
        elif new == "unknown" and state.now < state.started_at + _turn_ns(view, component):
            continue
        _move(state, line, component.name, new, why, told)
    return levels


def _turn_ns(view: View, component: Component) -> int:
    """After a start of the collector every probe has spoken within this."""
    return max((view.checks[name].fresh_ns for name in component.checks if name in view.checks), default=0)


def _move(state: State, line: Line, name: str, new: ComponentState, why: str, told: list[EventData]) -> None:
    if new == line.state:
        line.better = None
        line.why = why if new != "operational" else line.why
        return
    first = line.state == "unknown" and line.told == "operational"
    if RANK[new] < RANK[line.state] and not first and "under_maintenance" not in (new, line.state):
        if line.better is None:
            line.better_at = state.now
        if line.better != new:
            line.better = new
        if state.now - line.better_at < IMPROVE_NS:
            return
    before, line.state, line.better, line.since = line.state, new, None, state.now
    line.why = why or ("" if first else "its checks pass again")
    if new in (line.told, "not_measured") or (new == "unknown" and before == "not_measured"):
        line.told = line.told if new == "not_measured" else new
        return
    line.told = new
    told.append(ComponentChanged(component=name, state=new, before=before, since=state.now, why=line.why))


def _measuring(keys: Iterable[Key]) -> list[Key]:
    """The subjects that stand for a check: the addresses of a name, or the name itself where its lookup fails."""
    names = {key.target for key in keys if key.lookup and key.counts_as in ("down", "degraded")}
    return [key for key in keys if key.lookup == (key.target in names)]


def _of_steps(view: View, key: Key) -> bool:
    check = view.checks.get(key.check)
    return check is not None and check.of_steps


def _signs_in(view: View, key: Key) -> bool:
    return _of_steps(view, key) and key.subject not in BEHIND


def _is_behind(view: View, key: Key) -> bool:
    """Whether users are signed in by then: what fails there is not the whole."""
    return _of_steps(view, key) and key.subject in BEHIND


def _part(view: View, key: Key) -> tuple[str, ...]:
    """What counts as one: a flow is as well as the worst of its steps, as nobody gets past that."""
    return (key.check, key.target) if _of_steps(view, key) else (key.check, key.target, key.subject)


def _unseen(component: Component, view: View, measured: list[Key]) -> str:
    """Why one of the checks sees nothing; empty if they all see."""
    for check in component.checks:
        if (key := kept_from(view, [key for key in measured if key.check == check])) is not None:
            return f"{check}: {blind_words(key)}"
    return ""


def kept_from(view: View, keys: list[Key]) -> Key | None:
    """The first of one check's subjects at which it is blind, where it sees nothing elsewhere. A flow that is kept from
    a step sees nothing more."""
    blind = [key for key in keys if key.blind]
    known = [key for key in keys if key.state != "unknown" or key.told == "unknown"]
    sees = [key for key in known if not key.blind and not _of_steps(view, key)]
    return blind[0] if blind and not sees else None


def blind_words(key: Key) -> str:
    """Why nobody can tell."""
    known = REASONS.get(key.blind)
    if known is not None and known.fault == "blocked":
        return f"{CANNOT_TELL} ({known.meaning})"
    return f"cannot tell: {known.meaning if known else key.blind}"


def _is_whole(key: Key) -> bool:
    """Whether hardly any run passes, as far as can be told."""
    return key.extent is None or (_failing(key) >= FULL and key.extent.low >= SURELY)


def _parts_out(state: State, view: View, keys: Iterable[Key]) -> tuple[list[Key], tuple[str, ...]]:
    """The degraded ones among these that are a partial outage: those at which a good part of the runs fails in earnest,
    or all of them where some part is dark; and that part."""
    earnest = [key for key in keys if key.counts_as == "degraded" and not key.blocked and _is_earnest(key)]
    if earnest and (dark := dark_slices(state, view, earnest)):
        return earnest, dark
    return [key for key in earnest if _failing(key) >= PARTIAL], ()


def _failing(key: Key) -> float:
    """How much of it fails: for users where that is known, else as the vantages see it."""
    return key.users if key.users is not None else key.extent.share if key.extent is not None else 0.0


def _is_earnest(key: Key) -> bool:
    """Whether what fails does so in earnest: an answer that is late is one."""
    known = REASONS.get(key.reason or "")
    return known is not None and not known.soft and known.fault != "blocked"


def _where(dark: tuple[str, ...]) -> str:
    """In which part hardly a run gets through, after what fails."""
    return f"; hardly a run gets through {', '.join(dark)}" if dark else ""


def _share(keys: Iterable[Key]) -> str:
    """ "about 30 % of runs"."""
    most = max(keys, key=_failing)
    whose = "runs" if most.users is None else "users' runs"
    return f"about {_failing(most):.0%} of {whose}".replace("%", " %")


def _checks(view: View, keys: Iterable[Key]) -> str:
    names = list(dict.fromkeys(f"{k.check} at {k.subject}" if _of_steps(view, k) else k.check for k in keys))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _maintenance(windows: Iterable[Maintenance], component: str, now: int) -> Maintenance | None:
    for window in windows:
        if component in window.components and is_open(window, now):
            return window
    return None
