"""The parent's end of lab.control: a process of the lab that is started, asked one thing at a time, and ended."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
import trio

from lab.stdio import Orders, of_line, to_line
from parallax.log import get_log
from parallax.state import StartError

T = TypeVar("T")
ANSWERS_WITHIN_S = 5.0
STARTS_WITHIN_S = 20.0
ENDS_WITHIN_S = 1.5
LAST_WORDS_S = 0.3
WAITING = 16
_log = get_log(__name__)


class ChildEnded(StartError):
    """A process of the lab is gone, and the rest is of no use without it. One line."""


class ChildSilent(Exception):
    """It does not answer. One line."""


class _Question:
    def __init__(self, line: bytes) -> None:
        self.line, self.answer = line, b""
        self.answered = trio.Event()


class Child:
    """A process of the lab. `name` is what messages call it."""

    def __init__(self, name: str, process: trio.Process, say: Callable[[bytes], None]) -> None:
        assert process.stdout is not None
        self.name, self._process, self._say = name, process, say
        self._answers = Orders(process.stdout)
        self._send, self._receive = trio.open_memory_channel[_Question](WAITING)
        self._ending = False
        self._last_words = b""
        self._said_all = trio.Event()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, value: object, kind: type[T], *, within_s: float = ANSWERS_WITHIN_S) -> T:
        """The answer to a line. Raises ChildSilent. A question is asked to its end though the asker is cancelled: the
        next one must not get its answer."""
        question = _Question(to_line(value))
        try:
            self._send.send_nowait(question)
        except trio.WouldBlock:
            raise ChildSilent(f"the lab's {self.name} has {WAITING} orders to carry out; try again later") from None
        with trio.move_on_after(within_s):
            await question.answered.wait()
        if not question.answered.is_set():
            raise ChildSilent(f"the lab's {self.name} has not answered for {within_s:.0f} s")
        try:
            return of_line(question.answer, kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ChildSilent(f"the lab's {self.name} answers what is not understood: {error}") from None

    async def order(self, value: object, kind: type[T]) -> T:
        """As `ask`, for the first line, whose answer is that it is up. Raises ChildEnded where it is not."""
        try:
            return await self.ask(value, kind, within_s=STARTS_WITHIN_S)
        except ChildSilent as error:
            raise ChildEnded(f"{error}; start `parallax up` again") from None

    async def end(self) -> None:
        """Ends it, in order if it does so soon. May be called twice."""
        self._ending = True
        with trio.CancelScope(shield=True):
            assert self._process.stdin is not None
            await self._process.stdin.aclose()
            with trio.move_on_after(ENDS_WITHIN_S):
                await self._process.wait()
            if self._process.returncode is None:
                _log.warning("a process of the lab did not end and is killed", name=self.name)
                self._process.kill()
                await self._process.wait()

    async def serve(self) -> None:
        """Puts the questions, one after the other, until the process is gone."""
        assert self._process.stdin is not None
        async for question in self._receive:
            try:
                await self._process.stdin.send_all(question.line)
                question.answer = await anext(self._answers)
            except (trio.BrokenResourceError, trio.ClosedResourceError, StopAsyncIteration):
                return  # `watch` says what came of it
            question.answered.set()

    async def listen(self) -> None:
        """Hands on what it says on stderr."""
        assert self._process.stderr is not None
        async for line in Orders(self._process.stderr):
            self._last_words = line or self._last_words
            self._say(line)
        self._said_all.set()

    async def watch(self) -> None:
        """Raises ChildEnded when it ends unasked."""
        status = await self._process.wait()
        if self._ending:
            return
        with trio.move_on_after(LAST_WORDS_S):
            await self._said_all.wait()
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        words = f": {self._last_words.decode(errors='replace')[:500]}" if self._last_words else ""
        raise ChildEnded(f"the lab's {self.name} (process {self.pid}) {how}{words}; start `parallax up` again")


@asynccontextmanager
async def open_child(name: str, module: str, say: Callable[[bytes], None], *arguments: str) -> AsyncIterator[Child]:
    """Starts `python -m MODULE`. Raises ChildEnded, in a group, as soon as it ends unasked. What it writes to stderr
    goes to `say`, line by line.

    It gets a session of its own: Ctrl-C is for the parent, who ends the parts of the lab one after the other."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    child = Child(name, process, say)
    try:
        async with trio.open_nursery() as nursery:
            for task in (child.serve, child.listen, child.watch):
                nursery.start_soon(task)
            try:
                yield child
            finally:
                await child.end()
                nursery.cancel_scope.cancel()
    finally:
        await child.end()  # a cancellation before the nursery was entered
