"""A URL that wants to be called each minute: Healthchecks.io, Dead Man's Snitch, another Alertmanager's watchdog."""

from collector.alerts.notification import Notification
from collector.alerts.receivers.posting import Kind, Post, Way, json_post
from collector.alerts.wording import Words
from parallax.clock import rfc3339


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """A POST with the moment that it tells of; a GET where the other side takes no POST."""
    return [
        json_post({"watchdog": "parallax", "at": rfc3339(notification.at)}),
        Post(headers={}, body=b"", method="GET"),
    ]


KIND = Kind(render=render, secret_url=True)
