"""Texts of one's own for alerts, [receiver.templates]: `{title} since {since}, {owner}`. Pure.

A gap is one of the names below in braces; `{{` and `}}` are plain braces. Nothing else happens in them: no attribute
is followed and nothing is worked out, so that a plan cannot make a text do anything.
"""

from collections.abc import Mapping

from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.templates import Gap, TemplateError, parse_template

PLACES = ("summary", "body")
"""What may be replaced: the one line, and what stands below it."""
NAMES: dict[str, str] = {
    "line": "the whole line as it is without a template",
    "title": "what it is, and in which state: Over after 4 min: DNS operator dns-a is dark",
    "components": "the components that it hurts, with commas",
    "severity": "critical, warning or info",
    "tier": "page, ticket or log",
    "status": "open, resolved, notice or test",
    "type": "the type of the event: incident.opened",
    "since": "when it began, in UTC",
    "lasting": "how long it has lasted",
    "domain": "where the fault is",
    "share": "what share of vantages it is, or how many probes say it",
    "runway": "how long caches carry it",
    "todo": "what to do",
    "owner": "who looks after the components",
    "runbook": "the components' runbooks",
    "link": "the page of the incident",
    "key": "the deduplication key",
    "what": "what is new in this message",
}
"""The names that may stand in a template, and what each is; empty where there is nothing to say."""


def template_problem(text: str) -> str:
    """What is wrong with a template, or ""."""
    try:
        pieces = parse_template(text)
    except TemplateError:
        return "has a brace that belongs to no gap; a gap is {name}, and {{ and }} are plain braces"
    for piece in pieces:
        if isinstance(piece, Gap):
            if piece.secret:
                return "asks for a secret; no message has one"
            if piece.name not in NAMES:
                return f"{shown(piece.name)} is no name; {nearest(piece.name, NAMES)}the names are {quoted(NAMES)}"
    return ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """A template that was found right, with its gaps filled. A name without a value is empty."""
    return "".join(values.get(piece.name, "") if isinstance(piece, Gap) else piece for piece in parse_template(text))
