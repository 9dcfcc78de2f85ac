"""Observations as a person wants to read them: verdict first, then whose fault, what to look at next, and the evidence.

Pure: observations in, rich renderables out. Whatever came over the network is cleaned of control characters first, as
a certificate or a TXT record may carry terminal escapes.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parallax.cli.by_hand import BY_HAND
from parallax.cli.drawing import bar
from parallax.cli.findings import gist, proof, sections
from parallax.cli.grades import WORST_FIRST, grade
from parallax.cli.text import clean
from parallax.cli.views.flow import KINDS as FLOWS
from parallax.cli.views.flow import cleaned_up, flow_lines, stopped_at, summed_up
from parallax.cli.views.tables import STYLES, VIEWS, laid_out
from parallax.clock import NS
from parallax.observation import Observation
from parallax.reasons import REASONS, Reason
from parallax.spans import measured

_SIDES = {
    "target": "the target",
    "resolver": "the resolver",
    "network": "the network in between",
    "probe": "this host",
    "config": "what was asked for",
    "blocked": "a block or limit on this vantage; whether users get through cannot be told from here",
}
_SUMMARY_REST = 44  # the columns of a summary line beside the subject: degraded, 999 ms, a reason
_UNLISTED = Reason("a reason that this version does not know", "target", "upgrade parallax")


def render(
    observations: Sequence[Observation], *, width: int = 80, plain: bool = False, asked: str = ""
) -> RenderableType:
    """All observations of a run by hand: a verdict on the whole and a summary first when there are several. `plain`
    draws in ASCII; `asked` is shown beside each target."""
    if not observations:
        return Text("unknown: nothing was measured")
    if observations[0].kind in FLOWS:
        return _flow(observations, width, plain, asked)
    parts: list[RenderableType] = []
    controls = {seen.subject: seen for seen in observations if seen.attempt > 1}
    observations = [seen for seen in observations if seen.attempt == 1]
    view = VIEWS.get(observations[0].kind)
    if view is not None:
        return Group(*overall(observations), Text(), *laid_out(observations, view))
    if len(observations) > 1:
        parts += [*overall(observations), Text(), Padding(summary(observations, width - 2), (0, 0, 0, 2)), Text()]
    lookups: list[object] = []
    for index, observation in enumerate(observations):
        tries = observation.findings.get("lookup")
        parts += [Text()] * (index > 0) + [_one(observation, width, plain, asked, tries not in lookups)]
        if observation.subject in controls:
            parts += [Text(), _indented([("control", control_words(observation, controls[observation.subject]))])]
        lookups.append(tries)  # the addresses of a name share one lookup; it is shown once
    return Group(*parts)


def _flow(observations: Sequence[Observation], width: int, plain: bool, asked: str) -> RenderableType:
    """One run of a flow: where it stopped and whose fault that is, then step by step what was seen."""
    first = [seen for seen in observations if seen.attempt == 1]
    worst = stopped_at(observations) or min(first, key=lambda seen: WORST_FIRST.index(grade(seen)))
    word, place = grade(worst), worst.findings.get("place")
    title = f"{word}: {summed_up(observations)}"
    if worst.reason is not None:
        of = f", step {place[0]} of {place[1]}" if isinstance(place, list | tuple) and len(place) == 2 else ""
        title = f"{word} at {clean(worst.subject)}{of}: {_meaning(worst.reason)}"
    rows = _advice(worst)
    control = next((seen for seen in observations if seen.attempt > 1), None)
    if control is not None:
        rows.append(("control", control_words(worst, control)))
    if cleaned := cleaned_up(observations):
        rows.append(("cleanup", cleaned))
    when = datetime.fromtimestamp(observations[0].started_at // NS, UTC)
    what = f"{worst.kind} {clean(worst.target)}" + (f", {clean(asked)}" if asked else "")
    rows.append(("measured", f"{what}; {summed_up(observations)}, {when:%Y-%m-%d %H:%M:%S} UTC"))
    head: list[RenderableType] = [Text(title, f"bold {STYLES[word]}"), _indented(rows), Text()]
    return Group(*head, *flow_lines(observations, STYLES, width, plain=plain))


def titled(title: str, rows: Iterable[tuple[str, str]]) -> RenderableType:
    """A title over rows of a word and a text."""
    return Group(Text(title, "bold"), _indented(rows))


def overall(observations: Sequence[Observation]) -> list[RenderableType]:
    """The verdict on several: the worst of them, at how many, whose fault, what to look at."""
    worst = min(observations, key=lambda seen: WORST_FIRST.index(grade(seen)))
    word = grade(worst)
    alike = sum(grade(seen) == word and seen.reason == worst.reason for seen in observations)
    others = sum(grade(seen) == word for seen in observations) - alike
    where = f"all {alike}" if alike == len(observations) else f"{alike} of {len(observations)}"
    if len(observations) == 1:
        return [Text(headline(worst), f"bold {STYLES[word]}"), _indented(_advice(worst))]
    if worst.reason is None:
        return [Text(f"{word} at {where}", f"bold {STYLES[word]}")]
    more = f" ({others} more {word} in other ways)" if others else ""
    title = f"{word} at {where}: {_meaning(worst.reason)}{more}"
    return [Text(title, f"bold {STYLES[word]}"), _indented(_advice(worst))]


def summary(observations: Sequence[Observation], width: int = 80) -> RenderableType:
    """A line an observation: what it came to, where, how long; two where they would not fit."""
    subjects = max(len(clean(seen.subject)) for seen in observations)
    if subjects + _SUMMARY_REST > width:
        text = Text()
        for index, seen in enumerate(observations):
            word = grade(seen)
            text.append("\n" * (index > 0)).append(word, STYLES[word])
            text.append(f"  {clean(seen.subject)}\n  {measured(seen.duration_ns)}  {seen.reason or gist(seen)}")
        return text
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for seen in observations:
        word = grade(seen)
        took = measured(seen.duration_ns)
        table.add_row(Text(word, STYLES[word]), clean(seen.subject), took, seen.reason or gist(seen))
    return table


def control_words(first: Observation, control: Observation) -> str:
    """What came of the attempt that was made at once after a failed one."""
    after = measured(control.started_at - first.started_at - first.duration_ns)
    if control.reason is None:
        return f"an attempt {after} later, over a connection of its own, passed: a client that tries again gets through"
    how = "in the same way" if control.reason == first.reason else f"in another way: {_meaning(control.reason)}"
    return f"an attempt {after} later, over a connection of its own, failed {how}"


def headline(observation: Observation) -> str:
    """The verdict in one sentence, without where and when."""
    word = grade(observation)
    if observation.reason is not None:
        return f"{word}: {_meaning(observation.reason)}"
    if observation.abstain is not None:
        return f"unknown: the probe abstains ({observation.abstain})"
    found = gist(observation)
    return f"{word}: {found}" if found else word


def _meaning(reason: str) -> str:
    return f"{REASONS.get(reason, _UNLISTED).meaning} ({clean(reason)})"


def _advice(observation: Observation) -> list[tuple[str, str]]:
    """Whose fault it is, what to look at next."""
    if observation.reason is None:
        return []
    reason = REASONS.get(observation.reason, _UNLISTED)
    return [
        ("fault", _SIDES.get(observation.fault or reason.fault, "?")),
        ("look at", reason.look),
        *(("hint", text) for text in hints(observation)),
    ]


def _one(observation: Observation, width: int, plain: bool, asked: str, with_lookup: bool) -> RenderableType:
    parts: list[RenderableType] = [Text(headline(observation), f"bold {STYLES[grade(observation)]}")]
    advice = _advice(observation)
    advice += [(title, clean(text)) for title, text in proof(observation)]
    if observation.reason is not None and observation.abstain is not None:
        advice.append(("abstains", clean(observation.abstain)))
    if asked:
        advice.append(("asked", clean(asked)))
    when = datetime.fromtimestamp(observation.started_at // NS, UTC)
    where = f"{observation.kind} {clean(observation.target)}"
    if observation.subject != observation.target:
        where += f" at {clean(observation.subject)}"
    advice.append(("measured", f"{where}, {measured(observation.duration_ns)}, {when:%Y-%m-%d %H:%M:%S} UTC"))
    if observation.site:
        advice.append(("site", clean(observation.site)))
    parts.append(_indented(advice))
    if observation.phases:
        parts += [Text(), Padding(waterfall(observation, width - 4, plain), (0, 0, 0, 2), expand=False)]
    for title, rows in sections(observation, with_lookup=with_lookup):
        parts += [Text(), Text(f"  {title}", "bold"), _indented(rows, 4)]
    return Group(*parts)


def waterfall(observation: Observation, width: int, plain: bool = False) -> Text:
    """A line a phase: its name, when it ran as a bar on the scale of the whole, and how long it took. The last phase
    of a timeout is where it hung."""
    names = [clean(phase.name) for phase in observation.phases]
    figures = [measured(phase.duration_ns) for phase in observation.phases]
    left, right = max(map(len, names)), max(map(len, figures))
    room = max(10, width - left - right - 4)
    whole = max(observation.duration_ns, max(p.start_ns + p.duration_ns for p in observation.phases), 1)
    text = Text(no_wrap=True)
    for index, phase in enumerate(observation.phases):
        drawn = bar(phase.start_ns, phase.duration_ns, whole, room, plain=plain)
        text.append(("\n" if index else "") + f"{names[index]:<{left}}  ")
        text.append(f"{drawn:<{room}}", "cyan")
        text.append(f"  {figures[index]:>{right}}")
    return text


def hints(observation: Observation) -> Iterator[str]:
    """What a person at a terminal may have meant instead."""
    if observation.reason == "dns_not_authoritative":
        yield "it was asked as an authoritative server; to ask it as a resolver, add --role resolver"
    if observation.reason == "tls_untrusted":
        yield "a private CA is given with --ca FILE"
    if observation.reason == "signin_bad_credentials":
        yield "it was sent once. Do not run this again before it is mended: most providers lock the account after a few"
    if observation.reason in ("secret_withheld", "secret_missing") and (detail := observation.findings.get("detail")):
        yield clean(detail)
    if observation.reason == "secret_withheld" and observation.check == BY_HAND:
        yield "by hand a secret goes to the issuer's host alone; another is added with --secret-host HOST"


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
