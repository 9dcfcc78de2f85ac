"""The mail server as the collector has it: by its config, for probes that ask, and in its status."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import trio

from collector.mail.box import AGE_S, Box, MailStatus
from collector.mail.smtp import MailListener, mail_status, open_mail_listener, serve_mail
from parallax.config import MailServer
from parallax.letters import LONGEST_WAIT_S, Letter, address_of


class MailQuestionError(Exception):
    """A question after mails that cannot be answered; the message says what is wrong with it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe asks for: the mails to an address since a moment (trio's clock), waiting so long for one."""

    to: str
    since: float
    wait_s: float


class Mail:
    """Off the network until `listening`, and takes nothing until `run`."""

    def __init__(self, config: MailServer) -> None:
        self._config = config
        self._box = Box()
        self._domains = frozenset(name.lower().rstrip(".") for name in config.domains)
        self._listener: MailListener | None = None

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
        await serve_mail(self._listener, self._config.domains, self._box, task_status=task_status)

    @property
    def status(self) -> MailStatus | None:
        """None before it listens."""
        return mail_status(self._listener, self._config.domains, self._box) if self._listener else None

    def read_question(self, query: Mapping[str, str]) -> Asked:
        """What ?to=, ?age= and ?wait= (seconds) ask for. Raises MailQuestionError."""
        to = address_of(query.get("to", ""))
        if to is None:
            raise MailQuestionError("`to` wants a mail address")
        if to.rpartition("@")[2] not in self._domains:
            domains = ", ".join(sorted(self._domains))
            raise MailQuestionError(f"mail is taken for {domains} only: [mail] in the collector's config")
        age_s = _seconds(query.get("age", ""), AGE_S, AGE_S)
        wait_s = _seconds(query.get("wait", ""), 0.0, LONGEST_WAIT_S)
        return Asked(to=to, since=trio.current_time() - age_s, wait_s=wait_s)

    def find(self, asked: Asked) -> list[Letter]:
        """What is there now."""
        return self._box.find(asked.to, asked.since)

    async def wait(self, asked: Asked) -> None:
        """Until there is one; whoever waits bounds the time."""
        await self._box.wait(asked.to, asked.since)


def _seconds(text: str, otherwise: float, most: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return otherwise
    return min(max(seconds, 0.0), most) if math.isfinite(seconds) else otherwise
