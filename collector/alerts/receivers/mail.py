"""E-mail: text and HTML, the chart inline, threaded by the alert's key (RFC 5322 section 3.6.4).

A thread's root is an id made of the key, which no mail has: so every message of the alert hangs on the same one,
whichever of them came first or was lost.
"""

import hashlib
import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from collector.alerts.facts import cut
from collector.alerts.notification import Notification
from collector.alerts.receivers.escaping import hypertext
from collector.alerts.receivers.smtp import Letter, Login, hand_over
from collector.alerts.wording import Words, words_of
from parallax.clock import NS
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, LookUp, look_up
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.plan.alert_types import Receiver
from parallax.secret import SecretError, read_secret

LONGEST_SUBJECT = 200
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CHART = "chart@parallax"
_COLOURS = {"critical": "#d93025", "warning": "#b06000", "info": "#1a73e8"}


class Mail:
    """One receiver of the kind email. Several sends may be under way at once. Nothing is looked up: the plan has the
    mail server's address."""

    again_s = 0.0

    def __init__(self, receiver: Receiver, config: CollectorConfig, *, look_up: LookUp = look_up) -> None:
        assert receiver.host is not None  # the plan's loader has seen to it
        self._receiver, self._host, self._secrets = receiver, receiver.host, config.secrets
        self._routes = Routes.of(((entry.source, entry.to) for entry in config.connect_to), config.allow)
        self._trust = Trust(config.ca)

    async def prepare(self) -> str:
        """Reads the password. What a person must mend, or ""."""
        found = self._login()
        return found if isinstance(found, str) else ""

    async def send(self, notification: Notification) -> Answer:
        """Delivers once; what came of it. Never raises but for cancellation; the caller owns the timeout."""
        login = self._login()
        if isinstance(login, str):
            return Answer(failure="secret", detail=login)
        receiver = self._receiver
        mail = mail_of(notification, words_of(notification, receiver.templates), receiver)
        letter = Letter(sender=receiver.sender, recipients=receiver.to, content=mail.as_bytes())
        return await hand_over(letter, self._host, receiver.host_name, login, self._routes, self._trust)

    def _login(self) -> Login | str:
        """Read at each mail, so that a password that was mended is used; what is wrong with it."""
        if not self._receiver.user:
            return Login()
        name = self._receiver.key.removeprefix("secret:")
        reference = self._secrets.get(name)
        if reference is None:
            return f'the collector\'s config has no {name} under [secrets]; add {name} = "file:PATH"'
        try:
            return Login(user=self._receiver.user, password=read_secret(reference).reveal())
        except SecretError as error:
            return f"{name}: {error}"


def mail_of(notification: Notification, words: Words, receiver: Receiver) -> EmailMessage:
    """The mail: the same for every try."""
    domain = receiver.sender.rpartition("@")[2]
    root = f"<thread.{_id(words.key)}@{domain}>"
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = receiver.sender
    mail["To"] = ", ".join(receiver.to)
    mail["Subject"] = cut(f"[{words.severity}] {words.title}", LONGEST_SUBJECT)
    mail["Date"] = format_datetime(datetime.fromtimestamp(words.at // NS, UTC))
    mail["Message-ID"] = f"<{_id(notification.id)}@{domain}>"
    mail["In-Reply-To"] = root
    mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nothing should answer it
    mail["X-Auto-Response-Suppress"] = "All"
    if words.severity == "critical" and words.status == "open":
        mail["Importance"] = "high"
    if receiver.unsubscribe is not None:
        mail["List-Unsubscribe"] = f"<{receiver.unsubscribe}>"
    mail.set_content(text_of(words), cte="quoted-printable")
    mail.add_alternative(html_of(words, chart=notification.chart is not None), subtype="html", cte="quoted-printable")
    if notification.chart is not None:
        page = mail.get_payload()[1]  # type: ignore[index]
        page.add_related(notification.chart, "image", "png", cid=f"<{_CHART}>", filename="chart.png")  # type: ignore[union-attr]
    return mail


def text_of(words: Words) -> str:
    """The plain form."""
    lines = [words.body or words.line, ""]
    if not words.body:
        lines += [f"{name}: {text}" for name, text in words.rows]
    lines += [f"Also: {line}" for line in words.also]
    lines += ["", words.link] if words.link else []
    return "\n".join([*lines, "", f"{words.type} · {words.key}"]).strip() + "\n"


def html_of(words: Words, *, chart: bool) -> str:
    """The same as a page, without anything that is loaded from elsewhere."""
    colour = "#188038" if words.status == "resolved" else _COLOURS[words.severity]
    rows = "".join(
        f"<tr><th align='left' valign='top'>{hypertext(name)}</th><td>{hypertext(text)}</td></tr>"
        for name, text in (words.rows if not words.body else ())
    )
    also = "".join(f"<li>{hypertext(line)}</li>" for line in words.also)
    links = [("Incident", words.link)] if words.link else []
    links += [("Runbook", url) for url in words.runbooks]
    link = " · ".join(f'<a href="{hypertext(url)}">{label}</a>' for label, url in links)
    body = "<br>".join(hypertext(line) for line in (words.body or words.line).split("\n"))
    return (
        f'<html><body style="font-family:sans-serif"><h2 style="color:{colour}">{hypertext(words.title)}</h2>'
        f"<p>{body}</p><table cellpadding='4'>{rows}</table>{f'<ul>{also}</ul>' if also else ''}"
        + (
            f'<p><img src="cid:{_CHART}" alt="Share of vantages that failed, last hour" width="480" height="120"></p>'
            if chart
            else ""
        )
        + f"<p>{link}</p><p style='color:#777'>{hypertext(words.type)} · {hypertext(words.key)}</p></body></html>\n"
    )


def _id(text: str) -> str:
    """What may stand in front of the @ of a message id; the digest of a text that may not."""
    return text if _PLAIN_ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:40]
