"""Where a run's mails arrive: at the mail servers of this probe's collectors, or, by hand, in the same process."""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote

import msgspec
import trio

from parallax.letters import LONGEST_WAIT_S, Letter, Letters
from probe.client import CollectorClient

MARGIN_S = 10.0
"""How much longer than the wait an answer may take."""
AGAIN_S = 2.0
"""Before a collector is asked again that did not answer."""
MAX_ANSWER = 4_000_000


class MailboxError(Exception):
    """Nobody can be asked after mails; the message says why."""


class Mailbox(Protocol):
    """Who is asked after mails."""

    async def wait(self, to: str, since: float, within_s: float) -> list[Letter]:
        """The mails to an address since a moment (trio's clock), oldest first: as soon as there is one, or none after
        `within_s`. Raises MailboxError."""
        ...


class CollectorMailbox:
    """The mail servers of the collectors, which are asked side by side: any may be the one in the MX record."""

    def __init__(self, clients: Sequence[CollectorClient]) -> None:
        self._clients = clients

    async def wait(self, to: str, since: float, within_s: float) -> list[Letter]:
        """See Mailbox. Raises MailboxError where no collector took the question."""
        found: list[Letter] = []
        complaints: list[str] = []
        deadline = trio.current_time() + within_s

        async def ask(client: CollectorClient) -> None:
            try:
                letters = await _ask(client, to, since, deadline)
            except MailboxError as error:
                complaints.append(str(error))
                return
            if letters:
                found.extend(letters)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for client in self._clients:
                nursery.start_soon(ask, client)
        if not found and len(complaints) == len(self._clients):
            raise MailboxError(complaints[0] if complaints else "this probe has no collector to ask")
        return found


async def _ask(client: CollectorClient, to: str, since: float, deadline: float) -> list[Letter]:
    """Asks one collector until there is mail, or the time is over."""
    answered = False
    while True:
        left_s = max(0.0, deadline - trio.current_time())
        wait_s = min(left_s, LONGEST_WAIT_S)
        age_s = trio.current_time() - since
        path = f"/v1/mail?to={quote(to, safe='')}&age={age_s:.3f}&wait={wait_s:.3f}"
        status, content = await client.get(path, timeout_s=wait_s + MARGIN_S, limit=MAX_ANSWER)
        if status == 200:
            answered = True
            letters = _read(content)
            if letters:
                return letters
        elif status is not None and 400 <= status < 500 and status != 429:
            raise MailboxError(f"the collector has no mail for that address: {_shown(content)}")
        if trio.current_time() >= deadline:
            if not answered:
                raise MailboxError(f"the collector cannot be asked after mail: {_shown(content)}")
            return []
        if status != 200:
            await trio.sleep(min(AGAIN_S, max(0.0, deadline - trio.current_time())))


def _read(content: bytes) -> list[Letter]:
    try:
        return msgspec.json.decode(content, type=Letters).letters
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise MailboxError("the collector's answer about mail cannot be read") from None


def _shown(content: bytes) -> str:
    return "".join(c if c.isprintable() else " " for c in content[:300].decode("utf-8", "replace"))
