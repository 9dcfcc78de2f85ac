"""A mail server in the same process as the run that waits for the mail: `parallax check signin --mail LISTEN`."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import trio

from collector.mail.smtp import open_mail_listener, serve_mail
from collector.messages.box import Asked, Box
from parallax.letters import Letter, LetterKind, address_of
from parallax.values import Address


class LocalMailbox:
    """A Mailbox (probe.mailbox) over a box of this process. `address` is where mail is taken."""

    kinds: frozenset[LetterKind] = frozenset({"mail"})

    def __init__(self, box: Box, address: Address) -> None:
        self._box, self.address = box, address

    async def wait(
        self,
        to: str,
        since: float,
        within_s: float,
        *,
        kind: LetterKind = "mail",
        proven: bool = False,
        fits: Callable[[Letter], bool] | None = None,
    ) -> list[Letter]:
        """Mails to an address since a moment (trio's clock), as soon as there is one; none after `within_s`."""
        plain = address_of(to)
        if kind != "mail" or plain is None:
            return []
        asked = Asked(to=plain, since=since, proven=proven)
        with trio.move_on_after(within_s):
            return await self._box.wait(asked)
        return []


@asynccontextmanager
async def local_mailbox(
    listen: Address, domains: Sequence[str], resolvers: Sequence[Address] = ()
) -> AsyncIterator[LocalMailbox]:
    """Takes mail for these domains until the end of the block; with `resolvers`, it is found out what proves one.
    Raises StartError."""
    listener, box = open_mail_listener(listen), Box()
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve_mail, listener, domains, box, resolvers=resolvers))
            yield LocalMailbox(box, listener.address)
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:  # what the block raised is the caller's, as it was
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
    finally:
        listener.close()
