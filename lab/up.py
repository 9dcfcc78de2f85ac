"""The lab's whole wiring: the world and the probes as processes of their own, the collector in this one.

Up goes the world first, as it has the addresses; then the collector; then the probes, which ship to it. Down it goes
the other way round, so that the collector still takes what was measured last.
"""

import base64
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import trio

from collector.main import Running
from collector.main import main as collector
from collector.serve import cannot_listen
from collector.tokens import leave_token
from lab.child import Child, open_child
from lab.control import ProbeSeat, ProbesOrder, ProbesReady, Wiring, WorldOrder, WorldReady
from lab.lab import Lab
from lab.page import extension
from parallax.config import CollectorConfig
from parallax.plan.types import ConnectTo
from parallax.state import StartError, lock_state_folder, write_private
from parallax.values import Address, Cidr

PLAN = Path(__file__).with_name("plan.toml")
PAGER_KEY = "LAB_PAGER_KEY"
"""What the lab's plan calls the secret of its receiver."""
COMMAND_KEY = "LAB_COMMAND_KEY"
"""And that of its action."""


class LabRunning(msgspec.Struct, frozen=True, kw_only=True):
    """A lab that runs. `children` are process ids by name."""

    collector: Running
    lab: Lab
    children: dict[str, int]
    probes: tuple[str, ...]


async def run_lab(
    state: Path,
    listen: Address,
    say: Callable[[bytes], None],
    *,
    logs_as_json: bool = False,
    plan: Path = PLAN,
    task_status: trio.TaskStatus[LabRunning] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Runs the lab until cancelled; ends within 3 s then. `say` gets what the processes log, line by line; `plan` is
    what the world is watched by.

    Raises StartError, alone or in a group, for what cannot start, and when one of the processes is gone."""
    form = ["json"] if logs_as_json else []
    with lock_state_folder(state), _reserved(listen) as address:
        async with (
            open_child("world", "lab.world", say, *form) as world,
            open_child("probes", "lab.probes", say, *form) as probes,
        ):
            key, command_key = (f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}" for _ in range(2))
            world_state = state / "world"
            password = secrets.token_urlsafe(18)
            order = WorldOrder(
                state=str(world_state),
                collector=address,
                webhook_secret=key,
                command_secret=command_key,
                sign_in_password=password,
            )
            await trio.to_thread.run_sync(_write_secret, _key_file(state), key)
            await trio.to_thread.run_sync(_write_secret, _command_key_file(state), command_key)
            await trio.to_thread.run_sync(_write_secret, _password_file(state), password)
            ready = await world.order(order, WorldReady)
            lab = Lab(world, probes, world_state / "faults.jsonl")
            await _run_around(state, address, plan, ready, world, probes, lab, task_status)


async def _run_around(
    state: Path,
    address: Address,
    plan: Path,
    ready: WorldReady,
    world: Child,
    probes: Child,
    lab: Lab,
    task_status: trio.TaskStatus[LabRunning],
) -> None:
    """Collector and probes around a world that is up."""
    serving = trio.CancelScope()

    async def serve(task_status: trio.TaskStatus[Running]) -> None:
        with serving:
            await collector(_collector_config(state, address, plan, ready), extension(lab), task_status=task_status)

    seats = await trio.to_thread.run_sync(_make_seats, state, ready.probes)
    async with trio.open_nursery() as nursery:
        running = await nursery.start(serve)
        serving.shield = True  # the probes end first, so that the collector still takes what was measured last
        try:
            order = ProbesOrder(
                state=str(state / "probes"),
                truth=str(state / "world" / "faults.jsonl"),
                collector=running.url,
                ca=ready.ca,
                probes=seats,
                sign_in_password=str(_password_file(state)),
            )
            await probes.order(order, ProbesReady)
            children = {child.name: child.pid for child in (world, probes)}
            task_status.started(LabRunning(collector=running, lab=lab, children=children, probes=tuple(seats)))
            await trio.sleep_forever()
        finally:
            await probes.end()
            serving.cancel()


@contextmanager
def _reserved(listen: Address) -> Iterator[Address]:
    """The address that the collector will listen on, kept for it: the world must know it beforehand, and opens hundreds
    of ports itself. Raises StartError where something listens there already."""
    family = socket.AF_INET6 if listen.family == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((listen.ip, listen.port))
        except OSError as error:
            raise cannot_listen(listen, error) from None
        # bound but not listening: another socket with SO_REUSEADDR may bind and listen beside it (socket(7))
        yield Address.of(listen.ip, sock.getsockname()[1])


def _collector_config(state: Path, address: Address, plan: Path, ready: WorldReady) -> CollectorConfig:
    return CollectorConfig(
        state=str(state / "collector"),
        plan=str(plan),
        listen=address,
        secrets={PAGER_KEY: f"file:{_key_file(state)}", COMMAND_KEY: f"file:{_command_key_file(state)}"},
        allow=[Cidr("127.0.0.0/8"), Cidr("::1/128")],
        ca=ready.ca,
        connect_to=[ConnectTo(source=source, to=to) for source, to in (*ready.pager, *ready.automation)],
    )


def _make_seats(state: Path, wirings: dict[str, Wiring]) -> dict[str, ProbeSeat]:
    """What each probe is given, its new token on disk."""
    seats = {}
    for name, wiring in wirings.items():
        file = state / "tokens" / name
        leave_token(state / "collector", name, file)
        seats[name] = ProbeSeat(wiring=wiring, token=str(file))
    return seats


def _write_secret(file: Path, secret: str) -> None:
    try:
        write_private(file, secret.encode())
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}; set another --state") from None


def _key_file(state: Path) -> Path:
    return state / "pager.key"


def _command_key_file(state: Path) -> Path:
    return state / "command.key"


def _password_file(state: Path) -> Path:
    return state / "sign-in.password"
