"""Hosts with a systemd and an sshd of their own: systemd-nspawn over an image (`tools/setup.sh deploy`), each a layer
of overlayfs, on a network that is theirs alone (10.231.0.0/24 on a bridge in a network namespace).

    with nodes(folder) as network:
        node = network.start("fra1")
        node.run("systemctl is-system-running --wait")
        network.here("ansible-playbook", ...)        # a command of this machine, with the nodes' network
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.parts.daemon import find_program

ROOT = Path(__file__).parent.parent.parent
IMAGES = Path(os.environ.get("PARALLAX_PARTS", ROOT / ".parts")) / "images"
BOOKWORM = "bookworm"
GATEWAY = "10.231.0.1"
_PATIENCE_S = 180.0
_INTERVAL_S = 0.2
_NEEDED_S = 480.0
_REBOOTS = 133
"""The exit status by which a container asks to be started again."""
_ENV = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Node:
    """One host. `run` is a shell on it, without its network: what it says is what is."""

    def __init__(self, network: "Network", name: str, ip: str, image: str) -> None:
        self.name, self.ip, self.image = name, ip, image
        self._network = network
        self._folder = network.folder / name
        self.root = self._folder / "root"
        self._process: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Makes the host and waits until one can log in."""
        for part in ("upper", "work", "root"):
            (self._folder / part).mkdir(parents=True)
        layers = f"lowerdir={IMAGES / self.image},upperdir={self._folder / 'upper'},workdir={self._folder / 'work'}"
        _do("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        ssh = self.root / "root" / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(self._network.key.with_suffix(".pub").read_text())
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        space = f"{self._network.space}-{self.name}"
        _do("ip", "netns", "add", space)
        link = f"to-{self.name}"[:15]
        pair = f"link add host0 type veth peer name {link} netns {self._network.space}"
        _do("ip", "-n", space, *pair.split())
        _do("ip", "-n", self._network.space, "link", "set", link, "master", "lan", "up")
        _do("ip", "-n", space, "addr", "add", f"{self.ip}/24", "dev", "host0")
        for device in ("lo", "host0"):
            _do("ip", "-n", space, "link", "set", device, "up")
        _do("ip", "-n", space, "route", "add", "default", "via", GATEWAY)
        self._switch_on()

    def wait_up(self) -> None:
        """Until one can log in by ssh."""
        ssh = ["ssh", *self._network.ssh_options, "-o", "ConnectTimeout=2", f"root@{self.ip}", "true"]

        def is_up() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self._not_running()
            return self._network.here(*ssh).returncode == 0

        self._network.wait(is_up, f"{self.name} does not come up")

    def run(self, script: str, *, check: bool = True) -> str:
        """What a shell on the host prints."""
        command = ["nsenter", "-t", str(self._leader()), "-m", "-u", "-i", "-n", "-p", "/bin/sh", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, env=_ENV, timeout=_PATIENCE_S, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def reboot(self) -> None:
        """As by its owner; waits until it is up again."""
        assert self._process is not None
        self.run("systemctl reboot", check=False)
        self._network.wait(lambda: self._process and self._process.poll() is not None, f"{self.name} does not go down")
        assert self._process.returncode == _REBOOTS, f"{self.name} went down with {self._process.returncode}"
        self._switch_on()
        self.wait_up()

    def close(self) -> None:
        """Ends it; its layer goes with the folder."""
        if self._process is not None:
            leader = self._leader(0)
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.kill(leader or self._process.pid, signal.SIGKILL)
                self._process.kill()
                self._process.wait(10)
        subprocess.run(["umount", "-l", str(self.root)], check=False, capture_output=True)
        subprocess.run(
            ["ip", "netns", "del", f"{self._network.space}-{self.name}"], env=_ENV, check=False, capture_output=True
        )

    def _switch_on(self) -> None:
        with (self._folder / "console.log").open("ab") as console:
            nspawn = find_program("systemd-nspawn", "systemd-container")
            place = ["-D", str(self.root), f"--machine={self.name}"]
            place.append(f"--network-namespace-path=/run/netns/{self._network.space}-{self.name}")
            place.append("--capability=CAP_NET_ADMIN")  # for a firewall of its own
            self._process = subprocess.Popen(
                [nspawn, "-q", "--register=no", "--keep-unit", *place, "-b"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={**_ENV, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"},
            )

    def _leader(self, none: int | None = None) -> int:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        with suppress(OSError):
            for pid in children.read_text().split():
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    return int(pid)
        if none is None:
            raise AssertionError(self._not_running())
        return none

    def _not_running(self) -> str:
        return f"{self.name} is not running: {(self._folder / 'console.log').read_text(errors='replace')[-500:]}"


class Network:
    """The nodes of one test, and the network between them and us."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.space = f"px{os.getpid()}"
        self.key = folder / "key"
        self.nodes: list[Node] = []
        self._servers: list[subprocess.Popen[bytes]] = []
        self.ssh_options = ["-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        self.ssh_options += ["-o", "LogLevel=ERROR", "-o", "BatchMode=yes"]

    def open(self) -> None:
        """Makes the network and the key that opens every node."""
        _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        _do("ip", "netns", "add", self.space)
        for words in (
            "link add lan type bridge",
            f"addr add {GATEWAY}/24 dev lan",
            "link set lan up",
            "link set lo up",
        ):
            _do("ip", "-n", self.space, *words.split())

    def start(self, *names: str, image: str = BOOKWORM) -> list[Node]:
        """Boots hosts side by side, and waits until one can log in to each. Skips where the first ones do not come up:
        nothing of ours is on them, so it is this machine that does not allow them."""
        first = not self.nodes
        places = range(10 + len(self.nodes), 250)
        fresh = [Node(self, name, f"10.231.0.{place}", image) for name, place in zip(names, places, strict=False)]
        self.nodes += fresh
        try:
            for node in fresh:
                node.boot()
            for node in fresh:
                node.wait_up()
        except (AssertionError, subprocess.CalledProcessError) as error:
            if first:
                pytest.skip(f"no hosts in containers here: {getattr(error, 'stderr', None) or error}")
            raise
        return fresh

    def here(self, *command: str, **options: object) -> "subprocess.CompletedProcess[str]":
        """Runs a command of this machine in the nodes' network."""
        enter = ["nsenter", f"--net=/run/netns/{self.space}", *command]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        return subprocess.run(enter, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]

    def serve(self, folder: Path) -> str:
        """Serves the files of a folder to the nodes until the end; its URL."""
        enter = ["nsenter", f"--net=/run/netns/{self.space}"]
        port = 8000 + len(self._servers)
        self._servers.append(
            subprocess.Popen(
                [*enter, sys.executable, "-m", "http.server", "--bind", GATEWAY, "-d", str(folder), str(port)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        ask = [sys.executable, "-c", f"import socket; socket.create_connection(('{GATEWAY}', {port}), 1)"]
        self.wait(lambda: self.here(*ask).returncode == 0, "the files are not served")
        return f"http://{GATEWAY}:{port}"

    def wait(self, condition: Callable[[], object], trouble: str, patience_s: float = _PATIENCE_S) -> None:
        """Until it holds."""
        until = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(trouble)
            time.sleep(_INTERVAL_S)

    def close(self) -> None:
        """Ends all of it."""
        for server in self._servers:
            server.kill()
            server.wait()
        for node in self.nodes:
            node.close()
        subprocess.run(["ip", "netns", "del", self.space], env=_ENV, check=False, capture_output=True)


@contextmanager
def nodes(folder: Path) -> Iterator[Network]:
    """A network of hosts. Skips where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("hosts in containers need root")
    left_s = max(0.0, float(os.environ.get("PARALLAX_UNTIL", "inf")) - time.time())
    if left_s < _NEEDED_S:
        pytest.skip(f"{left_s / 60:.1f} minutes are left, and a network of hosts may take {_NEEDED_S / 60:.0f}")
    for program, package in (("systemd-nspawn", "systemd-container"), ("ip", "iproute2"), ("ssh", "openssh-client")):
        find_program(program, package)
    image_or_skip(BOOKWORM)
    network = Network(folder)
    try:
        try:
            network.open()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        yield network
    finally:
        network.close()


def image_or_skip(name: str) -> str:
    """Its name; skips the test where it is missing."""
    if not (IMAGES / name / "etc/os-release").exists():
        pytest.skip(f"there is no image of a host in {IMAGES / name}: tools/setup.sh deploy")
    return name


def _do(*command: str) -> None:
    subprocess.run(command, env=_ENV, check=True, capture_output=True, text=True)
