"""What a response is that no step asked for: a bot wall, a refusal, an error of the server's own. Pure."""

from parallax.redaction import redact_url
from probe.fault import Fault
from probe.http.bot_walls import bot_wall
from probe.signin.reply import Reply


def refusal(reply: Reply) -> Fault | None:
    """A bot wall, or a limit: what is blocked rather than down, whatever else the response says."""
    wall = bot_wall(reply.answer)
    if wall is not None:
        return Fault("http_challenge", {"bot_wall": wall})
    return Fault("http_throttled") if reply.status == 429 else None


def status_fault(reply: Reply) -> Fault | None:
    """The fault of a response by its status alone, the most telling first; None below 400, and for what is left to
    whoever asked (401, 404, ...)."""
    found = refusal(reply)
    if found is not None:
        return found
    if reply.status == 403:
        return Fault("http_forbidden")
    return Fault("http_server_error") if reply.status >= 500 else None


def unless_ok(reply: Reply, otherwise: str) -> Fault | None:
    """Why a response is not the 200 that was asked for: what its status says, or else this reason, with where the
    response leads."""
    found = status_fault(reply)
    if found is not None or reply.status == 200:
        return found
    location = reply.headers.get("location")
    return Fault(otherwise, {"location": redact_url(location)[:300]} if location else {})
