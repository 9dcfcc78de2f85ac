"""Grafana IRM by an integration of the kind formatted webhook (grafana.com/docs: formatted webhook)."""

from collector.alerts.facts import cut
from collector.alerts.notification import Notification
from collector.alerts.receivers.posting import Kind, Post, Way, json_post
from collector.alerts.wording import Words


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """One alert group a key: `state` opens and closes it."""
    text = words.body or "\n".join([words.line, *(f"{name}: {text}" for name, text in words.rows), *words.also])
    content = {
        "alert_uid": words.key,
        "title": cut(words.title, 255),
        "state": "ok" if words.status == "resolved" else "alerting",
        "message": cut(text, 8000),
    }
    if notification.chart_link:
        content["image_url"] = notification.chart_link
    if words.link:
        content["link_to_upstream_details"] = words.link
    return [json_post(content)]


KIND = Kind(render=render, secret_url=True)
