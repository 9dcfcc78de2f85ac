"""Detection in a process of its own.

The process holds nothing but the state, and the collector has every snapshot that was saved: one that is lost costs a
start, and the records since. What people are shown is brought from it now and then, and seldom while nobody looks, as
it takes time in both processes: a page that many look at must not keep detection from its records.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import trio

from collector.detect import State, encode_state, initial
from collector.engine.core import Core
from collector.engine.engine import EngineFailed, EngineLost
from collector.engine.messages import HEAD, Answer, Load, Question, Show, Take, body_length, decode_answer, frame
from collector.engine.values import Shown, Standing, Taken
from parallax.journal import Record
from parallax.log import get_log

IDLE_S = 5.0
"""How old what is shown may get while nobody looks."""
PACE_S, LONGEST_S = 0.25, 2.0
"""While somebody does it is brought at most and at least so often,"""
SHARE = 10
"""else after this many times what bringing it took."""
HUNG_S = 60.0
"""An answer that takes longer does not come."""
PIPE = 1 << 20
"""What a pipe holds, octets, where the host allows it: by the usual 64 kB a snapshot takes the loop many turns."""
_log = get_log(__name__)


class Apart:
    """An `Engine`. A process that is lost is replaced at the next question after `load`. `module` is what it runs."""

    def __init__(self, *, module: str = "collector.engine.child") -> None:
        self._module = module
        self._process: trio.Process | None = None
        self._asking = trio.Lock()
        self._unsent: bytes | None = None
        self._changed, self._published, self._looked = trio.Event(), trio.Event(), trio.Event()
        self.load(initial(""))

    def load(self, state: State) -> None:
        core = Core(state)
        self._standing, self._shown = core.standing(), core.shown()
        self._unsent = encode_state(state)

    @property
    def standing(self) -> Standing:
        return self._standing

    @property
    def shown(self) -> Shown:
        self._looked.set()
        return self._shown

    async def take(self, records: Sequence[Record], *, save: bool) -> Taken:
        async with self._asking:
            if self._published.is_set():
                self._published = trio.Event()  # what comes of these is not durable yet
            taken = (await self._ask(Take(list(records), save))).taken
        assert taken is not None
        self._standing = taken.standing
        return taken

    def publish(self) -> None:
        self._published.set()

    async def wait_shown(self, shown: Shown) -> None:
        while self._shown is shown:
            await self._changed.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Brings what is shown, and ends the process at the end."""
        task_status.started()
        try:
            while True:
                with trio.move_on_after(IDLE_S):
                    await self._looked.wait()
                await self._published.wait()
                self._looked = trio.Event()
                began = trio.current_time()
                try:
                    shown = await self._bring()
                except EngineLost:
                    continue  # who feeds it finds that out, too
                except EngineFailed:
                    _log.exception("what detection knows cannot be shown (a bug)")
                    continue
                if shown is None:
                    continue
                self._shown = shown
                changed, self._changed = self._changed, trio.Event()
                changed.set()
                await trio.sleep(min(max(PACE_S, SHARE * (trio.current_time() - began)), LONGEST_S))
        finally:
            await self._end()

    async def _bring(self) -> Shown | None:
        """What may be shown; None while the process knows more than that, till what was taken is published, too. Raises
        EngineFailed, EngineLost."""
        async with self._asking:
            if not self._published.is_set():
                return None
            self._published = trio.Event()
            return (await self._ask(Show())).shown

    async def _ask(self, question: Question) -> Answer:
        """For who holds the lock. Raises EngineFailed, EngineLost."""
        whole = False
        try:
            with trio.fail_after(HUNG_S):
                answer = await self._exchange(question)
            whole = True
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, msgspec.DecodeError) as error:
            why = f"detection's process is lost: {str(error) or type(error).__name__}"
            raise EngineLost(why, at_work=self._process is not None) from error
        except trio.TooSlowError:
            raise EngineLost(f"detection's process did not answer for {HUNG_S:.0f} s", at_work=True) from None
        finally:
            if not whole:  # cancelled, too: the rest of an answer must not be taken for the next
                await self._end()
        if answer.failed is not None:
            raise EngineFailed(answer.failed.why)
        return answer

    async def _exchange(self, question: Question) -> Answer:
        if self._process is None:
            if self._unsent is None:
                raise EngineLost("detection's process is gone")
            self._process = await _start(self._module)
        process, snapshot = self._process, self._unsent
        assert process.stdin is not None
        if snapshot is not None:
            await process.stdin.send_all(frame(Load(snapshot)))
            self._unsent = None
        await process.stdin.send_all(frame(question))
        return decode_answer(await _receive(process))

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # it holds nothing that is not held elsewhere
            with trio.CancelScope(shield=True):
                await process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        await pipe.aclose()


async def _start(module: str) -> trio.Process:
    """Raises OSError. The process sees the same code as this one."""
    path = os.pathsep.join(folder for folder in sys.path if folder)
    process = await trio.lowlevel.open_process(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)  # type: ignore[union-attr]
    return process


async def _receive(process: trio.Process) -> bytes:
    """One answer. Raises EngineLost where the process ended."""
    assert process.stdout is not None
    data = bytearray()
    length: int | None = None
    while length is None or len(data) < HEAD + length:
        more = await process.stdout.receive_some(PIPE)
        if not more:
            with trio.move_on_after(1), suppress(OSError):
                await process.wait()
            raise EngineLost(f"detection's process ended (status {process.returncode})", at_work=True)
        data += more
        if length is None and len(data) >= HEAD:
            length = body_length(data[:HEAD])
    return bytes(data[HEAD:])
