"""PagerDuty by its Events API v2 (developer.pagerduty.com, Send an Alert Event); other pagers take the same shape."""

import hashlib
from typing import Any

from collector.alerts.facts import cut
from collector.alerts.notification import CHART_WORDS, Notification
from collector.alerts.receivers.posting import Kind, Post, Way, json_post
from collector.alerts.wording import Words, newest
from collector.events import IncidentChanged
from parallax.clock import rfc3339

LONGEST_SUMMARY, LONGEST_KEY = 1024, 255
SEVERITIES = {"critical": "critical", "warning": "warning", "info": "info"}


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """Opened and updated by `trigger` with the same key, which pages once; closed by `resolve`; `acknowledge` once a
    person has acknowledged the incident here."""
    action = _action(notification, words)
    content: dict[str, Any] = {
        "routing_key": way.secret,
        "event_action": action,
        "dedup_key": dedup_key(words.key),
    }
    if action != "resolve":
        content["payload"] = {
            "summary": cut(words.line, LONGEST_SUMMARY),
            "source": cut(", ".join(words.components) or "parallax", 255),
            "severity": SEVERITIES[words.severity],
            "timestamp": rfc3339(words.at),
            "class": words.type,
            "custom_details": dict(words.rows) | {"also": list(words.also)} if words.also else dict(words.rows),
        }
        if words.components:
            content["payload"]["component"] = cut(words.components[0], 255)
        if words.body:
            content["payload"]["custom_details"]["text"] = cut(words.body, 8000)
        if notification.chart_link:
            image = {"src": notification.chart_link, "alt": CHART_WORDS}
            content["images"] = [image | {"href": words.link} if words.link else image]
        content["client"] = "Parallax"
        links = [{"href": words.link, "text": "Incident"}] if words.link else []
        links += [{"href": url, "text": "Runbook"} for url in words.runbooks]
        if words.link:
            content["client_url"] = words.link
        if links:
            content["links"] = links
    return [json_post(content)]


def dedup_key(key: str) -> str:
    """The key, or its digest where it is longer than PagerDuty takes: a cut one might be another's."""
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def _action(notification: Notification, words: Words) -> str:
    if words.status == "resolved":
        return "resolve"
    told = newest(notification)
    if told is not None and isinstance(told.data, IncidentChanged) and notification.phase == "update":
        return "acknowledge" if told.data.incident.human.acknowledged_by else "trigger"
    return "trigger"


KIND = Kind(render=render, url="https://events.pagerduty.com/v2/enqueue")
