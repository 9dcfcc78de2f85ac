"""Alertmanager's input API (POST /api/v2/alerts) and the shape that it tells webhooks in (version 4).

An alert is known there by its labels alone, and is over once `endsAt` has passed. It keeps alerts in memory only, so it
wants what is open again and again: it is told every minute, with an end some minutes ahead, and of the end for five
minutes more. Labels that change (a severity, say) make another alert there; the one before runs out by itself.
"""

from typing import Any

from collector.alerts.facts import cut
from collector.alerts.notification import Notification
from collector.alerts.receivers.posting import Kind, Post, Way, bearer, json_post
from collector.alerts.wording import Words
from parallax.clock import NS, rfc3339

AGAIN_S = 60.0
OPEN_NS = 15 * 60 * NS
"""How far ahead the end of what is open is put: so long a collector may be silent before it is taken to be over."""
NOTICE_NS = 3600 * NS
"""How long a notice, which has no end, is shown."""
PATH = "/api/v2/alerts"
_NEVER = "0001-01-01T00:00:00Z"
"""What version 4 says for an end that is not known: Go's zero time."""
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def labels_of(words: Words) -> dict[str, str]:
    """What it is known and routed by. A label without a value is none."""
    kind = words.type.partition(".")[0].title() or "Alert"
    labels = {
        "alertname": f"Parallax{kind}",
        "parallax_key": words.key,
        "severity": words.severity,
        "tier": words.tier,
        "component": ", ".join(words.components),
        "owner": words.owner,
    }
    return {name: cut(value, 255) for name, value in labels.items() if value}


def annotations_of(words: Words) -> dict[str, str]:
    """What people read."""
    texts = {
        "summary": words.line,
        "title": words.title,
        "description": words.body or "\n".join(f"{name}: {text}" for name, text in words.rows),
        "todo": words.todo,
        "runbook_url": words.runbooks[0] if words.runbooks else "",
        "also": "\n".join(words.also),
    }
    return {name: text for name, text in texts.items() if text}


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """One alert as the input API takes it."""
    begun = words.at if words.since_ns is None else min(words.since_ns, words.at)
    alert: dict[str, Any] = {
        "labels": labels_of(words),
        "annotations": annotations_of(words),
        "startsAt": rfc3339(begun),
        "endsAt": rfc3339(_ends(words, way.now_ns, begun)),
    }
    if words.link:
        alert["generatorURL"] = words.link
    path = way.url.partition("://")[2].partition("/")[2].partition("?")[0].rstrip("/")
    target = f"/{path}" if path.endswith(PATH.lstrip("/")) else f"/{path}{PATH}" if path else PATH
    return [json_post([alert], bearer(way.secret), target)]


def render_webhook(notification: Notification, words: Words, way: Way) -> list[Post]:
    """One alert as Alertmanager tells it to others."""
    labels, annotations = labels_of(words), annotations_of(words)
    status = "resolved" if words.status == "resolved" else "firing"
    begun = words.at if words.since_ns is None else words.since_ns
    stable = {name: labels[name] for name in ("alertname", "parallax_key")}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": rfc3339(begun),
        "endsAt": rfc3339(words.until_ns or words.at) if status == "resolved" else _NEVER,
        "generatorURL": words.link,
        "fingerprint": fingerprint(stable),
    }
    group = {"parallax_key": words.key}
    content = {
        "version": "4",
        "groupKey": f'{{}}:{{parallax_key="{words.key}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": way.receiver.name,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": way.page,
        "alerts": [alert],
    }
    return [json_post(content, bearer(way.secret))]


def fingerprint(labels: dict[str, str]) -> str:
    """FNV-1a (64 bits) over the sorted labels, as Prometheus does it. The same from an alert's start to its end, so of
    those labels only that never change."""
    value = _FNV_OFFSET
    for name, text in sorted(labels.items()):
        for octet in name.encode() + b"\xff" + text.encode() + b"\xff":
            value = ((value ^ octet) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def _ends(words: Words, now_ns: int, begun: int) -> int:
    if words.status == "resolved":
        # Not ahead of now, whatever the clocks say, and never before it began: that is refused.
        return max(begun, min(words.until_ns or words.at, now_ns))
    return now_ns + (NOTICE_NS if words.status == "notice" else OPEN_NS)


KIND = Kind(render=render, again_s=AGAIN_S)
WEBHOOK_KIND = Kind(render=render_webhook)
