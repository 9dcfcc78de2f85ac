"""One run of a flow by hand: it takes seconds, so the step that is under way is shown; and Ctrl-C lets it sign out
before it ends."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click
import msgspec

from parallax.cli.by_hand import Settings
from parallax.cli.daemon import fail
from parallax.cli.text import clean
from parallax.plan.types import Check
from parallax.state import StartError
from parallax.values import Address, Duration

if TYPE_CHECKING:
    from parallax.observation import Observation
    from probe.vault import Vault

_INTERRUPTED = 130


def whole_run(check: Check, timeout: Duration | None) -> Check:
    """The check as a person runs it: every run is a whole one, which keeps no session."""
    spec: Any = check.spec
    every = spec.every
    if isinstance(every, msgspec.Struct):
        every = msgspec.structs.replace(every, silent=None)
    longest = every if isinstance(every, Duration) else every.full
    timeout = timeout or check.timeout
    return msgspec.structs.replace(
        check,
        spec=msgspec.structs.replace(spec, every=every),
        timeout=timeout,
        period=Duration(max(longest, timeout * 2)),
    )


def run_flow(
    check: Check,
    settings: Settings,
    vault: "Vault",
    probe: str,
    mail: tuple[Address, Sequence[str]] | None = None,
) -> "list[Observation]":
    """The observations of one run. `mail` is where mail is taken meanwhile, and for which domains. Ends the command
    (status 130) when it is interrupted, once it has cleaned up."""
    import trio

    from parallax.cli.by_hand import measure, tools_of
    from probe.runs import get_ready

    found: list[Observation] = []
    refused: list[str] = []

    async def until_interrupted() -> None:
        with _interrupts() as signals, _progress() as on_step:
            async with trio.open_nursery() as nursery:

                async def watch() -> None:
                    async for _ in signals:  # to the end: a second one must not break the cleaning up
                        nursery.cancel_scope.cancel()

                if signals is not None:
                    nursery.start_soon(watch)
                tools = tools_of(settings, vault, on_step)
                get_ready([check], tools)  # imports would stand in the first steps' times
                try:
                    async with _mailbox(mail, _resolvers(check, tools)) as box:
                        if box is not None:
                            tools = msgspec.structs.replace(tools, mailbox=box)
                        found.extend(await measure(check, tools, probe))
                except StartError as error:
                    refused.append(str(error))
                nursery.cancel_scope.cancel()

    try:
        trio.run(until_interrupted)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    if refused:
        fail(*refused)
    if not found:
        click.echo("interrupted", err=True)
        sys.exit(_INTERRUPTED)
    return found


def _resolvers(check: Check, tools: Any) -> Sequence[Address]:
    """Whom to ask what proves a mail, for a flow that wants that."""
    spec: Any = check.spec
    wanted = any(step.mail is not None and step.mail.authenticated for step in getattr(spec, "step", ()))
    return tuple(tools.resolvers) if wanted else ()


def _mailbox(
    mail: tuple[Address, Sequence[str]] | None, resolvers: Sequence[Address]
) -> AbstractAsyncContextManager[Any]:
    if mail is None:
        return nullcontext(None)
    from collector.mail import local_mailbox

    return local_mailbox(*mail, resolvers)


def _interrupts() -> AbstractContextManager[Any]:
    import trio

    if threading.current_thread() is threading.main_thread():
        return trio.open_signal_receiver(signal.SIGINT)
    return nullcontext(None)


@contextmanager
def _progress() -> Iterator[Any]:
    """Tells the step that is under way, on one line of the terminal; nothing where stderr is none."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = 0

    def tell(step: str) -> None:
        nonlocal shown
        text = f"{clean(step)[:40]} ..."
        click.echo("\r" + text.ljust(shown), nl=False, err=True)
        shown = len(text)

    try:
        yield tell
    finally:
        click.echo("\r" + " " * shown + "\r", nl=False, err=True)
