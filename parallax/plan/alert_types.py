"""Who is told of what, and when not: [[receiver]], [[route]], [[group]], [[inhibit]], [[maintenance]]."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from parallax.plan.texts import Name, Text
from parallax.values import Address, Duration, Url

ReceiverKind = Literal[
    "webhook",
    "pagerduty",
    "alertmanager",
    "alertmanager-webhook",
    "slack",
    "discord",
    "teams",
    "grafana-irm",
    "ntfy",
    "email",
    "heartbeat",
]
Words = Annotated[list[str], msgspec.Meta(max_length=100)]


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """The thing that delivers an alert."""

    name: Name
    """What routes call it."""
    kind: str
    """How it delivers: webhook, pagerduty, alertmanager (its input API), alertmanager-webhook (what it sends to
    others), slack, discord, teams, grafana-irm, ntfy, email; heartbeat (a URL that wants to be called each minute)."""
    url: Url | None = None
    """Where it delivers to: https://, or http:// to this host itself. The address of one's own for webhook and
    alertmanager-webhook, Alertmanager's own for alertmanager, the topic's for ntfy; PagerDuty's if left out. For slack,
    discord, teams, grafana-irm and heartbeat, whose URLs are secrets, `key` says where the URL is; ntfy's may be one
    too."""
    address: Address | None = None
    """What to dial, so that delivery does not need the DNS that is watched; looked up if left out."""
    fallback: Annotated[list[Address], msgspec.Meta(max_length=8)] = []
    """What to dial where the name cannot be looked up and was never found before."""
    key: str = ""
    """secret:NAME; the collector's config says where NAME is. What messages are signed with (webhook), the integration
    key (pagerduty), the whole URL (slack, discord, teams, grafana-irm, heartbeat), the password (email), an access
    token (ntfy, alertmanager, alertmanager-webhook)."""
    key_before: str = ""
    """secret:NAME of the key before this one: while it is rotated, messages are signed with both."""
    sign: Literal["v1", "v1a"] = "v1"
    """For webhook: the scheme of Standard Webhooks, HMAC-SHA256 or Ed25519."""
    host: Address | None = None
    """For email: the mail server that takes the mail (SMTP)."""
    host_name: Text = ""
    """For email: the name in the mail server's certificate; without one, STARTTLS is not asked for, on loopback
    only."""
    user: Text = ""
    """For email: whom to log in as, with `key` as the password; nobody if left out."""
    sender: Text = ""
    """For email: the From address."""
    to: Annotated[list[Text], msgspec.Meta(max_length=50)] = []
    """For email: the addresses that it goes to."""
    unsubscribe: Url | None = None
    """For email: where one takes one's address out, for the header List-Unsubscribe; none if left out."""
    test: Literal["off", "weekly"] = "off"
    """weekly: it is sent a test page once a week, through the whole way; others are told where it is not delivered."""
    test_at: Text = "Mon 10:00"
    """When that is, UTC."""
    templates: dict[str, Annotated[str, msgspec.Meta(max_length=4000)]] = {}
    """Texts of one's own, by place (summary, body): docs/receivers.md has the names that may stand in them."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts a route takes; a key that is left out takes all."""

    severity: list[str] = []
    """Any of these severities: critical, warning, info. A risk is a warning."""
    component: list[str] = []
    """Any of these components."""
    cause: Words = []
    """Any of these classes of cause: operator, zone, name_server, resolver, region, site, address, endpoint, network,
    probe, certificate."""
    failover: Words = []
    """Any of these failover groups."""
    type: Words = []
    """Any of these types of events, * at the end for any word: incident.*, failover.blocked, risk.raised."""
    tier: list[Literal["page", "ticket", "log"]] = []
    """Any of these tiers: page (impact, or impact within an hour), ticket, log."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that picks who gets an alert."""

    match: Match = Match()
    """Which alerts it takes; all if left out."""
    to: Annotated[list[str], msgspec.Meta(min_length=1, description="at least one receiver")]
    """The receivers and groups that get them."""
    name: Text = ""
    """What `parallax routes test` and `parallax notify test` call it; its number if left out."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A notification group: people and how each sort of alert reaches them."""

    name: Name
    """What routes call it."""
    receivers: Annotated[list[str], msgspec.Meta(min_length=1, description="at least one receiver")]
    """Its receivers."""
    severity: list[str] = []
    """Only these severities; all if left out."""
    type: Words = []
    """Only these types of events, * at the end for any word; all if left out."""
    wait: Duration = Duration(30)
    """How long a first alert that is no page waits for others to go with it."""
    interval: Duration = Duration(300)
    """How long after a message the next one for the same key waits, unless it pages."""
    repeat: Duration = Duration(14400)
    """After how long something that is still open and not acknowledged is said again."""


class Inhibit(msgspec.Struct, frozen=True, kw_only=True):
    """What silences what. That a DNS operator's incident silences the HTTP checks under it is so without any."""

    name: Name
    """What it is called where it kept something back."""
    source: Match
    """While an alert like this is open ..."""
    target: Match
    """... those like this are kept back."""
    equal: list[Literal["component", "failover", "check"]] = []
    """Only where both have these in common."""


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """A window, or a calendar of windows, in which components are worked on. Alerts are deferred, never lost."""

    name: Name
    """What is done."""
    components: Annotated[list[str], msgspec.Meta(min_length=1, description="at least one component")]
    """The components that may suffer."""
    start: datetime | None = msgspec.field(name="from", default=None)
    """When it begins, with an offset from UTC."""
    end: datetime | None = msgspec.field(name="to", default=None)
    """When it ends, with an offset from UTC."""
    calendar: Annotated[str, msgspec.Meta(max_length=100_000)] = ""
    """Instead of `from` and `to`: an iCalendar (RFC 5545) whose events are windows, with RRULE. Its text, or the name
    of a file in the plan's folder that ends in `.ics`."""
    freeze: bool = False
    """Whether no failover may be commanded in it (safety rule S7)."""
