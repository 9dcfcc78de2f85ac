"""Whether an operator that stands by could take over: "fallback ready: no, because ...". Pure.

It rests on comparisons of the two operators' records (`parity`), and on what mail and DNSSEC come to at the fallback
itself. Where two probes or more compare, one alone raises nothing. What was known stands while nobody can compare.

Once the zone is delegated to the fallback alone, it stands by no more: what it was found to lack, users lack, until a
comparison, or who looks at the records themselves, finds it there.
"""

from collector.board import FallbackBoard, Gap
from collector.detect.dns.parity import INCOMPLETE, Compared, Word, saying
from collector.detect.places import VIEWS, is_standby
from collector.detect.state import Key, State
from collector.detect.view import CheckView, View, for_check
from parallax.clock import rfc3339
from parallax.plan.dns_specs import MailSpec, ParitySpec
from parallax.reasons import REASONS

BOGUS = "parity_would_go_bogus"
MAX_WHY = 300
CANNOT = "cannot be compared: "
NEVER = "nobody has compared the two yet"


def fallbacks_of(state: State, view: View) -> tuple[FallbackBoard, ...]:
    """How the operators stand that are to take over, in the plan's order."""
    checks = [check for check in view.checks.values() if isinstance(check.spec, ParitySpec)]
    if not checks:
        return ()
    failing = _failing(state, view)
    return tuple(_board(state, view, check, failing) for check in checks)


def vouched(state: State, view: View, board: FallbackBoard) -> bool:
    """Whether enough probes say that it is not ready: what other checks say has a quorum of its own."""
    check, compared = view.checks[board.check], state.zones.compared.get(board.check)
    if compared is None or compared.word is None or _verdict(state, check, compared)[0] is not False:
        return True
    return saying(compared, compared.word) >= min(2, len(check.probes or view.probes) or 1)


def covers(view: View, key: Key) -> bool:
    """Whether a comparison speaks for what fails at an operator that stands by."""
    return any(
        isinstance(spec := check.spec, ParitySpec) and spec.fallback == key.operator and _within(view, key, spec.zone)
        for check in view.checks.values()
    )


def _board(state: State, view: View, check: CheckView, failing: dict[str, list[Key]]) -> FallbackBoard:
    spec = check.spec
    assert isinstance(spec, ParitySpec)
    compared = state.zones.compared.get(check.name)
    ready, because = _verdict(state, check, compared)
    word = compared.words.get(compared.word) if compared and compared.word is not None else None
    told = {"dns.mail" for gap in word.gaps if gap.purpose == "mail"} if word and ready is False else set()
    told |= {"dns.dnssec"} if compared and compared.word == BOGUS else set()  # the comparison says it better
    beside = _beside(view, [key for key in failing.get(spec.fallback, ()) if _within(view, key, spec.zone)], told)
    if beside:
        because = "; ".join([*([because] if ready is False else []), *beside])
        ready = False
    serves = _serves(state, spec)
    mended = ready is False and not beside and _mended(state, view, spec, compared, word)
    lacks = because if serves and ready is False and not mended else ""
    if serves:
        ready, because = None, f"it serves {spec.zone} now"
    return FallbackBoard(
        check=check.name,
        zone=str(spec.zone),
        primary=spec.primary,
        fallback=spec.fallback,
        ready=ready,
        because=because[:MAX_WHY],
        since=compared.since if compared else state.started_at,
        components=for_check(view, check.name),
        gaps=word.gaps if word else (),
        compared=word.compared if word else 0,
        why=_uncompared(state, check, compared)[:MAX_WHY],
        serves=serves,
        lacks=lacks[:MAX_WHY],
        mended=mended,
    )


def _serves(state: State, spec: ParitySpec) -> bool:
    serving = state.zones.serving.get(spec.zone, ())
    return spec.fallback in serving and spec.primary not in serving


def _uncompared(state: State, check: CheckView, compared: Compared | None) -> str:
    """Why nobody can compare them now, where somebody could before."""
    said = (
        [] if compared is None else [each for each in compared.said.values() if state.now - each.at <= check.fresh_ns]
    )
    known_at = max((each.known_at for each in said), default=0)
    if not known_at or not all(each.because for each in said):
        return ""
    newest = max(said, key=lambda each: each.at)
    return f"not compared since {rfc3339(known_at)[11:19]}Z: {newest.because.removeprefix(CANNOT)}"


def _mended(state: State, view: View, spec: ParitySpec, compared: Compared | None, word: Word | None) -> bool:
    """Whether what it lacked is there by now though nobody can compare: it was records of mail, and all who look at
    the mail records there find them."""
    if compared is None or word is None or not all(map(_of_mail, word.gaps)):
        return False
    known_at = max((each.known_at for each in compared.said.values() if each.word == compared.word), default=0)
    looked = [
        key
        for key in state.keys.values()
        if key.operator == spec.fallback
        and (check := view.checks.get(key.check)) is not None
        and check.kind == "dns.mail"
        and _within(view, key, spec.zone)
    ]
    return bool(looked) and all(key.state == "up" and key.spoke_at > known_at for key in looked)


def _of_mail(gap: Gap) -> bool:
    """Whether checks of mail look at it, or nobody misses it."""
    return gap.purpose == "mail" or gap.name.startswith("_dmarc") or gap.severity == "low"


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


def _failing(state: State, view: View) -> dict[str, list[Key]]:
    """What checks of other kinds find wrong at operators that stand by, by operator."""
    found: dict[str, list[Key]] = {}
    for key in state.keys.values():
        check = view.checks.get(key.check)
        if key.held != "down" or not key.operator or check is None or check.kind not in VIEWS:
            continue
        if is_standby(view, state.zones.serving, key, check):
            found.setdefault(key.operator, []).append(key)
    return found


def _beside(view: View, keys: list[Key], told: set[str]) -> list[str]:
    """That in short, once for each kind that was not told of already."""
    found: dict[str, str] = {}
    for key in keys:
        kind, known = view.checks[key.check].kind, REASONS.get(key.reason or "")
        if kind not in told:
            what = "mail" if kind == "dns.mail" else "DNSSEC"
            found.setdefault(kind, f"{what}: {known.meaning if known else key.reason}")
    return list(found.values())


def _within(view: View, key: Key, zone: str) -> bool:
    check = view.checks.get(key.check)
    spec = check.spec if check else None
    name = spec.domain if isinstance(spec, MailSpec) else key.zone or key.target
    return name == zone or name.endswith(f".{zone}")
