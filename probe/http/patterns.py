"""Regular expressions and JSONPaths of a plan, applied to text that a stranger wrote, with a bound on the time.

Python's `re` backtracks: on a hostile text a pattern with two repeats can run for hours, and it holds the interpreter
meanwhile, so neither a thread nor a deadline helps. But it looks for signals every few thousand steps, and a signal's
handler may raise. So a timer of the process's own CPU time is armed around the search. Plans are also linted at load;
the lint cannot find every slow pattern.

Signals reach only the main thread, where a probe runs; elsewhere (a test in a thread) only the text is bounded.
"""

import re
import signal
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

MAX_TEXT = 32_768
"""Characters that a pattern sees. One of `re`'s steps may go over the whole text, and between two looks at signals are
some thousand steps: with this much text the worst pattern met was stopped 0.15 s late."""
TIME_S = 0.05


class _TooLong(Exception):
    """The timer went off in mid-search."""


class _Timer:
    """The one timer; `armed` guards against a signal that arrives when the search is over."""

    armed = False
    installed = False

    @classmethod
    def install(cls) -> None:
        if not cls.installed:
            signal.signal(signal.SIGVTALRM, cls._on_signal)
            cls.installed = True

    @classmethod
    def _on_signal(cls, *_: object) -> None:
        if cls.armed:
            cls.armed = False
            raise _TooLong


def search(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in the first MAX_TEXT characters; None if that took too long to tell."""
    compiled, text = _compiled(pattern), text[:MAX_TEXT]
    return within_cpu(lambda: compiled.search(text) is not None)


def find(pattern: str, text: str) -> re.Match[str] | None:
    """Where the pattern is found in the first MAX_TEXT characters; None where it is not, or that took too long."""
    compiled, text = _compiled(pattern), text[:MAX_TEXT]
    return within_cpu(lambda: compiled.search(text))


def within_cpu(look: Callable[[], T], most_s: float = TIME_S) -> T | None:
    """What `look` gives; None if it took more of the process's CPU time than this."""
    if threading.current_thread() is not threading.main_thread():
        return look()
    _Timer.install()
    try:
        _Timer.armed = True
        signal.setitimer(signal.ITIMER_VIRTUAL, most_s)
        found = look()
        _Timer.armed = False
    except _TooLong:
        return None
    finally:
        _Timer.armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return found


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
