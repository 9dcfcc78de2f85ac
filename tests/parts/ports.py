"""Ports for servers that can't be given port 0: no two of a run get the same one, in whichever process."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

_PORTS = range(10_000, 32_000)
"""Below the ephemeral ports (net.ipv4.ip_local_port_range): no connection and no bind to port 0 takes one of these
between our look and the server's start."""


def free_port(ip: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP, and that nobody else was given for the last 22,000."""
    while True:
        port = _PORTS[_turn() % len(_PORTS)]
        if is_free(ip, port):
            return port


def _turn() -> int:
    """Counts in a file: xdist's workers, the programs they start and a second run beside them draw from one row."""
    path = Path(tempfile.gettempdir()) / f"parallax-test-ports-{os.getuid()}"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        turn = int(os.pread(file, 20, 0) or b"0") + 1
        os.pwrite(file, str(turn).encode(), 0)
    finally:
        os.close(file)
    return turn


def is_free(ip: str, port: int) -> bool:
    """Nobody has it, neither for UDP nor for TCP."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind((ip, port))
            udp.bind((ip, port))
        except OSError:
            return False
    return True
