"""Observations as a person wants to read them: verdict first, then whose fault, what to look at next, and the evidence.

Pure: observations in, rich renderables out. Whatever came over the network is cleaned of control characters first, as
a certificate or a TXT record may carry terminal escapes.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parallax.cli.grades import Grade, grade
from parallax.cli.text import clean, span
from parallax.clock import NS
from parallax.observation import Observation
from parallax.reasons import REASONS, Reason

_STYLES: dict[Grade, str] = {
    "ok": "green",
    "degraded": "yellow",
    "failed": "red",
    "unknown": "magenta",
    "config": "red",
}
_SIDES = {
    "target": "the target",
    "resolver": "the resolver",
    "network": "the network in between",
    "probe": "this host",
    "config": "what was asked for",
    "blocked": "a block or limit on this vantage; whether users get through cannot be told from here",
}
_UNLISTED = Reason("a reason that this version does not know", "target", "upgrade parallax")


def render(observations: Sequence[Observation], *, width: int = 80, plain: bool = False) -> RenderableType:
    """All observations of a run by hand: a summary first when there are several. `plain` draws in ASCII."""
    if not observations:
        return Text("unknown: nothing was measured")
    parts: list[RenderableType] = []
    if len(observations) > 1:
        parts += [summary(observations), Text()]
    for index, observation in enumerate(observations):
        parts += [Text()] * (index > 0) + [_one(observation, width, plain)]
    return Group(*parts)


def summary(observations: Sequence[Observation]) -> RenderableType:
    """A line an observation: what it came to, where, how long."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for seen in observations:
        word = grade(seen)
        table.add_row(
            Text(word, _STYLES[word]), clean(seen.subject), span(seen.duration_ns), seen.reason or _gist(seen)
        )
    return table


def headline(observation: Observation) -> str:
    """The verdict in one sentence, without where and when."""
    word = grade(observation)
    if observation.reason is None:
        return word if observation.abstain is None else f"unknown: the probe abstains ({observation.abstain})"
    meaning = REASONS.get(observation.reason, _UNLISTED).meaning
    return f"{'config' if word == 'config' else word}: {meaning} ({clean(observation.reason)})"


def _one(observation: Observation, width: int, plain: bool) -> RenderableType:
    word = grade(observation)
    reason = REASONS.get(observation.reason, _UNLISTED) if observation.reason else None
    parts: list[RenderableType] = [Text(headline(observation), f"bold {_STYLES[word]}")]
    advice: list[tuple[str, str]] = []
    if reason is not None:
        advice = [("fault", _SIDES.get(observation.fault or reason.fault, "?")), ("look at", reason.look)]
    advice += [("hint", text) for text in hints(observation)]
    if observation.reason is not None and observation.abstain is not None:
        advice.append(("abstains", clean(observation.abstain)))
    when = datetime.fromtimestamp(observation.started_at // NS, UTC)
    where = f"{observation.kind} {clean(observation.target)}"
    if observation.subject != observation.target:
        where += f" at {clean(observation.subject)}"
    advice.append(("measured", f"{where}, {span(observation.duration_ns)}, {when:%Y-%m-%d %H:%M:%S} UTC"))
    if observation.site:
        advice.append(("site", clean(observation.site)))
    parts.append(_indented(advice))
    if observation.phases:
        parts += [Text(), Padding(waterfall(observation, width - 4, plain), (0, 0, 0, 2), expand=False)]
    for title, rows in sections(observation):
        parts += [Text(), Text(f"  {title}", "bold"), _indented(rows, 4)]
    return Group(*parts)


def waterfall(observation: Observation, width: int, plain: bool = False) -> Text:
    """A line a phase: its name, when it ran as a bar on the scale of the whole, and how long it took. The last phase
    of a timeout is where it hung."""
    names = [clean(phase.name) for phase in observation.phases]
    figures = [span(phase.duration_ns) for phase in observation.phases]
    left, right = max(map(len, names)), max(map(len, figures))
    room = max(10, width - left - right - 4)
    whole = max(observation.duration_ns, max(p.start_ns + p.duration_ns for p in observation.phases), 1)
    text = Text(no_wrap=True)
    for index, phase in enumerate(observation.phases):
        start = min(room - 1, phase.start_ns * room // whole)
        end = max(start + 1, min(room, (phase.start_ns + phase.duration_ns) * room // whole))
        bar = " " * start + ("#" if plain else "█") * (end - start)
        text.append(("\n" if index else "") + f"{names[index]:<{left}}  ")
        text.append(f"{bar:<{room}}", "cyan")
        text.append(f"  {figures[index]:>{right}}")
    return text


def sections(observation: Observation) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The findings in titled rows: what each kind is asked for first, then all that has no place of its own."""
    findings = dict(observation.findings)
    if detail := findings.pop("detail", None):
        yield "detail", [("", clean(detail))]
    if tries := findings.pop("lookup", None):
        rows = [("", _try(each)) for each in _list(tries)]
        found = findings.pop("addresses", None)
        yield "lookup", [*rows, ("", f"addresses: {_flat(found)}")] if found else rows
    if answers := findings.pop("answers", None):
        yield "answers", [("", _record(each)) for each in _list(answers)]
    if chain := findings.pop("chain", None):
        for number, certificate in enumerate(_list(chain)):
            yield (
                ("certificate", _rows(certificate)) if number == 0 else (f"issuer {number}", _rows(_brief(certificate)))
            )
    rest = {key: findings[key] for key in sorted(findings)}
    if rest:
        yield "findings", _rows(rest)


def hints(observation: Observation) -> Iterator[str]:
    """What a person at a terminal may have meant instead."""
    if observation.reason == "dns_not_authoritative":
        yield "it was asked as an authoritative server; to ask it as a resolver, add --role resolver"
    if observation.reason == "tls_untrusted":
        yield "a private CA is given with --ca FILE"


def _gist(observation: Observation) -> str:
    """What a summary line says of one that is ok."""
    findings = observation.findings
    if "status" in findings:
        return str(findings["status"])
    if answers := findings.get("answers"):
        return ", ".join(_data(each) for each in _list(answers)[:4])
    return clean(findings.get("version", ""))


def _data(answer: Any) -> str:
    if isinstance(answer, dict):
        return clean(answer.get("text", ""))
    return clean(answer[-1] if isinstance(answer, list | tuple) and answer else answer)


def _record(answer: Any) -> str:
    if isinstance(answer, dict):
        answer = [answer.get(key) for key in ("owner", "ttl", "type", "text") if key in answer] or list(answer.values())
    return clean("  ".join(str(each) for each in answer)) if isinstance(answer, list | tuple) else clean(answer)


def _try(asked: Any) -> str:
    """A question that the lookup put to a resolver."""
    if not isinstance(asked, dict):
        return _flat(asked)
    known = [_flat(asked[key]) for key in ("resolver", "type", "outcome") if key in asked]
    if "duration_ns" in asked:
        known.append(span(asked["duration_ns"]))
    rest = {key: each for key, each in asked.items() if key not in ("resolver", "type", "outcome", "duration_ns")}
    return "  ".join(known + [_flat(rest)] * bool(rest))


def _brief(certificate: Any) -> Any:
    keys = ("subject", "issuer", "not_after")
    return (
        {key: certificate[key] for key in keys if key in certificate} if isinstance(certificate, dict) else certificate
    )


def _rows(mapping: Any) -> list[tuple[str, str]]:
    if not isinstance(mapping, dict):
        return [("", _flat(mapping))]
    return [_row(key, each) for key, each in mapping.items() if each not in (None, "", [], {})]


def _row(key: str, value: Any) -> tuple[str, str]:
    if key.endswith("_ns") and isinstance(value, int):
        key, value = key.removesuffix("_ns"), span(value)
    return clean(key).replace("_", " "), _flat(value)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(" ".join(_row(key, each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_flat, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _indented(rows: Iterable[tuple[str, str]], by: int = 2) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    rows = list(rows)
    titled = any(title for title, _ in rows)
    if titled:
        table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for title, text in rows:
        table.add_row(*([title] if titled else []), Text(text))
    return Padding(table, (0, 0, 0, by), expand=False)
