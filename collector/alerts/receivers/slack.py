"""Slack by an incoming webhook, in Block Kit (docs.slack.dev: sending messages using incoming webhooks, blocks)."""

from typing import Any

from collector.alerts.facts import cut
from collector.alerts.notification import CHART_WORDS, Notification
from collector.alerts.receivers.escaping import slack
from collector.alerts.receivers.posting import Kind, Post, Way, json_post
from collector.alerts.wording import Words

LONGEST_HEADER, LONGEST_SECTION, LONGEST_FIELD, MOST_FIELDS = 150, 3000, 2000, 10
LONGEST_URL = 3000
COLOURS = {"critical": "#d93025", "warning": "#f29900", "info": "#1a73e8"}
OVER = "#188038"


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """`text` is what a phone shows; the blocks below it, behind a bar of colour, what it rests on. Slack refuses the
    whole message where it cannot fetch the chart, and then gets it without."""
    plain = json_post(_message(words, chart=""))
    chart = notification.chart_link
    return [json_post(_message(words, chart=chart)), plain] if chart else [plain]


def _message(words: Words, *, chart: str) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(words.title, LONGEST_HEADER), "emoji": False}},
        _section(words.body or words.line),
    ]
    fields = [
        {"type": "mrkdwn", "text": _within(f"*{name}*\n", text, LONGEST_FIELD)}
        for name, text in words.rows[:MOST_FIELDS]
    ]
    if fields and not words.body:
        blocks.append({"type": "section", "fields": fields})
    if words.also:
        blocks.append(_section("\n".join(words.also)))
    if chart:
        blocks.append({"type": "image", "image_url": chart, "alt_text": CHART_WORDS})
    buttons = [_button("Incident", words.link)] if words.link else []
    buttons += [_button("Runbook", url) for url in words.runbooks[:3]]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    state = f"{words.severity} · {words.type} · {words.key}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _within("", state, 300)}]})
    colour = OVER if words.status == "resolved" else COLOURS[words.severity]
    return {
        "text": _within("", words.line, LONGEST_SECTION),
        "attachments": [{"color": colour, "blocks": blocks}],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _within("", text, LONGEST_SECTION)}}


def _button(label: str, url: str) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "url": url[:LONGEST_URL]}


def _within(before: str, text: str, most: int) -> str:
    """Escaped, in at most so many characters; cut before it is escaped, so that no entity is cut in two."""
    room = most - len(before)
    kept = text
    while len(slack(kept)) > room:
        kept = cut(kept, max(1, len(kept) - max(1, (len(slack(kept)) - room) // 5)))
    return before + slack(kept)


KIND = Kind(render=render, secret_url=True)
