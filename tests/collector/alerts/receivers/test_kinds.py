"""Every kind of receiver renders every type of event as its vendor takes it, whatever the texts are.

The golden files in tests/vectors/receivers/ say it in full; `python -m tests.collector.alerts.receivers.test_kinds`
writes them anew, and the difference is to be read.
"""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.alerts.message import LARGEST, rendered
from collector.alerts.notification import Notification
from collector.alerts.receivers import (
    RECEIVERS,
    alertmanager,
    discord,
    grafana_irm,
    heartbeat,
    ntfy,
    pagerduty,
    slack,
    teams,
)
from collector.alerts.receivers.mail import mail_of, text_of
from collector.alerts.receivers.posting import Kind, Post, Way
from collector.alerts.wording import words_of
from collector.events import FaultDomain
from parallax.clock import NS
from parallax.dialling.post import Answer
from parallax.plan.alert_types import Receiver
from parallax.plan.receivers import FETCHING, RULES
from parallax.values import Url
from tests.fakes.events import AT
from tests.fakes.notifications import EVERY, LINK, changed, failover, nasty, notification

VECTORS = Path(__file__).parents[3] / "vectors" / "receivers"
KINDS: dict[str, Kind] = {
    "pagerduty": pagerduty.KIND,
    "alertmanager": alertmanager.KIND,
    "alertmanager-webhook": alertmanager.WEBHOOK_KIND,
    "slack": slack.KIND,
    "discord": discord.KIND,
    "teams": teams.KIND,
    "grafana-irm": grafana_irm.KIND,
    "ntfy": ntfy.KIND,
    "heartbeat": heartbeat.KIND,
}
RECEIVER = Receiver(
    name="ops", kind="email", sender="parallax@example.org", to=["ops@example.org"],
    unsubscribe=Url("https://example.org/out"),
)  # fmt: skip
NOW = AT + 2 * NS


def posts(kind: str, told: Notification, **templates: str) -> list[Post]:
    url = Url("https://in.example.org/base/topic")
    way = Way(receiver=RECEIVER, url=url, secret="s3cret", now_ns=NOW, page="https://parallax.example.org")
    return list(KINDS[kind].render(told, words_of(told, templates), way))


def content(kind: str, told: Notification, **templates: str) -> Any:
    return json.loads(posts(kind, told, **templates)[0 if kind == "heartbeat" else -1].body)


def shown(kind: str, told: Notification) -> Any:
    """What a kind sends, for the golden files."""
    if kind == "webhook":
        return json.loads(rendered(told).body)
    if kind == "email":
        mail = mail_of(told, words_of(told), RECEIVER)
        return {"headers": dict(mail.items()) | {"Content-Type": ""}, "text": text_of(words_of(told)).split("\n")}
    return content(kind, told)


def test_every_kind_of_the_plan_delivers() -> None:
    assert list(RECEIVERS) == list(RULES)
    assert set(RECEIVERS) == {*KINDS, "webhook", "email"}


@pytest.mark.parametrize("kind", RECEIVERS)
def test_each_event_is_rendered_as_it_was(kind: str) -> None:
    golden = json.loads((VECTORS / f"{kind}.json").read_text("utf-8"))
    assert {name: shown(kind, told) for name, told in EVERY.items()} == golden


CHART = "https://parallax.example.org/chart/c2ln/1700000040/api.png"
CHARTED = {
    "pagerduty": lambda sent: sent["images"][0]["src"],
    "slack": lambda sent: next(b for b in sent["attachments"][0]["blocks"] if b["type"] == "image")["image_url"],
    "teams": lambda sent: next(
        b for b in sent["attachments"][0]["content"]["body"] if b["type"] == "Image"
    )["url"],
    "grafana-irm": lambda sent: sent["image_url"],
}  # fmt: skip
"""Where the address of a chart stands."""


@pytest.mark.parametrize("kind", FETCHING)
def test_a_chart_is_fetched_from_its_address(kind: str) -> None:
    told = EVERY["incident.opened"]
    with_chart = msgspec.structs.replace(told, chart_link=CHART)
    first = posts(kind, with_chart)[0]
    assert CHARTED[kind](json.loads(first.body)) == CHART
    assert CHART.encode() not in posts(kind, told)[0].body
    charted, nothing = msgspec.structs.replace(nasty(), chart_link=CHART), nasty()
    assert len(posts(kind, charted)[0].body) < 28_000 or kind != "teams"
    assert len(posts(kind, charted)[0].body) >= len(posts(kind, nothing)[0].body)


def test_slack_gets_it_without_where_it_cannot_fetch_the_chart() -> None:
    told = EVERY["incident.opened"]
    _, without = posts("slack", msgspec.structs.replace(told, chart_link=CHART))
    assert [without] == posts("slack", told)


@pytest.mark.parametrize("told", [*EVERY.values(), nasty(), nasty(900)], ids=[*EVERY, "nasty", "long"])
class TestShapes:
    """As the vendors' documents have it: what must be there, and how long it may be."""

    def test_pagerduty(self, told: Notification) -> None:
        sent = content("pagerduty", told)
        assert sent["routing_key"] == "s3cret"
        assert sent["event_action"] in ("trigger", "acknowledge", "resolve")
        assert 0 < len(sent["dedup_key"]) <= 255
        if sent["event_action"] != "resolve":
            payload = sent["payload"]
            assert 0 < len(payload["summary"]) <= 1024
            assert payload["source"]
            assert payload["severity"] in ("critical", "error", "warning", "info")
            assert all(link["href"].startswith("https://") and link["text"] for link in sent.get("links", ()))
        assert len(posts("pagerduty", told)[-1].body) < 512_000

    def test_alertmanager(self, told: Notification) -> None:
        [post] = posts("alertmanager", told)
        assert post.path == "/base/topic/api/v2/alerts"
        assert post.headers["authorization"] == "Bearer s3cret"
        [alert] = json.loads(post.body)
        assert alert["startsAt"] <= alert["endsAt"]
        assert (alert["endsAt"] > "2023-11-14T22:13:22.000Z") == (words_of(told).status != "resolved")
        assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) and value for name, value in alert["labels"].items())
        assert {"alertname", "severity", "parallax_key"} <= set(alert["labels"])

    def test_alertmanager_webhook(self, told: Notification) -> None:
        sent = content("alertmanager-webhook", told)
        assert set(sent) == {
            "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
            "commonAnnotations", "externalURL", "alerts",
        }  # fmt: skip
        [alert] = sent["alerts"]
        assert (sent["version"], sent["status"]) == ("4", alert["status"])
        assert (alert["status"] == "resolved") == (words_of(told).status == "resolved")
        assert re.fullmatch("[0-9a-f]{16}", alert["fingerprint"])

    def test_slack(self, told: Notification) -> None:
        sent = content("slack", told)
        [attachment] = sent["attachments"]
        assert 0 < len(sent["text"]) <= 3000
        assert len(attachment["blocks"]) <= 50
        for block in attachment["blocks"]:
            if block["type"] == "header":
                assert 0 < len(block["text"]["text"]) <= 150
            elif block["type"] == "section":
                assert 0 < len(block.get("text", {"text": "x"})["text"]) <= 3000
                assert len(block.get("fields", ())) <= 10
                assert all(0 < len(field["text"]) <= 2000 for field in block.get("fields", ()))
        texts = [sent["text"], *re.findall(r'"type":"mrkdwn","text":"([^"]*)"', posts("slack", told)[-1].body.decode())]
        assert not any("<" in text or ">" in text for text in texts)
        assert not any(re.search("&(?!amp;|lt;|gt;)", text) for text in texts)

    def test_discord(self, told: Notification) -> None:
        sent = content("discord", told)
        [embed] = sent["embeds"]
        assert 0 < len(sent["content"]) <= 2000
        assert sent["allowed_mentions"] == {"parse": []}
        assert 0 < len(embed["title"]) <= 256
        assert len(embed["description"]) <= 4096
        assert len(embed["fields"]) <= 25
        assert all(0 < len(f["name"]) <= 256 and 0 < len(f["value"]) <= 1024 for f in embed["fields"])
        in_all = len(embed["title"]) + len(embed["description"]) + len(embed["footer"]["text"])
        assert in_all + sum(len(f["name"]) + len(f["value"]) for f in embed["fields"]) <= 6000
        assert "@everyone" not in sent["content"] + embed["title"] + embed["description"]

    def test_teams(self, told: Notification) -> None:
        body = posts("teams", told)[-1].body
        assert len(body) < 28_000
        [attachment] = json.loads(body)["attachments"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert attachment["content"]["version"] == "1.4"
        assert all(block["type"] == "RichTextBlock" for block in attachment["content"]["body"])
        assert all(run["text"] for block in attachment["content"]["body"] for run in block["inlines"])

    def test_grafana_irm(self, told: Notification) -> None:
        sent = content("grafana-irm", told)
        assert sent["state"] == ("ok" if words_of(told).status == "resolved" else "alerting")
        assert sent["alert_uid"] == told.key
        assert sent["title"]
        assert len(sent["message"]) <= 8000

    def test_ntfy(self, told: Notification) -> None:
        [post] = posts("ntfy", told)
        sent = json.loads(post.body)
        assert (post.path, sent["topic"]) == ("/base/", "topic")
        assert sent["priority"] in range(1, 6)
        assert 0 < len(sent["message"].encode()) <= 4096
        assert 0 < len(sent["title"].encode()) <= 250

    def test_webhook(self, told: Notification) -> None:
        message = rendered(told)
        assert len(message.body) < LARGEST
        assert json.loads(message.body)["data"]["summary"]

    def test_email(self, told: Notification) -> None:
        mail = mail_of(told, words_of(told), RECEIVER)
        raw = mail.as_bytes()
        assert len(raw) < 200_000
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert set(mail.keys()) == {
            "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
            "X-Auto-Response-Suppress", "List-Unsubscribe", "MIME-Version", "Content-Type",
            *(["Importance"] if "Importance" in mail else []),
        }  # fmt: skip
        assert re.fullmatch(r"<[A-Za-z0-9._-]+@example\.org>", mail["Message-ID"])
        html = mail.get_body(("html",))
        assert html is not None
        assert "<b>" not in html.get_content()

    def test_nothing_is_said_that_a_terminal_would_act_on(self, told: Notification) -> None:
        words = words_of(told)
        for text in (words.line, words.title, words.todo, *words.also, *(text for _, text in words.rows)):
            assert text.isprintable()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            "incident.opened",
            "DNS operator dns-a is dark (Sign-in); since 22:13:20 UTC; 90 % of vantages, likely 70-98 %; runbook: "
            "https://wiki.example.org/sign-in; owner: identity team",
        ),
        (
            "incident.resolved",
            "Over after 4 min: DNS operator dns-a is dark (Sign-in); it is resolved; owner: identity team",
        ),
        (
            "risk.raised",
            "Risk: DNS operator dns-a is dark; users may feel it in 50 s (Sign-in); since 22:13:20 UTC; caches "
            "carry it: first in 50 s, last in 4 min, 3 of 24 sampled resolvers have run out; runbook: "
            "https://wiki.example.org/sign-in; owner: identity team",
        ),
        (
            "failover.recommended",
            "Switch recommended: regions should be switched from eu-1 to eu-2 (Sign-in); fault: region eu-1; 9 of 10 "
            "vantages fail; region eu-1 fails; to do: switch regions from eu-1 to eu-2; runbook: "
            "https://wiki.example.org/sign-in; owner: identity team",
        ),
    ],
)  # fmt: skip
def test_the_line(event: str, line: str) -> None:
    assert words_of(EVERY[event]).line == line


def test_whose_fault_is_said_where_the_title_does_not() -> None:
    told = notification(changed(title="Sign-in fails", domain=FaultDomain(kind="region", name="eu-1", certain=False)))
    assert "; fault: region eu-1, not certain; " in words_of(told).line
    assert "; fault: not known yet; " in words_of(notification(changed(title="Sign-in fails", domain=None))).line


def test_a_blocked_failover_names_the_rule() -> None:
    assert "before this holds: S1 eu-2 has not been ready for 10 min" in words_of(EVERY["failover.blocked"]).line


@pytest.mark.parametrize(
    ("word", "todo"),
    [
        ("both_bad", "mend a member of regions: traffic stays where it is until one is well"),
        ("both_serving", "see which member of regions should serve, and take the others out"),
        ("not_effective", "look whether regions was switched from eu-1 to eu-2, and switch by hand"),
        ("effective", ""),
    ],
)
def test_what_to_do_about_a_group(word: str, todo: str) -> None:
    assert words_of(notification(failover(word))).todo == todo


def test_the_cause_of_a_failover_is_said_in_words() -> None:
    told = notification(failover("blocked", evidence={"cause": "shared"}))
    assert "; fault: in something that all members share; " in words_of(told).line


def test_grouped_ones_are_told_and_what_to_do_is_taken_from_any() -> None:
    words = words_of(EVERY["grouped"])
    assert words.todo == "switch regions from eu-1 to eu-2"
    assert words.runway == ""
    assert len(words.more) == 3
    assert words.line.endswith("and 3 more")


def test_the_first_120_characters_tell_the_essence() -> None:
    line = words_of(EVERY["incident.opened"]).line[:120]
    for part in ("dns-a is dark", "Sign-in", "since 22:13:20 UTC", "90 % of vantages"):
        assert part in line


@pytest.mark.parametrize("kind", KINDS)
def test_templates_are_filled_and_escaped(kind: str) -> None:
    told = EVERY["incident.opened"]
    sent = posts(kind, told, summary="{{{severity}}} <{title}>", body="{owner}: {line}\nsecond")[-1].body.decode()
    if kind == "heartbeat":
        return  # nobody reads it
    assert "{critical}" in sent or kind in ("discord", "grafana-irm", "teams")
    assert "second" in sent
    if kind == "slack":
        assert "&lt;DNS operator dns-a is dark&gt;" in sent


def test_the_key_stays_from_start_to_end() -> None:
    for kind, name in (("pagerduty", "dedup_key"), ("grafana-irm", "alert_uid")):
        assert len({content(kind, EVERY[each])[name] for each in EVERY if each.startswith("incident.")}) == 1
    prints = {
        content("alertmanager-webhook", EVERY[each])["alerts"][0]["fingerprint"]
        for each in EVERY
        if each.startswith("incident.")
    }
    assert len(prints) == 1
    roots = {
        mail_of(EVERY[each], words_of(EVERY[each]), RECEIVER)["References"] for each in EVERY if "incident" in each
    }
    assert len(roots) == 1


def test_what_a_picture_goes_with() -> None:
    told = msgspec.structs.replace(EVERY["incident.opened"], chart=b"\x89PNG")
    with_picture, plain = posts("discord", told)
    assert with_picture.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="chart.png"' in with_picture.body
    assert json.loads(plain.body)["content"]
    with_picture, plain = posts("ntfy", told)
    assert (with_picture.body, with_picture.path) == (b"\x89PNG", None)
    assert all(value.isascii() and "\n" not in value for value in with_picture.headers.values())
    mail = mail_of(told, words_of(told), RECEIVER)
    assert [part.get_content_type() for part in mail.walk()][-1] == "image/png"


@pytest.mark.parametrize(
    ("answered", "wait_s"),
    [
        (b'{"message":"slow","retry_after":0.65,"global":false}', 0.65),
        (b"oops", None),
        (b'{"retry_after":1e999}', None),
    ],
)
def test_discord_says_in_its_body_how_long_to_wait(answered: bytes, wait_s: float | None) -> None:
    assert discord.heard(Answer(status=429), answered).retry_after_s == wait_s
    assert discord.heard(Answer(status=204), answered).retry_after_s is None
    assert discord.heard(Answer(status=429, retry_after_s=9.0), answered).retry_after_s == 9.0


def test_the_link_is_there() -> None:
    for kind in ("pagerduty", "slack", "discord", "teams", "grafana-irm", "ntfy", "alertmanager"):
        assert LINK in posts(kind, EVERY["incident.opened"])[-1].body.decode()


def _write() -> None:
    VECTORS.mkdir(exist_ok=True)
    for kind in RECEIVERS:
        text = json.dumps({name: shown(kind, told) for name, told in EVERY.items()}, indent=1, ensure_ascii=False)
        (VECTORS / f"{kind}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    _write()
