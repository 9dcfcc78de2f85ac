"""How a program that stays is run from the command line: logs to stderr, ended by SIGINT or SIGTERM with status 0,
and what it cannot start with said in one line.

A signal during the slow imports must count too, and one more during clean-up must not break it. So a handler that only
remembers stands from the first moment to the last, and while trio runs its signal receiver takes over.
"""

import io
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import NoReturn, TextIO

import click

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
LAST_WORDS_S = 0.5


class Ending:
    """Whether this process has been asked to end."""

    def __init__(self) -> None:
        self.asked = False
        for number in _SIGNALS:
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def run(ending: Ending, main: Callable[[], Awaitable[None]]) -> NoReturn:
    """Runs `main` until it returns or a signal comes, then leaves: status 0, or 2 with a line for what cannot start."""
    import trio

    from parallax.journal import JournalError
    from parallax.state import StartError

    async def until_signal() -> None:
        with trio.open_signal_receiver(*_SIGNALS) as signals:
            if ending.asked:
                return
            async with trio.open_nursery() as nursery:

                async def watch() -> None:
                    async for _ in signals:  # to the end: a second one must find somebody home
                        nursery.cancel_scope.cancel()

                nursery.start_soon(watch)
                await main()
                nursery.cancel_scope.cancel()

    try:
        trio.run(until_signal)
    except (StartError, JournalError) as error:
        _leave(2, str(error))
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        for leaf in leaves:
            if isinstance(leaf, StartError | JournalError):
                _leave(2, str(leaf))
        if not all(isinstance(leaf, BrokenPipeError) for leaf in leaves):
            raise
        # whoever read our lines is gone, as in `parallax up | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _leave(0)


def _leave(status: int, *lines: str) -> NoReturn:
    """Ends the process, the lines on stderr; also where whoever reads us has stopped (Ctrl-S, a pager) and every
    write would wait for ever, the interpreter's own at its end included. Everything is closed by now."""

    def finish() -> None:
        with suppress(OSError):
            for line in lines:
                click.echo(f"parallax: {line}", err=True)
            sys.stdout.flush()

    finishing = threading.Thread(target=finish, daemon=True)
    finishing.start()
    finishing.join(LAST_WORDS_S)
    if finishing.is_alive():
        os._exit(status)
    sys.exit(status)


def fail(*lines: str) -> NoReturn:
    """Usage or configuration: the lines to stderr, status 2."""
    for line in lines:
        click.echo(f"parallax: {line}", err=True)
    sys.exit(2)


def set_up_logs(form: str | None, level: str, stream: io.TextIOBase | TextIO | None = None) -> None:
    """The log's form and level: text for people, a JSON object a line for machines; by default as stderr is a terminal
    or not. It goes to stderr, or to `stream`."""
    from parallax import log

    log.set_up(level, as_json=form == "json" or (form is None and not sys.stderr.isatty()), stream=stream)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
