"""What must hold within a [[receiver]] and a [[route]]. Pure."""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from parallax.loading.convert import Fault, good
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.alert_texts import PLACES, template_problem
from parallax.plan.alert_types import Receiver, Route
from parallax.plan.hours import week_minute
from parallax.plan.types import Plan
from parallax.redaction import secret_query_key

Need = Literal["needed", "may", "none"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind of receiver has beside name, kind, key and templates, and what it cannot do without."""

    url: Need
    key: Need
    example: str = ""
    """A URL as it looks, or what the key is, for whoever left it out."""
    extra: tuple[str, ...] = ("address", "fallback")


_SIGNED = ("address", "fallback", "key_before", "sign")
RULES: dict[str, Rule] = {
    "webhook": Rule(url="needed", key="needed", example="https://hooks.example.org/parallax", extra=_SIGNED),
    "pagerduty": Rule(url="may", key="needed", example="the integration key"),
    "alertmanager": Rule(url="needed", key="may", example="https://alertmanager.example.org"),
    "alertmanager-webhook": Rule(url="needed", key="may", example="https://oncall.example.org/alertmanager"),
    "slack": Rule(url="none", key="needed", example="the URL of the incoming webhook"),
    "discord": Rule(url="none", key="needed", example="the URL of the webhook"),
    "teams": Rule(url="none", key="needed", example="the URL of the workflow"),
    "grafana-irm": Rule(url="none", key="needed", example="the URL of the integration"),
    "ntfy": Rule(url="may", key="may", example="https://ntfy.example.org/topic"),
    "email": Rule(
        url="none",
        key="may",
        example="the password",
        extra=("host", "host_name", "user", "sender", "to", "unsubscribe"),
    ),
    "heartbeat": Rule(url="none", key="needed", example="the URL to call"),
}
"""By kind. What delivers is in collector.alerts.receivers."""
FETCHING = ("pagerduty", "slack", "teams", "grafana-irm")
"""The kinds that show a chart which they fetch themselves, from where the collector's config says (`charts`)."""
HEARTBEAT = "heartbeat"
"""The kind that is called each minute and told of nothing: no route leads to it."""
_EXTRA = ("address", "fallback", "key_before", "sign", "host", "host_name", "user", "sender", "to", "unsubscribe")
_NOTHING: dict[str, object] = {
    "address": None, "fallback": [], "key_before": "", "sign": "v1", "host": None, "host_name": "", "user": "",
    "sender": "", "to": [], "unsubscribe": None,
}  # fmt: skip
SEVERITIES = ("critical", "warning", "info")

_SECRET_NAME = re.compile(r"secret:[A-Za-z0-9_.-]{1,64}")
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def receiver_faults(receiver: Receiver) -> Iterator[Fault]:
    """Every fault of a receiver, of which any value may be BAD."""
    kind, url, key = receiver.kind, receiver.url, receiver.key
    if good(kind) and kind not in RULES:
        yield Fault(
            ("kind",), f"{shown(kind)} is no kind of receiver; {nearest(kind, RULES)}the kinds are {quoted(RULES)}"
        )
    for name in ("key", "key_before"):
        value = getattr(receiver, name)
        if good(value) and value and not _SECRET_NAME.fullmatch(value):
            yield Fault((name,), "names a secret, as secret:NAME; a plan holds no secrets")
    if good(url) and url is not None and (query_key := secret_query_key(url)):
        yield Fault(("url",), f"its query has {query_key}=, which is a secret; a plan holds no secrets")
    if good(receiver.templates):
        yield from _template_faults(receiver.templates)
    if good(receiver.test_at):
        try:
            week_minute(receiver.test_at)
        except ValueError as error:
            yield Fault(("test_at",), str(error))
    if kind == HEARTBEAT and receiver.test == "weekly":
        yield Fault(("test",), "is not for heartbeat, which is tested every minute")
    if not good(kind) or kind not in RULES:
        return
    rule = RULES[kind]
    for name in _EXTRA:
        value = getattr(receiver, name)
        if name not in rule.extra and good(value) and value != _NOTHING[name]:
            kinds = [each for each, other in RULES.items() if name in other.extra]
            yield Fault((name,), f"is not for {kind}; it is for {quoted(kinds)}")
    if rule.url == "needed" and url is None:
        yield Fault(("url",), f"is missing; {_a(kind)} is delivered to a URL, like {rule.example}")
    if rule.url == "none" and good(url) and url is not None:
        way = (
            "host says where the mail server is" if kind == "email" else f"{rule.example} is a secret: write it as key"
        )
        yield Fault(("url",), f"is not for {kind}; {way}")
    if rule.key == "needed" and key == "":
        what = "a webhook is signed" if kind == "webhook" else f"{kind} needs {rule.example}"
        yield Fault(
            ("key",),
            f"is missing; {what}: write secret:NAME here, and where NAME is into the collector's config",
        )
    if kind == "ntfy":
        yield from _ntfy_faults(receiver)
    if kind == "email":
        yield from _mail_faults(receiver)
    if good(url, receiver.address) and url is not None and not url.https and not _stays_here(receiver):
        yield Fault(("url",), f"{shown(str(url))} would send alerts in the clear; write https://")


def _template_faults(templates: dict[str, str]) -> Iterator[Fault]:
    for place, text in templates.items():
        if place not in PLACES:
            hint = nearest(place, PLACES)
            yield Fault(("templates", place), f"is no place of a template; {hint}the places are {quoted(PLACES)}")
        elif good(text) and (problem := template_problem(text)):
            yield Fault(("templates", place), problem)


def _ntfy_faults(receiver: Receiver) -> Iterator[Fault]:
    if not good(receiver.url, receiver.key):
        return
    if receiver.url is None and not receiver.key:
        example = RULES["ntfy"].example
        yield Fault(("url",), f"is missing; ntfy is delivered to a topic's URL, like {example}, or key leads to it")
    elif receiver.url is not None and not receiver.url.partition("://")[2].partition("/")[2].strip("/"):
        yield Fault(("url",), f"{shown(str(receiver.url))} has no topic; write it behind the host")


def _mail_faults(receiver: Receiver) -> Iterator[Fault]:
    if receiver.host is None:
        yield Fault(("host",), 'is missing; write the mail server\'s address, like "192.0.2.25:587"')
    elif good(receiver.host, receiver.host_name) and not receiver.host_name and not receiver.host.parsed_ip.is_loopback:
        yield Fault(("host_name",), "is missing; it is the name in the mail server's certificate, without which no TLS")
    if receiver.sender == "":
        yield Fault(("sender",), "is missing; write the address that the mails come from")
    elif good(receiver.sender) and not _MAILBOX.fullmatch(receiver.sender):
        yield Fault(("sender",), f"{shown(receiver.sender)} is no address; write it as parallax@example.org")
    if good(receiver.to):
        if not receiver.to:
            yield Fault(("to",), "is missing; write the addresses that the mails go to")
        for place, each in enumerate(receiver.to):
            if good(each) and not _MAILBOX.fullmatch(each):
                yield Fault(("to", place), f"{shown(each)} is no address; write it as ops@example.org")
    if good(receiver.user, receiver.key) and bool(receiver.user) != bool(receiver.key):
        yield Fault(("user",), "goes with key, the password: write both, or none")


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def route_faults(route: Route) -> Iterator[Fault]:
    """The severities that a route asks for and nothing ever has."""
    if not good(route.match) or not good(route.match.severity):
        return
    for place, severity in enumerate(route.match.severity):
        if good(severity) and severity not in SEVERITIES:
            yield Fault(
                ("match", "severity", place),
                f"{shown(severity)} is no severity; {nearest(severity, SEVERITIES)}there are {quoted(SEVERITIES)}",
            )


def receiver_notes(plan: Plan) -> list[str]:
    """What the owner should know of receivers that are right."""
    members = {group.name: group.receivers for group in plan.group}
    routed = {each for route in plan.route for name in route.to for each in (name, *members.get(name, ()))}
    notes = []
    for receiver in plan.receiver:
        pinned = receiver.address or receiver.host or (receiver.url and receiver.url.endpoint.address)
        if pinned is None and not receiver.fallback:
            notes.append(
                f"[[receiver]] {shown(receiver.name)} has no address: it is looked up, by the DNS that may be what "
                "is down"
            )
        if receiver.kind in FETCHING:
            notes.append(
                f"[[receiver]] {shown(receiver.name)} shows a chart where the collector's config has `charts`: "
                f"{receiver.kind} fetches it from there"
            )
        if plan.route and receiver.name not in routed and receiver.kind != HEARTBEAT:
            notes.append(f"[[receiver]] {shown(receiver.name)} is in no [[route]]: it gets nothing")
    people = [receiver.name for receiver in plan.receiver if receiver.kind != HEARTBEAT]
    if len(people) == 1:
        notes.append(
            f"[[receiver]] {shown(people[0])} is the only one: while it cannot be told, nobody is, nor that it cannot"
        )
    return notes


def _stays_here(receiver: Receiver) -> bool:
    """Whether what is dialled is this host itself, as far as the plan says."""
    assert receiver.url is not None
    endpoint = receiver.url.endpoint
    address = receiver.address or endpoint.address
    return address.parsed_ip.is_loopback if address is not None else endpoint.host == "localhost"
