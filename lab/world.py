"""The world: the lab's process of servers and relays, and how it takes orders. `python -m lab.world`.

It speaks as lab.control says: a WorldOrder on stdin, a WorldReady on stdout, then Orders and Replies. It ends when
stdin does. Every break and mend that changes something goes into <state>/faults.jsonl first.
"""

import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import msgspec
import trio

from lab import addresses, places
from lab.automation import Automation
from lab.certificates import Authority
from lab.control import Order, Reply, Wiring, WorldOrder, WorldReady
from lab.doors import DatagramDoor, StreamDoor
from lab.effects import EFFECTS, combined
from lab.front_end import Certificates, FrontEnd
from lab.hosts import HTTPS, REGIONS, build_hosts
from lab.identity import Identity
from lab.in_force import InForce, reply_to
from lab.internet import Conditions, Host, Reach, StreamService, Visit, Way
from lab.pager import Pager
from lab.pipe import pipe_to
from lab.places import PROBES, ProbePlace
from lab.stdio import Orders, of_line, open_stdin, open_stdout, to_line
from lab.truth import Truth
from parallax import log
from parallax.clock import wall_ns
from parallax.standard_webhooks import NoKey
from parallax.state import StartError
from parallax.values import Address, Redirect

Door = DatagramDoor | StreamDoor


class World:
    """Every door, and the faults in force. `run` serves; `do` takes orders. Making it raises StartError."""

    def __init__(self, order: WorldOrder, *, wall: Callable[[], int] = wall_ns) -> None:
        self._order = order
        self._conditions = Conditions()
        self._doors: list[tuple[Door, Callable[[], bool]]] = []
        """Each with what says whether it is open."""
        state = Path(order.state)
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            authority = Authority()
            authority.write(state / "ca.pem")
            self._truth = Truth(state / "faults.jsonl")
            self._in_force = InForce(EFFECTS, self._truth, self._carry_out, wall=wall)
        except OSError as error:
            raise StartError(
                f"the lab's state folder {state} cannot be written: {error.strerror}; set another with --state"
            ) from None
        try:
            self._pager = Pager(order.webhook_secret, authority.server_context(addresses.PAGER_NAME), wall)
            self._automation = Automation(
                order.command_secret or order.webhook_secret,
                authority.server_context(addresses.AUTOMATION_NAME),
                self._conditions,
                wall,
            )
        except NoKey as error:
            raise StartError(f"webhook_secret {error}") from None
        certificates = Certificates.by(authority)
        provider = Identity(order.sign_in_password, wall)
        front_ends = {name: FrontEnd(name, certificates, self._conditions, order.seed, provider) for name in REGIONS}
        self._hosts = build_hosts(self._conditions, front_ends, order.seed)
        try:
            self.ready = WorldReady(
                probes={probe.id: self._wire(probe) for probe in PROBES},
                ca=str(state / "ca.pem"),
                pager=[self._wire_own("pager", addresses.PAGER, self._pager.serve)],
                automation=[self._wire_own("automation", addresses.AUTOMATION, self._automation.serve)],
            )
        except OSError as error:
            self.close()
            raise StartError(
                f"the lab needs about {len(PROBES) * 50} ports on 127.0.0.1, and number {len(self._doors) + 1} cannot "
                f"be had: {error.strerror}; raise the limit of open files (ulimit -n 2048), or free some ports"
            ) from None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serves until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                for door, _ in self._doors:
                    nursery.start_soon(door.run)
                task_status.started()
        finally:
            self._in_force.end()
            self.close()

    def close(self) -> None:
        """Closes every socket and the truth's file."""
        for door, _ in self._doors:
            door.close()
        self._doors.clear()
        self._truth.close()

    def do(self, order: Order) -> Reply:
        """Carries out one order. What cannot be done is said in the reply."""
        if order.do == "pager":
            received = [*self._pager.received, *self._automation.received]
            received.sort(key=lambda each: each.received_at, reverse=True)
            return msgspec.structs.replace(self._in_force.reply(), received=received)
        return self._in_force.take(order)

    def _carry_out(self, faults: Collection[str]) -> None:
        self._conditions.now = combined(faults)
        for door, is_open in self._doors:
            door.set_open(is_open())

    def _wire(self, probe: ProbePlace) -> Wiring:
        """The probe's own doors to everything."""
        connect_to: list[tuple[Redirect, Address]] = []
        for host in self._hosts.values():
            if (6 if ":" in host.ip else 4) in probe.families:
                connect_to += self._wire_host(probe, host)
        way = Way(probe, places.AMSTERDAM, f"{self._order.seed}/{probe.id}/collector")
        uplink = StreamDoor(way, Visit(client=probe), pipe_to(self._order.collector))
        self._doors.append((uplink, lambda: self._conditions.has_uplink(probe.id)))
        return Wiring(
            connect_to=connect_to,
            collector=uplink.address,
            resolvers=[Address.of(ip, 53) for ip in addresses.RESOLVERS.values()],
        )

    def _wire_host(self, probe: ProbePlace, host: Host) -> Iterable[tuple[Redirect, Address]]:
        for port in host.sites[0].datagrams:
            reach = self._reach(probe, host, f"{port}/udp")
            door: Door = DatagramDoor(reach, Visit(client=probe), reach.datagrams(port))
            self._doors.append((door, self._passes(probe, reach)))
            yield Redirect(f"{Address.of(host.ip, port)}/udp"), door.address
        for port in host.sites[0].streams:
            reach = self._reach(probe, host, f"{port}/tcp")
            door = StreamDoor(reach, Visit(client=probe), reach.streams(port))
            self._doors.append((door, self._passes(probe, reach)))
            yield Redirect(f"{Address.of(host.ip, port)}/tcp"), door.address

    def _passes(self, probe: ProbePlace, reach: Reach) -> Callable[[], bool]:
        return lambda: self._conditions.has_uplink(probe.id) and reach.answers

    def _reach(self, probe: ProbePlace, host: Host, port: str) -> Reach:
        return Reach(probe, host, self._conditions, f"{self._order.seed}/{probe.id}/{host.ip}/{port}")

    def _wire_own(self, name: str, ip: str, serve: StreamService) -> tuple[Redirect, Address]:
        """A host that the collector reaches, and no probe."""
        way = Way(places.AMSTERDAM, places.LONDON, f"{self._order.seed}/{name}")
        door = StreamDoor(way, Visit(client=None), serve)
        self._doors.append((door, lambda: True))
        return Redirect(f"{Address.of(ip, HTTPS)}/tcp"), door.address


async def run(order: WorldOrder, orders: Orders, answers: trio.abc.SendStream) -> None:
    """The world, until `orders` end. Raises StartError."""
    world = World(order)
    async with trio.open_nursery() as nursery:
        await nursery.start(world.run)
        await answers.send_all(to_line(world.ready))
        async for line in orders:
            await answers.send_all(to_line(reply_to(line, world.do)))
        nursery.cancel_scope.cancel()


async def main() -> str:
    """What it could not start with, one line; empty if all went well."""
    orders, answers = open_stdin(), open_stdout()
    first = await anext(orders, None)
    if first is None:
        return ""
    try:
        order = of_line(first, WorldOrder)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"the order is not understood: {error}"
    said = ""
    try:
        await run(order, orders, answers)
    except* StartError as group:
        said = str(group.exceptions[0])
    except* trio.BrokenResourceError:
        pass  # nobody reads the answers: the parent is gone
    return said


if __name__ == "__main__":
    log.set_up("warning", as_json="json" in sys.argv[1:])
    said = trio.run(main)
    sys.stderr.write(f"{said}\n" * bool(said))
    sys.exit(2 if said else 0)
