"""The mail server as the collector has it: by its config."""

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from collector.mail.smtp import MailListener, TlsContext, mail_status, open_mail_listener, serve_mail
from collector.messages.box import Box, MailStatus
from parallax.config import MailServer


class Mail:
    """Off the network until `listening`, and takes nothing until `run`."""

    def __init__(self, config: MailServer, box: Box, tls: TlsContext | None = None) -> None:
        self._config, self._box, self._tls = config, box, tls
        self.domains = frozenset(name.lower().rstrip(".") for name in config.domains)
        self._listener: MailListener | None = None

    @property
    def proves(self) -> bool:
        """Whether mails are proven here."""
        return bool(self._config.resolvers)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Binds, until the end of the block. Raises StartError."""
        self._listener = open_mail_listener(self._config.listen)
        try:
            yield
        finally:
            self._listener.close()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Takes mail until cancelled."""
        assert self._listener is not None, "listening comes first"
        await serve_mail(
            self._listener,
            self._config.domains,
            self._box,
            resolvers=self._config.resolvers,
            tls=self._tls,
            task_status=task_status,
        )

    @property
    def status(self) -> MailStatus | None:
        """None before it listens."""
        return mail_status(self._listener, self._config.domains, self._box) if self._listener else None
