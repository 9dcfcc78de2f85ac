"""Discord by a webhook, with an embed (discord.com/developers: Execute Webhook, embed limits)."""

import hashlib
from typing import Any

import msgspec

from collector.alerts.facts import cut
from collector.alerts.notification import Notification
from collector.alerts.receivers.escaping import discord
from collector.alerts.receivers.posting import Kind, Post, Way, json_post
from collector.alerts.wording import Words
from parallax.clock import rfc3339
from parallax.dialling.post import Answer

LONGEST_CONTENT, LONGEST_TITLE, LONGEST_TEXT, LONGEST_NAME, LONGEST_VALUE = 2000, 256, 2000, 256, 700
MOST_FIELDS, LONGEST_IN_ALL = 25, 6000
COLOURS = {"critical": 0xD93025, "warning": 0xF29900, "info": 0x1A73E8}
OVER = 0x188038


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """The line, and an embed with what it rests on; the chart goes along as a file of the same request."""
    embed: dict[str, Any] = {
        "title": _within(words.title, LONGEST_TITLE),
        "description": _within(words.body or "\n".join(words.also), LONGEST_TEXT),
        "color": OVER if words.status == "resolved" else COLOURS[words.severity],
        "timestamp": rfc3339(words.at),
        "fields": [],
        "footer": {"text": cut(f"{words.severity} · {words.type} · {words.key}", 300)},
    }
    if words.link:
        embed["url"] = words.link
    left = (
        LONGEST_IN_ALL - 100 - sum(len(embed[name]) for name in ("title", "description")) - len(embed["footer"]["text"])
    )
    for name, text in words.rows if not words.body else ():
        value = f"<{words.runbooks[0]}>" if name == "Runbook" else _within(text, LONGEST_VALUE)
        left -= len(name) + len(value)
        if left < 0 or len(embed["fields"]) == MOST_FIELDS:
            break
        embed["fields"].append({"name": name, "value": value, "inline": len(value) < 40})
    content: dict[str, Any] = {
        "content": _within(words.line, LONGEST_CONTENT),
        "embeds": [embed],
        "allowed_mentions": {"parse": []},
    }
    plain = json_post(content)
    if notification.chart is None:
        return [plain]
    shown = embed | {"image": {"url": "attachment://chart.png"}}
    return [_with_file(content | {"embeds": [shown]}, notification.chart), plain]


def heard(answer: Answer, body: bytes) -> Answer:
    """A 429 says in its body how long to wait, in seconds with a fraction."""
    if answer.status != 429 or answer.retry_after_s is not None:
        return answer
    try:
        wait_s = msgspec.json.decode(body, type=_Throttled).retry_after
    except msgspec.DecodeError:
        return answer
    return msgspec.structs.replace(answer, retry_after_s=max(0.0, wait_s)) if wait_s < 1e9 else answer


class _Throttled(msgspec.Struct):
    retry_after: float


def _with_file(content: dict[str, Any], chart: bytes) -> Post:
    """multipart/form-data (RFC 7578): the JSON and the picture."""
    payload = msgspec.json.encode(content | {"attachments": [{"id": 0, "filename": "chart.png"}]})
    boundary = hashlib.sha256(payload + chart).hexdigest()[:40]
    parts = [
        b'Content-Disposition: form-data; name="payload_json"\r\nContent-Type: application/json\r\n\r\n' + payload,
        b'Content-Disposition: form-data; name="files[0]"; filename="chart.png"\r\nContent-Type: image/png\r\n\r\n'
        + chart,
    ]
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts) + b"--%s--\r\n" % boundary.encode()
    return Post(headers={"content-type": f"multipart/form-data; boundary={boundary}"}, body=body)


def _within(text: str, most: int) -> str:
    """Escaped, in at most so many characters; cut before it is escaped, so that no escape is cut in two."""
    kept = text
    while len(discord(kept)) > most:
        kept = cut(kept, max(1, len(kept) - max(1, (len(discord(kept)) - most) // 3)))
    return discord(kept)


KIND = Kind(render=render, secret_url=True, heard=heard)
