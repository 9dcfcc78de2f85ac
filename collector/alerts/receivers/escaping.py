"""Texts for each kind of receiver, so that what a target or a probe said never acts there: no markup, no mention, no
further header. Pure."""

import html
import re

_DISCORD = re.compile(r"([\\*_~`|>\[\]()#:.\-])")
_AT = re.compile(r"@(?=\S)")
ZERO_WIDTH = "\u200b"


def slack(text: str) -> str:
    """Slack's three signs: without them there is no link, mention or command (docs.slack.dev, formatting message
    text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def discord(text: str) -> str:
    """Every sign of Discord's markdown stands for itself, and no @ begins a mention: @everyone, @here, <@id>. The
    message forbids mentions besides."""
    return _AT.sub(f"@{ZERO_WIDTH}", _DISCORD.sub(r"\\\1", text)).replace("<", f"<{ZERO_WIDTH}")


def hypertext(text: str) -> str:
    """For HTML, in text and in attributes with quotes."""
    return html.escape(text, quote=True)
