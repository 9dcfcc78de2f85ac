"""Where the letters of a run arrive: at this probe's collectors, or, by hand, in the same process."""

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import urlencode

import msgspec
import trio

from parallax.letters import LONGEST_WAIT_S, Letter, LetterKind, Letters
from probe.client import CollectorClient

MARGIN_S = 10.0
"""How much longer than the wait an answer may take."""
AGAIN_S = 2.0
"""Before a collector is asked again that did not answer."""
MAX_ANSWER = 4_000_000
MAX_REFUSED = 20
KINDS: frozenset[LetterKind] = frozenset({"mail", "sms", "webhook"})

Fits = Callable[[Letter], bool]


class MailboxError(Exception):
    """Nobody can be asked after letters; the message says why."""


class Mailbox(Protocol):
    """Who is asked after letters."""

    @property
    def kinds(self) -> frozenset[LetterKind]:
        """What it takes."""
        ...

    async def wait(
        self,
        to: str,
        since: float,
        within_s: float,
        *,
        kind: LetterKind = "mail",
        proven: bool = False,
        fits: Fits | None = None,
    ) -> list[Letter]:
        """The letters to an address since a moment (trio's clock), oldest first: as soon as there is one that fits; or,
        after `within_s`, those that were refused where they arrived, or none. With `proven`, mails whose proofs are
        there. Raises MailboxError."""
        ...


class CollectorMailbox:
    """The collectors, which are asked side by side: any may be the one in the MX record."""

    kinds = KINDS

    def __init__(self, clients: Sequence[CollectorClient]) -> None:
        self._clients = clients

    async def wait(
        self,
        to: str,
        since: float,
        within_s: float,
        *,
        kind: LetterKind = "mail",
        proven: bool = False,
        fits: Fits | None = None,
    ) -> list[Letter]:
        """See Mailbox. Raises MailboxError where no collector took the question."""
        found: list[Letter] = []
        refused: list[Letter] = []
        complaints: list[str] = []
        asked = {"kind": kind, "to": to} | ({"proven": "1"} if proven else {})
        deadline = trio.current_time() + within_s

        async def ask(client: CollectorClient) -> None:
            try:
                letters = await _ask(client, asked, since, deadline, fits, refused)
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
        return found or refused


async def _ask(
    client: CollectorClient,
    asked: dict[str, str],
    since: float,
    deadline: float,
    fits: Fits | None,
    refused: list[Letter],
) -> list[Letter]:
    """Asks one collector until there is a letter that fits, or the time is over; those that were refused where they
    arrived are put aside."""
    answered = False
    after = 0
    while True:
        left_s = max(0.0, deadline - trio.current_time())
        wait_s = min(left_s, LONGEST_WAIT_S)
        span = {"age": f"{trio.current_time() - since:.3f}", "wait": f"{wait_s:.3f}", "after": str(after)}
        path = f"/v1/messages?{urlencode(asked | span)}"
        status, content = await client.get(path, timeout_s=wait_s + MARGIN_S, limit=MAX_ANSWER)
        if status == 200:
            answered = True
            letters = _read(content)
            after = max((letter.number for letter in letters), default=after)
            refused.extend([letter for letter in letters if letter.refused][: MAX_REFUSED - len(refused)])
            fitting = [letter for letter in letters if not letter.refused and (fits is None or fits(letter))]
            if fitting:
                return fitting
        elif status is not None and 400 <= status < 500 and status != 429:
            raise MailboxError(f"the collector has no {asked['kind']} for that address: {_shown(content)}")
        if trio.current_time() >= deadline:
            if not answered:
                raise MailboxError(f"the collector cannot be asked after {asked['kind']}: {_shown(content)}")
            return []
        if status != 200:
            await trio.sleep(min(AGAIN_S, max(0.0, deadline - trio.current_time())))


def _read(content: bytes) -> list[Letter]:
    try:
        return msgspec.json.decode(content, type=Letters).letters
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise MailboxError("the collector's answer about letters cannot be read") from None


def _shown(content: bytes) -> str:
    return "".join(c if c.isprintable() else " " for c in content[:300].decode("utf-8", "replace"))
