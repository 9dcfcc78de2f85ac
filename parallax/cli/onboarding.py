"""What a first sign-in tells of a provider, and the plan's section that follows from it. Pure.

Metadata is not capability: what is written into the section was seen to work, and what was not is said with its why.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from parallax.cli.text import clean
from parallax.observation import Observation
from parallax.reasons import REASONS
from parallax.spans import measured
from parallax.values import Url

SILENT, FULL = "60s", "5m"
ANSWERED = frozenset({"login_required", "interaction_required", "account_selection_required", "consent_required"})
"""What a provider that knows prompt=none answers to it where nobody is signed in."""
_SLOW_S = 6.0
"""A sign-in that takes longer needs more than the usual timeout of 20 s."""


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """`says`: titles and texts; `plan` and `config`: TOML; `not_covered`: sentences."""

    says: Sequence[tuple[str, str]]
    plan: str
    config: str
    not_covered: Sequence[str]


def learn(
    table: Mapping[str, Any], run: Sequence[Observation], left_out: Mapping[str, str], places: Mapping[str, str]
) -> Learnt:
    """`table` is the check's as it was run; `run` its observations; `left_out` the steps that did not work, and their
    reasons; `places` where each secret is by its name by hand, "" where it was typed."""
    seen = {each.subject: each for each in run if each.attempt == 1}
    names = {name: _secret_name(table, name) for name in places}
    return Learnt(
        says=list(_says(table, seen)),
        plan=_plan(table, seen, left_out, names),
        config=_config(table, seen, names, places),
        not_covered=list(_not_covered(table, seen, left_out)),
    )


def has_worked(run: Sequence[Observation]) -> bool:
    """Whether somebody was signed in, so that there is something to put into a plan."""
    signed_in = {"verify", "session_token", "userinfo", "end", "logout"}
    return any(each.subject in signed_in and _passed(each) for each in run)


# ---- what was seen --------------------------------------------------------------------------------------------------


def _says(table: Mapping[str, Any], seen: Mapping[str, Observation]) -> Iterator[tuple[str, str]]:
    can = _capabilities(seen)
    if "discovery" in seen:
        yield "grants", _listed(can.get("grants")) or "not said"
        methods = _listed(can.get("challenge_methods"))
        yield "PKCE", f"{methods} said" if methods else "not said, and sent all the same (S256)"
        yield "callback", "names the issuer (RFC 9207)" if can.get("iss_parameter") else "does not name the issuer"
    token = seen["verify"].findings.get("token", {}) if "verify" in seen else {}
    if token:
        parts = [f"signed with {clean(token.get('alg', '?'))}", f"amr {_listed(token.get('amr')) or 'not said'}"]
        parts += [f"acr {clean(token['acr'])}"] if token.get("acr") else []
        yield "id_token", ", ".join(parts)
    if "authorize" in seen:
        yield "pages", "the user name first, the password on a page of its own" if "identifier" in seen else "one form"
        yield "second factor", "asked for, and given" if "otp" in seen else "not asked for"
        asked = "asked for, and given" if "consent" in seen else "not asked for"
        always = "consent" in seen and "offline_access" in table.get("scope", ())
        yield "consent", asked + (" (offline_access asks for it at each sign-in)" if always else "")
    if "token" in seen:
        yield "refresh", _refresh(seen)
        yield "prompt=none", _prompt_none(seen)
        yield "logout", _logout(can, seen)
    if "password" in seen or "token" in seen:
        took_s = _whole_s(seen)
        yield "took", f"{measured(round(took_s * 1e9))}, from discovery to the last step"


def _refresh(seen: Mapping[str, Observation]) -> str:
    if "refresh" in seen:
        if not _passed(seen["refresh"]):
            return f"a refresh token was given, and does not work: {_why(seen['refresh'])}"
        return "works" + ("; each use brings a new token" if seen["refresh"].findings.get("rotated") else "")
    return "no refresh token was given" if "refresh_token" not in _given(seen) else "a token was given, and not tried"


def _prompt_none(seen: Mapping[str, Observation]) -> str:
    said = seen["session"].findings.get("prompt_none") if "session" in seen else None
    if said is None:
        return "not tried"
    if said in ANSWERED:
        return f"answered as it should be ({said} once nobody is signed in)"
    return f"answered with {clean(said)}, so it cannot tell whether a session lives"


def _logout(can: Mapping[str, Any], seen: Mapping[str, Observation]) -> str:
    ways = [
        word for key, word in (("end_session", "RP-initiated logout"), ("revocation", "revocation")) if can.get(key)
    ]
    if not ways:
        return "the provider offers none: sessions live until they expire"
    proof = "the session is proven dead" if "session" in seen and _passed(seen["session"]) else "not proven"
    return f"{' and '.join(ways)}; {proof}"


def _not_covered(
    table: Mapping[str, Any], seen: Mapping[str, Observation], left_out: Mapping[str, str]
) -> Iterator[str]:
    for step, reason in left_out.items():
        known = REASONS.get(reason)
        yield f"{step}: {known.meaning if known else reason} ({reason}); it is in leave_out until that is mended"
    if str(table.get("use", "")).startswith("oidc."):
        if "refresh_token" not in _given(seen):
            how = "scope has no offline_access" if "offline_access" not in table.get("scope", ()) else "none was given"
            yield f"refresh: there is no refresh token ({how})"
        if not _silently(seen):
            yield "silent renewal between sign-ins: neither a refresh token nor prompt=none was seen to work"
        if "consent" not in seen:
            yield "the consent page: it was not shown to this user; if it comes again, the step is taken"
    if "otp" not in seen:
        yield "second factors: this user has none, or none was asked for"
    if "{" not in str(table.get("user", {}).get("name", "{")):
        yield 'other probes: a user is for one probe only; name them like "synthetic-{probe}"'
    yield "the provider's own JavaScript, sign-up, password reset, sign-in by other providers, passkeys"


# ---- TOML -----------------------------------------------------------------------------------------------------------


def _plan(
    table: Mapping[str, Any],
    seen: Mapping[str, Observation],
    left_out: Mapping[str, str],
    names: Mapping[str, str],
) -> str:
    section: dict[str, Any] = {"name": f"sign-in at {_host(table)}", "kind": "signin"}
    section |= {key: _renamed(value, names) for key, value in table.items() if key not in ("leave_out", "expect")}
    if leave_out := [*table.get("leave_out", ()), *left_out]:
        section["leave_out"] = leave_out
    token = seen["verify"].findings.get("token", {}) if "verify" in seen else {}
    expect = {"alg": [token["alg"]]} if token.get("alg") else {}
    if amr := token.get("amr"):
        expect["amr"] = list(amr)
    if expect:
        section["expect"] = expect
    section["every"] = {"silent": SILENT, "full": FULL} if _silently(seen) else {"full": FULL}
    if (took_s := _whole_s(seen)) > _SLOW_S:
        section |= {"timeout": f"{round(took_s * 3)}s", "period": f"{max(30, round(took_s * 4))}s"}
    return "\n".join(["[[check]]", *(f"{_key(key)} = {_toml(value)}" for key, value in section.items())])


def _config(
    table: Mapping[str, Any], seen: Mapping[str, Observation], names: Mapping[str, str], places: Mapping[str, str]
) -> str:
    parts = []
    for name, place in places.items():
        hosts = _hosts(name, table, seen)
        comment = "    # never sent; the codes made of it are" if name == "totp" else ""
        put = "" if place else "    # put it there: one line, mode 600"
        where = place or f"file:/etc/parallax/secrets/{names[name].lower()}"
        parts.append(f"[secrets.{names[name]}]\nfrom = {_toml(where)}{put}\nhosts = {_toml(hosts)}{comment}")
    return "\n\n".join(parts)


def _hosts(name: str, table: Mapping[str, Any], seen: Mapping[str, Observation]) -> list[str]:
    """Where a secret went."""
    found: list[str] = []
    if name == "password" and "password" in seen:
        hops = seen["password"].findings.get("hops") or [{}]
        found = [_host_of(hops[0].get("url", ""))]
    elif name == "client_secret" and "discovery" in seen:
        endpoints = seen["discovery"].findings.get("endpoints", {})
        found = [_host_of(endpoints[key]) for key in ("token_endpoint", "revocation_endpoint") if key in endpoints]
    elif name == "secret_key":
        found = [_host_of(table.get("backend_api", "https://api.clerk.com/v1"))]
    return list(dict.fromkeys(filter(None, found))) or [_host(table)]


def _host(table: Mapping[str, Any]) -> str:
    return _host_of(str(table.get("issuer") or table.get("frontend_api") or "https://api.clerk.com"))


def _host_of(url: str) -> str:
    try:
        host = Url.parse(url).endpoint.host.lower()
    except ValueError:
        return ""
    return f"[{host}]" if ":" in host else host


def _secret_name(table: Mapping[str, Any], name: str) -> str:
    """A probe may have many secrets, so the host is in each name."""
    base = re.sub(r"[^A-Z0-9]+", "_", _host(table).upper()).strip("_")[:40]
    return f"{'_' * base[:1].isdigit()}{base}_{name.upper()}"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, str) and value.startswith("secret:"):
        name = value.removeprefix("secret:")
        return f"secret:{names.get(name, name)}"
    return value


def _toml(value: Any) -> str:
    """A value as TOML 1.0 has it. Strings are JSON's, but for DEL, which TOML wants escaped."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key)


# ---- small --------------------------------------------------------------------------------------------------------


def _capabilities(seen: Mapping[str, Observation]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = seen["discovery"].findings.get("capabilities", {}) if "discovery" in seen else {}
    return found


def _given(seen: Mapping[str, Observation]) -> Sequence[str]:
    given: Sequence[str] = seen["token"].findings.get("given", ()) if "token" in seen else ()
    return given


def _silently(seen: Mapping[str, Observation]) -> bool:
    renewed = "refresh" in seen and _passed(seen["refresh"])
    return renewed or ("session" in seen and seen["session"].findings.get("prompt_none") in ANSWERED)


def _whole_s(seen: Mapping[str, Observation]) -> float:
    began = min(each.started_at for each in seen.values())
    return (max(each.started_at + each.duration_ns for each in seen.values()) - began) / 1e9


def _passed(seen: Observation) -> bool:
    known = REASONS.get(seen.reason or "")
    return seen.reason is None or (known is not None and known.soft)


def _why(seen: Observation) -> str:
    known = REASONS.get(seen.reason or "")
    return known.meaning if known else str(seen.reason)


def _listed(values: Any) -> str:
    return ", ".join(map(clean, values)) if isinstance(values, list | tuple) else ""
