"""ntfy (docs.ntfy.sh/publish): JSON to the server's root, or the chart to the topic with the rest in headers."""

import json
from email.header import Header
from urllib.parse import quote, unquote

from collector.alerts.facts import cut_octets
from collector.alerts.notification import Notification
from collector.alerts.receivers.posting import Kind, Post, Way, bearer, json_post
from collector.alerts.wording import Words

LONGEST_MESSAGE, LONGEST_TITLE = 4000, 250
"""Octets; past 4,096 ntfy makes a file of the message."""
PRIORITIES = {"page": 5, "ticket": 3, "log": 2}
TAGS = {"critical": "rotating_light", "warning": "warning", "info": "information_source"}
_MOST_HEADER = 900
"""Octets of a message that goes in a header: it is the line alone."""
_IN_URLS = "%/:?#[]@!$&'()*+,;=-._~"


def render(notification: Notification, words: Words, way: Way) -> list[Post]:
    """The topic is the last part of the URL's path; what is before it stays in front."""
    before, _, topic = way.url.partition("://")[2].partition("/")[2].partition("?")[0].strip("/").rpartition("/")
    text = words.body or "\n".join([words.line, *words.also])
    over = words.status == "resolved"
    title, tag = cut_octets(words.title, LONGEST_TITLE), "white_check_mark" if over else TAGS[words.severity]
    priority = 3 if over else PRIORITIES[words.tier] if words.status != "test" else 3
    content = {
        "topic": unquote(topic),
        "title": title,
        "message": cut_octets(text, LONGEST_MESSAGE),
        "priority": priority,
        "tags": [tag],
    }
    actions = [{"action": "view", "label": "Incident", "url": words.link}] if words.link else []
    actions += [{"action": "view", "label": "Runbook", "url": url} for url in words.runbooks[:1]]
    if words.link:
        content["click"] = words.link
    if actions:
        content["actions"] = actions
    plain = json_post(content, bearer(way.secret), f"/{before}/" if before else "/")
    if notification.chart is None:
        return [plain]
    headers = {
        "filename": "chart.png",
        "title": _header(title),
        "message": _header(cut_octets(words.line, _MOST_HEADER)),
        "priority": str(priority),
        "tags": tag,
        **bearer(way.secret),
    }
    if words.link:
        headers["click"] = quote(words.link, safe=_IN_URLS)
    if actions:
        headers["actions"] = json.dumps(actions)  # in ASCII, as headers are
    return [Post(headers=headers, body=notification.chart), plain]


def _header(text: str) -> str:
    """RFC 2047, in base64, as one word without a fold: so nothing in it can end the header."""
    return Header(text, "utf-8", maxlinelen=10**9).encode(linesep="")


KIND = Kind(render=render, secret_url=True)
