"""A flow as a waterfall: a line a step on the scale of the whole run, and under it what was seen there. Pure.

It knows no preset: what a step noted is worded where it has a place of its own, and stands as it is where not. Pages
are the provider's words, so everything is cleaned of control characters.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from parallax.cli.drawing import bar
from parallax.cli.grades import Grade, grade
from parallax.cli.text import clean
from parallax.clock import NS
from parallax.observation import Observation
from parallax.plan.signin_rules import STEPS
from parallax.reasons import REASONS
from parallax.spans import lasting, measured

KINDS = ("oidc", "signin")
"""Kinds whose observations are the steps of one flow."""
CLEANUP = "cleanup"
_NARROWEST_BAR = 8
_WIDEST_BAR = 60
_BESIDE = 8 + len("degraded")
"""Columns of a line beside its name, bar and figure."""
_MOST_NAMES = 8
_SAYING = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint")
_SEEN_ELSEWHERE = frozenset({"place", "every_s", "hops", "url", "status", "retry_after", "because"})
"""Findings that have a place elsewhere on the screen, or none."""


def flow_lines(
    observations: Sequence[Observation], styles: dict[Grade, str], width: int, *, plain: bool = False
) -> Iterator[RenderableType]:
    """The waterfall of one run: a line a step and attempt, in order, what was seen below; then what was not reached."""
    began = min(seen.started_at for seen in observations)
    whole = max(max(seen.started_at + seen.duration_ns for seen in observations) - began, 1)
    names = [_name(seen) for seen in observations]
    figures = [measured(seen.duration_ns) for seen in observations]
    left, right = max(map(len, names)), max(map(len, figures))
    room = max(_NARROWEST_BAR, min(_WIDEST_BAR, width - left - right - _BESIDE))
    for seen, name, figure in zip(observations, names, figures, strict=True):
        word = grade(seen)
        drawn = bar(seen.started_at - began, seen.duration_ns, whole, room, plain=plain)
        line = Text("  ", no_wrap=True, overflow="ellipsis")
        line.append(f"{name:<{left}}  ").append(f"{drawn:<{room}}", "cyan").append(f"  {figure:>{right}}  ")
        yield line.append(word, styles[word])
        for text in seen_at(seen):
            for part in textwrap.wrap(text, max(width - 6, 20), subsequent_indent="  "):
                yield Text(f"    {part}", "dim")
    if later := not_reached(observations):
        yield Text()
        for part in textwrap.wrap(f"not reached: {', '.join(later)}", max(width - 2, 20), subsequent_indent="  "):
            yield Text(f"  {part}", "dim")


def stopped_at(observations: Sequence[Observation]) -> Observation | None:
    """The first attempt of the step that ended the flow; None where it came through."""
    hard = [seen for seen in observations if seen.attempt == 1 and seen.reason is not None and not _soft(seen)]
    return hard[-1] if hard else None


def not_reached(observations: Sequence[Observation]) -> list[str]:
    """The steps after the one that ended the flow, as far as the preset says them."""
    stop = stopped_at(observations)
    if stop is None:
        return []
    planned = STEPS.get(stop.dims.get("flow", ""), ())
    later = planned[planned.index(stop.subject) + 1 :] if stop.subject in planned else ()
    place = stop.findings.get("place")
    if later:
        return [name for name in later if name != "silent"]
    if isinstance(place, list | tuple) and len(place) == 2 and place[1] > place[0]:
        return [f"{place[1] - place[0]} more"]
    return []


def summed_up(observations: Sequence[Observation]) -> str:
    """How far the run came, in a few words."""
    steps = [seen for seen in observations if seen.attempt == 1 and seen.subject != CLEANUP]
    began = min(seen.started_at for seen in observations)
    ended = max(seen.started_at + seen.duration_ns for seen in observations)
    return f"{len(steps)} step{'s' * (len(steps) != 1)} in {measured(ended - began)}"


def cleaned_up(observations: Sequence[Observation]) -> str:
    """Whether anything of the run lives on at the provider; empty where there was nothing to leave."""
    cleaning = next((seen for seen in observations if seen.subject == CLEANUP), None)
    if cleaning is not None:
        if cleaning.reason is None:
            return "done: the session and tokens of this run were ended"
        because = cleaning.findings.get("because", cleaning.reason)
        return f"failed ({clean(because)}): a session of this run may live on until it expires"
    by_step = {seen.subject: seen for seen in observations}
    if "session" in by_step and by_step["session"].reason is None:
        return "nothing was left: the logout is proven"
    if "logout" in by_step and by_step["logout"].reason is None:
        return "the logout went through, and is not proven"
    return ""


def seen_at(seen: Observation) -> Iterator[str]:
    """What was seen at a step, a text a line."""
    found = dict(seen.findings)
    if seen.reason is not None:
        known = REASONS.get(seen.reason)
        yield f"{known.meaning if known else 'a reason that this version does not know'} ({clean(seen.reason)})"
    yield from _did(found)
    yield from _came_to(found, failed=seen.reason is not None)
    yield from _oauth(found)
    yield from _published(found)
    yield from _token(found)
    if seen.reason is not None:
        yield from _requests(seen)
    rest = {key: each for key, each in found.items() if key not in _SEEN_ELSEWHERE and each not in (None, "", [], {})}
    for key, each in rest.items():
        yield f"{_word(key)}: {_timed(key, each)}"


def _name(seen: Observation) -> str:
    return clean(seen.subject) if seen.attempt == 1 else f"{clean(seen.subject)} again"


def _soft(seen: Observation) -> bool:
    known = REASONS.get(seen.reason or "")
    return known is not None and known.soft


def _did(found: dict[str, Any]) -> Iterator[str]:
    """What was filled in and pressed on the page before."""
    form, pressed = found.pop("form", None), found.pop("pressed", None)
    parts = [f"filled in {_names(form)}"] if form else []
    parts += [f'pressed "{clean(pressed)}"'] if pressed else []
    if parts:
        yield ", ".join(parts)


def _came_to(found: dict[str, Any], *, failed: bool) -> Iterator[str]:
    title, page = found.pop("title", None), found.pop("page", None)
    status = found.get("status")
    if page == "callback":
        yield "sent back to the client"
    elif title or page:
        kind = f" ({clean(page)})" if page else ""
        bad = f", status {clean(status)}" if isinstance(status, int) and status >= 400 else ""
        yield f'came to "{clean(title or "a page without a title")}"{kind}{bad}'
    elif failed and isinstance(status, int):
        yield f"status {status}"
    for alert in _list(found.pop("alerts", None)):
        yield f'it says: "{clean(alert)}"'
    if evidence := _list(found.pop("evidence", None)):
        yield f"told by: {_names(evidence)}"


def _oauth(found: dict[str, Any]) -> Iterator[str]:
    error, words = found.pop("oauth_error", None), found.pop("oauth_error_description", None)
    if error:
        yield f"OAuth error {clean(error)}" + (f': "{clean(words)}"' if words else "")


def _published(found: dict[str, Any]) -> Iterator[str]:
    """Of discovery and keys the gist; the whole of it is in --json."""
    endpoints = found.pop("endpoints", None)
    if isinstance(endpoints, dict):
        missing = [name for name in _SAYING if name not in endpoints]
        yield f"{len(endpoints)} endpoints" + (f"; none for {_names(missing)}" if missing else "")
    if algorithms := _list(found.pop("algorithms", None)):
        yield f"signs with {_names(algorithms)}"
    capabilities = found.pop("capabilities", None)
    if isinstance(capabilities, dict) and (grants := _list(capabilities.get("grants"))):
        methods = _list(capabilities.get("challenge_methods"))
        yield f"grants: {_names(grants)}; PKCE: {_names(methods) if methods else 'not said'}"
    keys, cache_s = found.pop("keys", None), found.pop("cache_s", None)
    if keys is not None:
        types = found.pop("key_types", None)
        listed = ", ".join(f"{count} {clean(kind)}" for kind, count in types.items()) if isinstance(types, dict) else ""
        good = f"; a copy is good for {_seconds(cache_s)}" if isinstance(cache_s, int | float) else ""
        yield f"{clean(keys)} keys" + (f": {listed}" if listed else "") + good
        found.pop("kids", None)


def _token(found: dict[str, Any]) -> Iterator[str]:
    given, kind, lives_s = found.pop("given", None), found.pop("token_type", None), found.pop("expires_in", None)
    if given:
        holds = f", good for {_seconds(lives_s)}" if isinstance(lives_s, int | float) else ""
        yield f"got {_names(given)}{f' ({clean(kind)})' if kind else ''}{holds}"
    if scope := _list(found.pop("scope", None)):
        yield f"scope: {_names(scope)}"
    token = found.pop("token", None)
    if isinstance(token, dict):
        parts = [f"signed with {clean(token['alg'])}"] if "alg" in token else []
        if isinstance(lives_s := token.get("lifetime_s"), int | float):
            parts.append(f"good for {_seconds(lives_s)}")
        if isinstance(skew_s := token.get("skew_s"), int | float) and abs(skew_s) >= 1:
            parts.append(f"its clock is {abs(skew_s):g} s {'ahead of' if skew_s > 0 else 'behind'} ours")
        parts += [f"amr {_names(_list(token['amr']))}"] if token.get("amr") else []
        parts += [f"acr {clean(token['acr'])}"] if token.get("acr") else []
        yield "; ".join(parts) or "a token"
    if claims := _list(found.pop("claims", None)):
        yield f"claims: {_names(claims)}"


def _requests(seen: Observation) -> Iterator[str]:
    """The requests of the step that ended the flow."""
    for hop in _list(seen.findings.get("hops")):
        if isinstance(hop, dict):
            took = f"  {measured(round(hop['ms'] * 1e6))}" if isinstance(hop.get("ms"), int | float) else ""
            said = clean(hop.get("status", "no answer"))
            yield f"{clean(hop.get('method', ''))} {clean(hop.get('url', ''))}  {said}{took}"
    wait_s = seen.findings.get("retry_after")
    if isinstance(wait_s, int | float):
        yield f"it says to come back in {_seconds(wait_s)}"


def _seconds(seconds: float) -> str:
    return lasting(round(seconds * NS)) if seconds >= 1 else measured(round(seconds * NS))


def _names(names: Any) -> str:
    listed = [clean(name) for name in _list(names)]
    return ", ".join(listed[:_MOST_NAMES]) + (f" and {len(listed) - _MOST_NAMES} more" * (len(listed) > _MOST_NAMES))


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_word(key)} {_timed(key, each)}" for key, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return _names([_flat(each) for each in value])
    return clean(value)


def _word(key: Any) -> str:
    return clean(key).removesuffix("_ns").replace("_", " ")


def _timed(key: Any, value: Any) -> str:
    return measured(value) if str(key).endswith("_ns") and isinstance(value, int) else _flat(value)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
