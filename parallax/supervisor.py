"""What a service manager is told: that the program serves, that its loop turns, that it ends (sd_notify(3)).

One datagram to the socket that $NOTIFY_SOCKET names: a path, or a name in Linux's abstract namespace after "@". Where
there is none nothing is sent. The signs of life come from trio's loop itself, so that a loop that hangs is restarted.
"""

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import trio

from parallax.log import get_log

US_PER_S = 1_000_000
_log = get_log(__name__)


class Supervisor(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell. `watchdog_s`: how long it waits for a sign of life; None: it does not."""

    socket: str = ""
    watchdog_s: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> "Supervisor":
        """By $NOTIFY_SOCKET, and by $WATCHDOG_USEC unless $WATCHDOG_PID says that it is another process's
        (sd_watchdog_enabled(3))."""
        name, span = environ.get("NOTIFY_SOCKET", ""), environ.get("WATCHDOG_USEC", "")
        if not name.startswith(("/", "@")):
            return cls()
        ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watched = ours and span.isascii() and span.isdigit() and int(span) > 0
        return cls(socket=name, watchdog_s=int(span) / US_PER_S if watched else None)

    def tell_nowait(self, text: str) -> bool:
        """Sends one state, like READY=1. False where nobody took it: that is never worth ending for."""
        if not self.socket:
            return False
        name = f"\0{self.socket[1:]}" if self.socket.startswith("@") else self.socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)
                sock.sendto(text.encode(), name)
        except OSError as error:
            _log.warning("the service manager was not told", state=text, error=error.strerror or str(error))
            return False
        return True


async def supervised(main: Callable[..., Awaitable[None]], supervisor: Supervisor | None = None) -> None:
    """Runs a program that takes `task_status`, and tells the service manager of it: READY=1 once it serves, WATCHDOG=1
    twice in the span that is waited for, STOPPING=1 when it is cancelled or ends."""
    to = supervisor if supervisor is not None else Supervisor.of(os.environ, os.getpid())
    async with trio.open_nursery() as nursery:

        async def program(task_status: trio.TaskStatus[Any]) -> None:
            await main(task_status=task_status)
            nursery.cancel_scope.cancel()

        await nursery.start(program)
        to.tell_nowait("READY=1")
        try:
            while True:
                if to.watchdog_s is None:
                    await trio.sleep_forever()
                await trio.sleep(to.watchdog_s / 2)
                to.tell_nowait("WATCHDOG=1")
        finally:
            to.tell_nowait("STOPPING=1")
