"""What must hold within a [[receiver]] and a [[route]]. Pure."""

import re
from collections.abc import Iterator

from parallax.loading.convert import Fault, good
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.alert_types import Receiver, Route
from parallax.plan.types import Plan
from parallax.redaction import secret_query_key

RECEIVER_KINDS = ("webhook",)
"""What this version delivers to."""
PLANNED_RECEIVER_KINDS = ("alertmanager", "discord", "email", "pagerduty", "slack", "teams")
"""What a later version will: a plan may have them already, and `plan check` says that nothing is delivered."""
SEVERITIES = ("critical", "warning", "info")

_SECRET_NAME = re.compile(r"secret:[A-Za-z0-9_.-]{1,64}")


def receiver_faults(receiver: Receiver) -> Iterator[Fault]:
    """Every fault of a receiver, of which any value may be BAD."""
    kind, url, key = receiver.kind, receiver.url, receiver.key
    if good(kind) and kind not in (*RECEIVER_KINDS, *PLANNED_RECEIVER_KINDS):
        hint = nearest(kind, (*RECEIVER_KINDS, *PLANNED_RECEIVER_KINDS))
        yield Fault(("kind",), f"{shown(kind)} is no kind of receiver; {hint}the kinds are {quoted(RECEIVER_KINDS)}")
    if good(key) and key and not _SECRET_NAME.fullmatch(key):
        yield Fault(("key",), "names a secret, as secret:NAME; a plan holds no secrets")
    if good(url) and url is not None and (query_key := secret_query_key(url)):
        yield Fault(("url",), f"its query has {query_key}=, which is a secret; a plan holds no secrets")
    if kind != "webhook":
        return
    if url is None:
        yield Fault(("url",), "is missing; a webhook is delivered to a URL, like https://hooks.example.org/parallax")
    if key == "":
        yield Fault(
            ("key",),
            "is missing; a webhook is signed: write secret:NAME here, and where NAME is into the collector's config",
        )
    if good(url, receiver.address) and url is not None and not url.https and not _stays_here(receiver):
        yield Fault(("url",), f"{shown(str(url))} would send alerts in the clear; write https://")


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
    routed = {name for route in plan.route for name in route.to}
    notes = []
    for receiver in plan.receiver:
        if receiver.kind not in RECEIVER_KINDS:
            notes.append(f"[[receiver]] {shown(receiver.name)} is not delivered to by this version: {receiver.kind}")
        elif receiver.address is None and receiver.url is not None and receiver.url.endpoint.address is None:
            notes.append(
                f"[[receiver]] {shown(receiver.name)} has no address: it is looked up, by the DNS that may be what "
                "is down"
            )
        if plan.route and receiver.name not in routed:
            notes.append(f"[[receiver]] {shown(receiver.name)} is in no [[route]]: it gets nothing")
    return notes


def _stays_here(receiver: Receiver) -> bool:
    """Whether what is dialled is this host itself, as far as the plan says."""
    assert receiver.url is not None
    endpoint = receiver.url.endpoint
    address = receiver.address or endpoint.address
    return address.parsed_ip.is_loopback if address is not None else endpoint.host == "localhost"
