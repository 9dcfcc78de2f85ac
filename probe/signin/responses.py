"""What a response is that no step asked for: a bot wall, a refusal, an error of the server's own. Pure."""

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
