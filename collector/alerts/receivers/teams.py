"""Microsoft Teams by the URL of a workflow ("When a Teams webhook request is received"): an Adaptive Card 1.4.

Text runs of a RichTextBlock are shown as they are, where a TextBlock would read markdown in them
(adaptivecards.io/explorer/RichTextBlock).
"""

from typing import Any

import msgspec

from collector.alerts.facts import cut
from collector.alerts.notification import CHART_WORDS, Notification
from collector.alerts.receivers.posting import Kind, Post, Way, json_post
from collector.alerts.wording import Words

LARGEST = 28_000
"""Octets of a card, at most (learn.microsoft.com: 28 kB for a message by a webhook)."""
COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """The title in the colour of its severity, the line, and the figures behind it. Smaller where it is too large."""
    for share in (1.0, 0.5, 0.2, 0.0):
        content = _message(words, share, notification.chart_link)
        if len(msgspec.json.encode(content)) < LARGEST:
            break
    return [json_post(content)]


def _message(words: Words, share: float, chart: str) -> dict[str, Any]:
    colour = "Good" if words.status == "resolved" else COLOURS[words.severity]
    body = [
        _block(_run(cut(words.title, 200), weight="Bolder", size="Medium", color=colour)),
        *(_block(_run(line)) for line in (words.body or words.line)[: int(500 + 5000 * share)].split("\n")),
    ]
    if not words.body:
        body += [
            _block(_run(f"{name}: ", weight="Bolder"), _run(cut(text, int(100 + 400 * share))))
            for name, text in words.rows
        ]
    if chart:
        body.append({"type": "Image", "url": chart, "altText": CHART_WORDS, "size": "Stretch"})
    body += [_block(_run(cut(line, 200))) for line in words.also[: int(11 * share)]]
    body.append(_block(_run(cut(f"{words.severity} · {words.type} · {words.key}", 200), isSubtle=True, size="Small")))
    actions = [{"type": "Action.OpenUrl", "title": "Incident", "url": words.link}] if words.link else []
    actions += [{"type": "Action.OpenUrl", "title": "Runbook", "url": url} for url in words.runbooks[:3]]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": cut(words.line, 500),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if actions:
        card["actions"] = actions
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "summary": cut(words.line, 200), "attachments": [attachment]}


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text or " ", **look}


KIND = Kind(render=render, secret_url=True)
