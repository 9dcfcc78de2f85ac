"""The signed command: a webhook by Standard Webhooks 1.0.0 to the owner's own automation, which switches.

What keeps a second controller, or a late message, from doing harm stands in the message: its epoch, the member that
must serve now, and the moment after which it is void. The receiver checks them; docs/actions.md has one that does.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from collector.actions.actor import Command, Result, Standing, Then
from collector.alerts.webhook import WebhookKey, post_signed
from collector.events import FailoverChanged
from parallax.clock import NS, rfc3339, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, LookUp, Poster, look_up
from parallax.plan.failover_types import Action

LARGEST = 20_000
"""Octets of a body; Standard Webhooks asks to stay below."""
LONGEST_WAIT_S = 15.0
STALE = (409, 412)
"""Statuses by which the receiver says that the command is not for the world as it is."""
_PASSING = (408, 425, 429)
_NOT_SENT = frozenset(("secret", "not_allowed", "not_https", "no_address", "refused", "unreachable", "certificate"))
"""Failure words that say that no command has left."""
_FOR_A_PERSON = frozenset(("secret", "not_allowed", "not_https", "certificate"))
_LINE = 300


class SignedCommand:
    """One action of the kind command."""

    def __init__(
        self,
        action: Action,
        config: CollectorConfig,
        look_up: LookUp = look_up,
        *,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        assert action.url is not None  # the plan's loader has seen to it
        self._action, self._wall = action, wall
        self._poster = Poster(action.url, action.address, config, look_up=look_up, wall=wall)
        self._secret = WebhookKey(action.key, config.secrets)

    async def prepare(self) -> str:
        await self._poster.prepare()
        return self._secret.read()

    async def carry_out(self, command: Command) -> Result:
        answer = await self._post(command.id, command_body(command))
        return result_of(answer, dry_run=command.data.dry_run)

    async def look(self, group: str, standing: Standing) -> Result:
        """A command that is a dry run, as the next real one would be."""
        now = self._wall()
        asked = FailoverChanged(
            word="command",
            group=group,
            source=standing.serving,
            target=standing.target,
            title="",
            why="whether it could be carried out",
            severity="info",
            epoch=standing.epoch + 1,
            expected_current=standing.serving,
            not_after=now + round(self._action.not_after * NS),
            dry_run=True,
        )
        answer = await self._post(f"look-{group}-{now}", command_body(Command(id="", at=now, data=asked)))
        result = result_of(answer, dry_run=True)
        outcome = "reachable" if result.outcome == "dry_run" else "unreachable"
        return msgspec.structs.replace(result, outcome=outcome, then="done")

    async def _post(self, id: str, body: bytes) -> Answer:  # noqa: A002
        return await post_signed(self._poster, self._secret, id, body, self._wall)


def command_body(command: Command) -> bytes:
    """The message, below `LARGEST`: what it rests on is cut before what it says."""
    data = command.data
    told: dict[str, Any] = {
        "group": data.group,
        "direction": data.direction or None,
        "from": data.source,
        "to": data.target,
        "epoch": data.epoch,
        "expected_current": data.expected_current or data.source,
        "not_after": None if data.not_after is None else rfc3339(data.not_after),
        "dry_run": data.dry_run,
        "incident": data.incident,
        "title": data.title[:_LINE],
        "why": data.why[:_LINE],
        "actor": data.actor[:_LINE] or None,
        "components": [name[:_LINE] for name in data.components[:20]],
        "evidence": {key[:_LINE]: text[:_LINE] for key, text in data.evidence.items()},
        "rules": [
            {"id": rule.id, "ok": rule.ok, "why": rule.why[:_LINE], "overridden_by": rule.overridden_by[:_LINE] or None}
            for rule in data.rules
        ],
    }
    content = {"type": "failover.command", "timestamp": rfc3339(command.at), "data": told}
    body = msgspec.json.encode(content)
    for left_out in ("evidence", "components", "rules"):
        if len(body) < LARGEST:
            break
        told[left_out] = type(told[left_out])()
        body = msgspec.json.encode(content)
    return body


def result_of(answer: Answer, *, dry_run: bool) -> Result:
    """What an answer of the automation means for the command."""
    status = answer.status
    if status is None:
        sent = answer.failure not in _NOT_SENT
        then: Then = "next" if answer.failure in _FOR_A_PERSON else "again"
        return Result(outcome="failed", then=then, text=answer.words, sent=sent)
    if 200 <= status < 300:
        return Result(outcome="dry_run" if dry_run else "applied", text=answer.words)
    if status in STALE:
        text = f"{answer.words}: it has carried out a later command, or something else serves there"
        return Result(outcome="refused", then="stop", text=text)
    if status >= 500 or status in _PASSING:
        wait_s = min(max(answer.retry_after_s or 0.0, 0.0), LONGEST_WAIT_S)
        return Result(outcome="failed", then="again", text=answer.words, wait_s=wait_s)
    if 300 <= status < 400:
        return Result(
            outcome="refused", then="next", text=f"{answer.words}: a redirect; write the URL that it leads to"
        )
    return Result(outcome="refused", then="next", text=f"{answer.words}: see what it logged")
