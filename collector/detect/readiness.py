"""Whether an operator that stands by could take over: "fallback ready: no, because ...". Pure.

It rests on comparisons of the two operators' records (`parity`), and on what mail and DNSSEC come to at the fallback
itself. Where two probes or more compare, one alone raises nothing.
"""

from collector.board import FallbackBoard
from collector.detect.components import for_check
from collector.detect.parity import INCOMPLETE, Compared, saying
from collector.detect.places import is_standby
from collector.detect.state import Key, State
from collector.detect.view import CheckView, View
from parallax.plan.dns_specs import MailSpec, ParitySpec
from parallax.reasons import REASONS

MAX_WHY = 300
NEVER = "nobody has compared the two yet"
BESIDE = ("dns.mail", "dns.dnssec")
"""Kinds that look at an operator on its own, besides the comparison."""


def fallbacks_of(state: State, view: View) -> tuple[FallbackBoard, ...]:
    """How the operators stand that are to take over, in the plan's order."""
    boards = []
    for check in view.checks.values():
        if isinstance(check.spec, ParitySpec):
            boards.append(_board(state, view, check, check.spec))
    return tuple(boards)


def vouched(state: State, view: View, board: FallbackBoard) -> bool:
    """Whether enough probes say that it is not ready."""
    if found := _failing(state, view, board.fallback, board.zone):
        return bool(found)
    check, compared = view.checks[board.check], state.zones.compared.get(board.check)
    if compared is None or compared.word is None:
        return False
    return saying(compared, compared.word) >= min(2, len(check.probes or view.probes) or 1)


def covers(view: View, key: Key) -> str | None:
    """The check of parity that speaks for what fails at an operator that stands by; None if there is none."""
    for check in view.checks.values():
        spec = check.spec
        if isinstance(spec, ParitySpec) and spec.fallback == key.operator and _within(view, key, spec.zone):
            return check.name
    return None


def _board(state: State, view: View, check: CheckView, spec: ParitySpec) -> FallbackBoard:
    compared = state.zones.compared.get(check.name)
    ready, because = _verdict(state, check, compared)
    word = compared.words.get(compared.word) if compared and compared.word is not None else None
    beside = _failing(state, view, spec.fallback, spec.zone)
    if beside:
        ready = False
        because = "; ".join(dict.fromkeys([*([because] if because and because != NEVER else []), *beside]))
    since = compared.since if compared else state.started_at
    return FallbackBoard(
        check=check.name,
        zone=spec.zone,
        primary=spec.primary,
        fallback=spec.fallback,
        ready=ready,
        because=because[:MAX_WHY],
        since=since,
        components=for_check(view, check.name),
        gaps=word.gaps if word else (),
        compared=word.compared if word else 0,
    )


def _verdict(state: State, check: CheckView, compared: Compared | None) -> tuple[bool | None, str]:
    if compared is None:
        return None, NEVER
    newest = max(compared.said.values(), key=lambda said: said.at, default=None)
    if newest is None or state.now - newest.at > check.fresh_ns:
        return None, "no probe has a fresh word on it"
    if compared.word is None:
        return None, newest.because or NEVER
    known = REASONS.get(compared.word)
    because = compared.words[compared.word].because if compared.word in compared.words else ""
    if compared.word == INCOMPLETE:
        return None, because or "not all of its records were compared"
    if not compared.word or (known is not None and known.soft):
        return True, ""
    return False, because or (known.meaning if known else compared.word)


def _failing(state: State, view: View, operator: str, zone: str) -> list[str]:
    """What fails at the fallback by other checks, in short."""
    found = []
    for key in state.keys.values():
        check = view.checks.get(key.check)
        if check is None or check.kind not in BESIDE or key.operator != operator or key.held != "down":
            continue
        if is_standby(view, state.zones.serving, key, check) and _within(view, key, zone):
            known = REASONS.get(key.reason or "")
            found.append(
                f"{'mail' if check.kind == 'dns.mail' else 'DNSSEC'}: {known.meaning if known else key.reason}"
            )
    return found


def _within(view: View, key: Key, zone: str) -> bool:
    check = view.checks.get(key.check)
    spec = check.spec if check else None
    name = spec.domain if isinstance(spec, MailSpec) else key.zone or key.target
    return name == zone or name.endswith(f".{zone}")
