"""Asking a server who it is: id.server and hostname.bind of class CHAOS (RFC 4892).

A packet of its own, which may reach another site than the query that is measured: the NSID of an answer says more, and
this is asked only where a plan says so. Many servers refuse it.
"""

import csv
from io import StringIO

from probe.dns.client import Asked, Client, Server, ask
from probe.dns.message import Query

NAMES = ("id.server", "hostname.bind")


async def ask_identity(server: Server, client: Client, timeout_s: float) -> tuple[str | None, list[Asked]]:
    """What the server calls itself, or None; and what was asked. The second name is asked where the first is
    answered with nothing. Ends within `timeout_s`; never raises but for cancellation."""
    asked: list[Asked] = []
    for name in NAMES:
        query = Query(name=name, type="TXT", recurse=False, chaos=True)
        asked.append(await ask(query, server, client, timeout_s / len(NAMES)))
        reply = asked[-1].reply
        if reply is None:
            break  # one that is silent is not asked twice
        for record in reply.answers:
            if record.type == "TXT" and record.owner == name and (text := joined(record.text)):
                return text, asked
    return None, asked


def joined(text: str) -> str:
    """The strings of a TXT record in presentation form as one text, without the quotes."""
    return "".join(next(csv.reader(StringIO(text), delimiter=" ", escapechar="\\", doublequote=False), []))
