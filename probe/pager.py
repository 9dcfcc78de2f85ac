"""Pages by itself where no collector can (`probe.dead_man` says when): PagerDuty, or a signed webhook.

Whether a page of it is open is kept in a file, so that a probe that is started anew closes what it opened.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from parallax import standard_webhooks
from parallax.clock import NS, rfc3339, to_ns, wall_ns
from parallax.config import ProbeConfig
from parallax.dialling.post import Answer, LookUp, Poster, look_up
from parallax.log import get_log
from parallax.secret import SecretError, read_secret
from parallax.spans import lasting
from parallax.state import write_private
from parallax.values import Cidr, Family, Url
from parallax.watch_config import PAGERDUTY, Pager
from probe.dead_man import CALM_S, KEY, DeadMan, Say, due, reached, said
from probe.shipping import ShippingState
from probe.uplink import Uplink

LOOK_S = 1.0
TRY_S = 10.0
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""After tries that failed; then always the last."""
UPLINK_S = 2.0
"""How long a fresh look at the uplink may take."""
_log = get_log(__name__)


class Shipping(Protocol):
    """What is looked at of a shipper."""

    name: str
    state: ShippingState


class SelfPager:
    """One task runs `serve`."""

    def __init__(
        self,
        config: ProbeConfig,
        pager: Pager,
        state: Path,
        shippers: Sequence[Shipping],
        uplinks: Mapping[Family, Uplink],
        *,
        calm_s: float = CALM_S,
        look_up: LookUp = look_up,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._probe, self._pager, self._shippers, self._uplinks, self._wall = config.id, pager, shippers, uplinks, wall
        self._calm_s, self._file = calm_s, state / "pager-open"
        url = pager.url or Url(PAGERDUTY)
        address = pager.address or url.endpoint.address
        if address is not None:  # the host's owner wrote it, which allows dialling it
            alone = Cidr(f"{address.ip}/{128 if address.family == 6 else 32}")
            config = msgspec.structs.replace(config, allow=[*config.allow, alone])
        self._poster = Poster(url, pager.address, config, look_up=look_up, wall=wall)

    async def serve(self) -> None:
        """Watches and pages until cancelled."""
        now = trio.current_time()
        man = DeadMan(after_s=self._pager.after, calm_s=self._calm_s, reached_at=now)
        if self._file.exists():
            man.said_at = now
        taken, failed, wait_until = self._taken(), 0, now
        await self._poster.prepare()
        while True:
            await trio.sleep(LOOK_S)
            if self._taken() != taken:
                taken = self._taken()
                reached(man, trio.current_time())
            if trio.current_time() < wait_until:
                continue
            say = due(man, trio.current_time(), uplink=self._uplink_is_fine())
            if say == "trigger":
                await self._look_at_uplinks()
                say = due(man, trio.current_time(), uplink=self._uplink_is_fine())
            if say is None:
                continue
            answer = await self._say(say, man)
            if answer.status is not None and 200 <= answer.status < 300:
                _log.warning("no collector can be reached, paged by itself" if say == "trigger" else "page is closed")
                said(man, say, trio.current_time())
                self._remember(say)
                failed, wait_until = 0, trio.current_time()
            else:
                if not failed:
                    _log.error("cannot page by itself", why=answer.words)
                wait_until = trio.current_time() + PAUSES_S[min(failed, len(PAUSES_S) - 1)]
                failed += 1

    def _taken(self) -> int:
        return sum(shipper.state.batches for shipper in self._shippers)

    def _uplink_is_fine(self) -> bool:
        """By the control targets; without any, nobody can tell."""
        return any(uplink.up for uplink in self._uplinks.values())

    async def _look_at_uplinks(self) -> None:
        now = trio.current_time()
        async with trio.open_nursery() as nursery:
            for uplink in self._uplinks.values():
                nursery.start_soon(uplink.wait_checked, now, UPLINK_S, True)

    async def _say(self, say: Say, man: DeadMan) -> Answer:
        answer = Answer(failure="timeout", detail=f"no answer within {TRY_S:.0f} s")
        try:
            key = read_secret(self._pager.key).reveal()
        except SecretError as error:
            return Answer(failure="secret", detail=str(error))
        now = self._wall()
        since = now - to_ns(trio.current_time() - man.reached_at)
        with trio.move_on_after(TRY_S):
            if self._pager.kind == "pagerduty":
                body = msgspec.json.encode(self._event(say, since, key))
                answer = await self._poster.post(body, lambda: {"content-type": "application/json"})
            else:
                try:
                    signer = standard_webhooks.signer("v1", key)
                except standard_webhooks.NoKey as error:
                    return Answer(failure="secret", detail=f"key {error}")
                body = msgspec.json.encode(self._message(say, since, now))
                id_ = f"{KEY}-{self._probe}-{now}"

                def headers() -> dict[str, str]:
                    signed = standard_webhooks.signed([signer], id_, self._wall() // NS, body)
                    return {"content-type": "application/json", **signed}

                answer = await self._poster.post(body, headers)
        return answer

    def _summary(self, say: Say, since: int) -> str:
        if say == "resolve":
            return f"Probe {self._probe}: a collector takes batches again"
        words = sorted({shipper.state.word.replace("_", " ") for shipper in self._shippers if shipper.state.word})
        why = f" ({', '.join(words)})" if words else ""
        return (
            f"No collector takes what probe {self._probe} measures, for {lasting(self._wall() - since)}{why}; its own "
            "uplink is fine. Nobody else says what is down now: look at the collector's host"
        )

    def _event(self, say: Say, since: int, key: str) -> dict[str, object]:
        """As PagerDuty's Events API v2 takes it."""
        event: dict[str, object] = {"routing_key": key, "event_action": say, "dedup_key": KEY}
        if say == "trigger":
            event["payload"] = {
                "summary": self._summary(say, since)[:1024],
                "source": f"probe {self._probe}",
                "severity": "critical",
                "timestamp": rfc3339(since),
                "class": "collector.down",
            }
            event["client"] = "Parallax"
        return event

    def _message(self, say: Say, since: int, now: int) -> dict[str, object]:
        """As a webhook gets it, in the shape of a collector's alerts."""
        return {
            "type": "collector.down" if say == "trigger" else "collector.back",
            "timestamp": rfc3339(now),
            "data": {
                "summary": self._summary(say, since),
                "probe": self._probe,
                "severity": "critical",
                "status": "open" if say == "trigger" else "resolved",
                "since": rfc3339(since),
                "dedup_key": KEY,
                "phase": say,
                "tier": "page",
            },
        }

    def _remember(self, say: Say) -> None:
        """A full disk costs no more than a page that stays open after a restart."""
        with suppress(OSError):
            if say == "trigger":
                write_private(self._file, b"")
            else:
                self._file.unlink(missing_ok=True)
