"""The letters as the collector has them: by its config, for probes that ask, and in its status."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import trio

from collector.certificates import Certificate
from collector.mail.service import Mail
from collector.messages import Asked, Box, Hooks, MailStatus, may_read
from collector.messages.box import AGE_S
from parallax.config import CollectorConfig
from parallax.letters import LONGEST_WAIT_S, Letter, LetterKind, address_of, number_of
from parallax.plan.types import Check


class QuestionError(Exception):
    """A question after letters that cannot be answered, with the status and word of the answer; the message says what
    is wrong with it."""

    def __init__(self, message: str, status: int = 400, word: str = "bad_request") -> None:
        super().__init__(message)
        self.status, self.word = status, word


class Inbox:
    """Off the network until `listening`, and takes no mail until `run`."""

    def __init__(self, config: CollectorConfig, certificate: Certificate | None = None) -> None:
        self.box = Box()
        tls = (lambda: certificate.context) if certificate is not None else None
        self._mail = Mail(config.mail, self.box, tls) if config.mail else None
        self.hooks = Hooks(config.hook, self.box)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Binds the mail server, until the end of the block. Raises StartError."""
        if self._mail is None:
            yield
        else:
            with self._mail.listening():
                yield

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Takes mail until cancelled; ends at once where there is no mail server."""
        await self.hooks.read_keys()
        if self._mail is None:
            task_status.started()
        else:
            await self._mail.run(task_status=task_status)

    @property
    def status(self) -> MailStatus | None:
        """The mail server's; None before it listens, and without one."""
        return self._mail.status if self._mail else None

    def read_question(self, query: Mapping[str, str], probe: str, checks: Iterable[Check]) -> Asked:
        """What ?kind=, ?to=, ?age=, ?wait= (seconds), ?after= and ?proven= ask for. `checks` are the probe's. Raises
        QuestionError."""
        kind, to = self._place(query.get("kind", "mail"), query.get("to", ""))
        if not may_read(checks, probe, kind, to):
            raise QuestionError(
                f"no check of the probe {probe} waits for a {kind} to {to[:100]}, so it may not read any",
                403,
                "forbidden",
            )
        proven = query.get("proven", "") in ("1", "true")
        if proven and not (self._mail and self._mail.proves):
            raise QuestionError("this collector proves no mail; write `resolvers` in [mail] of its config")
        age_s = _seconds(query.get("age", ""), AGE_S, AGE_S)
        after = query.get("after", "")
        return Asked(
            to=to,
            since=trio.current_time() - age_s,
            wait_s=_seconds(query.get("wait", ""), 0.0, LONGEST_WAIT_S),
            kind=kind,
            after=int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0,
            proven=proven and kind == "mail",
        )

    def find(self, asked: Asked) -> list[Letter]:
        """What is there now."""
        return self.box.find(asked)

    async def wait(self, asked: Asked) -> None:
        """Until there is one; whoever waits bounds the time."""
        await self.box.wait(asked)

    def _place(self, kind: str, to: str) -> tuple[LetterKind, str]:
        """The kind and the address as letters have it. Raises QuestionError."""
        match kind:
            case "mail":
                return "mail", self._mail_place(to)
            case "sms":
                if not self.hooks.of("sms"):
                    raise QuestionError('this collector takes no SMS; write [[hook]] with takes = "sms" in its config')
                number = number_of(to)
                if number is None:
                    raise QuestionError("`to` wants a phone number")
                return "sms", number
            case "webhook":
                names = self.hooks.of("webhook")
                if to not in names:
                    known = ", ".join(names) or "none"
                    raise QuestionError(f"this collector has no hook {to[:60]!r}; it has: {known}")
                return "webhook", to
        raise QuestionError("`kind` wants mail, sms or webhook")

    def _mail_place(self, to: str) -> str:
        if self._mail is None:
            raise QuestionError("this collector takes no mail; write [mail] in its config", 404, "not_found")
        plain = address_of(to)
        if plain is None:
            raise QuestionError("`to` wants a mail address")
        if plain.rpartition("@")[2] not in self._mail.domains:
            domains = ", ".join(sorted(self._mail.domains))
            raise QuestionError(f"mail is taken for {domains} only: [mail] in the collector's config")
        return plain


def _seconds(text: str, otherwise: float, most: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return otherwise
    return min(max(seconds, 0.0), most) if math.isfinite(seconds) else otherwise
