"""Asks the other collector every few seconds how it stands, and writes its word into `inputs`: when something in it
changed, and now and then as a sign of life. What follows from it is decided by `collector.routing.charge`, so a replay
decides the same.

Nothing is looked up: the other's address stands in the config, which allows dialling it, and it alone.
"""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
import trio

from collector.inputs import PeerInput, encode_input
from collector.peer_word import MOST_OCTETS, PeerRole, PeerWord
from collector.routing.state import Charge
from parallax.clock import to_ns, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.http import Http, open_http
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.journal import Entry, JournalBusy, JournalError, JournalFull
from parallax.log import get_log
from parallax.secret import SecretError, read_secret
from parallax.state import StartError
from parallax.values import Cidr
from parallax.watch_config import PeerAddress

ASK_S = 5.0
"""How often it is asked, where it may be silent for 30 s."""
TRY_S = 4.0
RETRY_S = 1.0
_log = get_log(__name__)


class Inputs(Protocol):
    """The part of a journal that is needed here."""

    async def append(self, entries: list[Entry]) -> int:
        """Raises JournalBusy, JournalFull, JournalError."""


class PeerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How this collector and the other stand."""

    name: str
    role: PeerRole
    in_charge: bool
    heard: bool
    why: str = ""
    """Why the other was not heard when it was last asked."""


class Peers:
    """One task runs `run`. `charge` is what was decided last."""

    def __init__(
        self,
        config: CollectorConfig,
        inputs: Inputs,
        charge: Callable[[], Charge],
        *,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._inputs, self._charge, self._wall = inputs, charge, wall
        self._role: PeerRole = config.role or ""
        self._peer = config.peer[0] if config.peer and self._role else None
        self._why, self._heard = "not asked yet", False

    @property
    def status(self) -> PeerStatus | None:
        """None where there is no other collector."""
        if self._peer is None:
            return None
        return PeerStatus(
            name=self._peer.name,
            role=self._role,
            in_charge=self._charge().in_charge,
            heard=self._heard,
            why="" if self._heard else self._why,
        )

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Asks until cancelled. Raises StartError for a token or CA file that cannot be read at the start."""
        if self._peer is None:
            if self._charge().role:  # there was one in an earlier life
                await self._write(PeerInput(at=self._wall(), role=""))
            task_status.started()
            return
        peer = self._peer
        address = peer.address or peer.url.endpoint.address
        assert address is not None, peer.url  # the config's loader has seen to it
        try:
            read_secret(peer.token)
            trust = Trust(peer.ca)
        except (SecretError, OSError, ssl.SSLError) as error:
            raise StartError(f"[[peer]] {peer.name}: {error}") from None
        alone = Routes.of(allow=[Cidr(f"{address.ip}/{128 if address.family == 6 else 32}")])
        await self._write(self._input(peer, None, ""))
        task_status.started()
        every_s = min(ASK_S, peer.silent / 6)
        last: PeerWord | None = None
        said, written_at = True, trio.current_time()
        async with open_http(address, alone, trust) as http:
            while True:
                asked_at = trio.current_time()
                found = await self._ask(http, peer)
                word = found if isinstance(found, PeerWord) else None
                self._note(peer, found)
                fresh = word is not None and (last is None or _essence(word) != _essence(last))
                sign_of_life = word is not None and trio.current_time() - written_at >= peer.silent / 2
                if fresh or sign_of_life or (word is None and said):
                    why = "" if isinstance(found, PeerWord) else found
                    await self._write(self._input(peer, word, why))
                    last, written_at = word, trio.current_time()
                    said = word is not None
                await trio.sleep_until(asked_at + every_s)

    def _input(self, peer: PeerAddress, word: PeerWord | None, why: str) -> PeerInput:
        silent_ns = to_ns(peer.silent)
        return PeerInput(
            at=self._wall(), role=self._role, peer=peer.name, silent_ns=silent_ns, word=word, why=why[:200]
        )

    def _note(self, peer: PeerAddress, found: PeerWord | str) -> None:
        why = found if isinstance(found, str) else ""
        if isinstance(found, PeerWord) and found.role in ("", self._role):
            why = f"it is {found.role or 'alone'} by its own config, and this one is {self._role}"
        if why != self._why and why:
            _log.error("the other collector is not heard", peer=peer.name, why=why)
        elif self._why and not why:
            _log.info("the other collector is heard", peer=peer.name)
        self._why, self._heard = why, not why

    async def _ask(self, http: Http, peer: PeerAddress) -> PeerWord | str:
        """Its word, or why there is none."""
        url = f"{str(peer.url).rstrip('/')}/v1/peer"
        try:
            headers = {"authorization": f"Bearer {read_secret(peer.token).reveal()}"}
        except SecretError as error:
            return str(error)
        with trio.move_on_after(min(TRY_S, peer.silent / 3)):
            try:
                async with http.request("GET", url, headers=headers, body=b"") as got:
                    content = bytearray()
                    async for part in got.aiter_raw():
                        content += part
                        if len(content) > MOST_OCTETS:
                            return "its answer is too large"
                    if got.status_code != 200:
                        return f"it answers {got.status_code}"
            except EXPECTED as error:
                return f"{failure_of(error).replace('_', ' ')}: {detail_of(error)[:150]}"
            try:
                return msgspec.json.decode(content, type=PeerWord)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                return f"its answer does not decode: {error}"
        return "it does not answer in time"

    async def _write(self, value: PeerInput) -> None:
        """Into `inputs`; waits where that has no room, as time then stands still for all."""
        while True:
            try:
                await self._inputs.append([encode_input(value, at_ns=value.at)])
            except (JournalBusy, JournalFull):
                await trio.sleep(RETRY_S)
            except JournalError:
                await trio.sleep_forever()  # the whole program ends by it: see collector.main
            else:
                return


_essence = partial(msgspec.structs.replace, position=0, at=0, echo=0, led_at=0)
"""What must change to be written at once."""
