"""What findings carry of a DNS reply, bounded, as plain values. Pure."""

from typing import Any

from probe.dns.message import Record, Reply

MAX_TEXT = 255
MAX_EDE = 10


def plain(record: Record) -> dict[str, str | int]:
    return {"owner": record.owner, "type": record.type, "ttl": record.ttl, "text": record.text[:MAX_TEXT]}


def extended_errors(reply: Reply) -> list[dict[str, Any]] | None:
    """The extended errors (RFC 8914); None without any."""
    return [{"code": code, "text": text[:MAX_TEXT]} for code, text in reply.ede[:MAX_EDE]] or None
