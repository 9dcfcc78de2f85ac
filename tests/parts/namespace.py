"""A network namespace of the test's own (network_namespaces(7)): in there any address is ours, with port 53 and any
other, and packets are dropped or led elsewhere as a test likes.

    with network_namespace() as net:
        net.add("192.0.2.1", "2001:db8::1")         # now servers can be started there
        net.drop("192.0.2.1")                       # dark: silent
        net.refuse("192.0.2.1")                     # dark: closed, which the sender is told
        net.drop("192.0.2.2", only="tcp")
        net.redirect(53, Address("127.0.0.1:5300"))  # whoever is asked: this one answers
        net.mend()
        net.uplink("203.0.113.7")                   # a default route, to where nobody is

The main thread is moved into it until the end of the block, and with it whatever is started and every socket that is
opened; sockets from before stay where they were made. A namespace belongs to a thread, so trio's idle worker threads
are moved along, and back.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import trio

from parallax.values import Address
from tests.parts.daemon import find_program

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_OURS = "/proc/thread-self/ns/net"
_PATIENCE_S = 10.0
_RULES = """
table inet faults
delete table inet faults
table inet faults {{
  chain arriving {{
    type filter hook input priority 0; policy accept;
    {blocks}
  }}
  chain leaving {{
    type nat hook output priority -100; policy accept;
    {redirects}
  }}
}}
"""

UNTOUCHED = 1
"""The SO_MARK of sockets whose traffic no redirect concerns: those of who stands in the middle."""

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """The network inside. Packets are dropped where they arrive, so that a sender sees silence and no error."""

    def __init__(self, ip: str, nft: str) -> None:
        self._ip, self._nft = ip, nft
        self._blocks: list[str] = []
        self._redirects: list[str] = []
        self._run([ip, "link", "set", "lo", "up"])

    def add(self, *ips: str) -> None:
        """Gives it addresses."""
        lines = [f"addr add {ip}/{128 if ':' in ip else 32} dev lo{' nodad' if ':' in ip else ''}" for ip in ips]
        self._run([self._ip, "-batch", "-"], "\n".join(lines))

    def uplink(self, *ips: str) -> None:
        """A way out from these addresses, one a family, at whose other end is nobody: what is sent to an address that
        is not here gets lost without a word."""
        lines = ["link add up0 type veth peer name up1", "link set up0 up", "link set up1 up"]
        for ip in ips:
            six = ":" in ip
            gateway = "2001:db8:ffff::1" if six else "203.0.113.254"
            lines += [
                f"addr add {ip}/{64 if six else 24} dev up0{' nodad' if six else ''}",
                f"route add {gateway} dev up0",
                f"neigh add {gateway} lladdr 02:00:00:00:00:99 dev up0",
                f"route add default via {gateway} dev up0",
            ]
        for line in lines:
            self._run([self._ip, *(["-6"] if "2001:" in line or "::" in line else []), *line.split()])

    def drop(self, *ips: str, only: Literal["udp", "tcp"] | None = None, port: int = 53) -> None:
        """Nothing arrives at the port of these addresses any more; of one protocol if it is said."""
        self._block("drop", ips, only, port)

    def refuse(self, *ips: str, only: Literal["udp", "tcp"] | None = None, port: int = 53) -> None:
        """The same, and senders are told that the port is closed."""
        self._block("reject", ips, only, port)

    def _block(self, how: str, ips: Sequence[str], only: str | None, port: int) -> None:
        for ip in ips:
            for protocol in [only] if only else ["udp", "tcp"]:
                with_reset = " with tcp reset" if (how, protocol) == ("reject", "tcp") else ""
                self._blocks.append(f"{_to(ip)} {protocol} dport {port} {how}{with_reset}")
        self._apply()

    def redirect(self, port: int, to: Address, *ips: str, besides: Sequence[str] = ()) -> None:
        """What is sent over UDP to the port of these addresses, or of any of the family, is answered by `to`, in
        their name. What is sent to `besides`, or with the mark UNTOUCHED, goes where it would."""
        family = "ip6" if to.family == 6 else "ip"
        spared = ", ".join((to.ip, *besides))
        for which in [_to(ip) for ip in ips] or [f"{family} daddr != {{ {spared} }}"]:
            self._redirects.append(f"meta mark != {UNTOUCHED} {which} udp dport {port} dnat {family} to {to}")
        self._apply()

    def mend(self) -> None:
        """Everything arrives again, and where it was sent."""
        self._blocks.clear()
        self._redirects.clear()
        self._apply()

    def _apply(self) -> None:
        rules = _RULES.format(blocks="\n    ".join(self._blocks), redirects="\n    ".join(self._redirects))
        self._run([self._nft, "-f", "-"], rules)

    def _run(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode and "Operation not permitted" in done.stderr:
            pytest.skip(f"{command[0]} is not permitted here, not even in a network namespace of our own")
        assert not done.returncode, (command, text, done.stderr)


@contextmanager
def network_namespace() -> Iterator[Namespace]:
    """Skips the test where namespaces are not allowed."""
    ip, nft = find_program("ip", "iproute2"), find_program("nft", "nftables")
    if not Path(_OURS).exists():
        pytest.skip("there are no network namespaces here: only Linux has them")
    home = os.open(_OURS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Into where it is already: whether it may come back.
        if _libc.setns(home, _NEW_NETWORK) or _libc.unshare(_NEW_NETWORK):
            pytest.skip(
                "a network namespace is not allowed here; run it as root, or with: unshare --user --map-root-user "
                "--net sh -c 'ip link set lo up && .venv/bin/pytest tests/parts tests/e2e'"
            )
        inside = os.open(_OURS, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _move_idle_threads(inside)
            yield Namespace(ip, nft)
        finally:
            _enter(home)
            _move_idle_threads(home)
            os.close(inside)
    finally:
        os.close(home)


def _to(ip: str) -> str:
    return f"{'ip6' if ':' in ip else 'ip'} daddr {ip}"


def _enter(namespace: int) -> None:
    """Moves this thread."""
    if _libc.setns(namespace, _NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _move_idle_threads(namespace: int) -> None:
    """All of trio's: as many jobs as there are threads, none of which ends before each has one of its own."""
    jobs = threading.active_count()
    barrier = threading.Barrier(jobs + 1)
    failed: list[Any] = []

    def move() -> None:
        _enter(namespace)
        barrier.wait(_PATIENCE_S)

    def done(outcome: Any) -> None:
        failed.extend([outcome.error] if hasattr(outcome, "error") else [])

    for _ in range(jobs):
        trio.lowlevel.start_thread_soon(move, done)
    barrier.wait(_PATIENCE_S)
    assert not failed, failed
