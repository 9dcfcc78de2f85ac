"""Free ports: each is drawn once, by whichever process."""

import socket
import subprocess
import sys

from tests.parts.ports import free_port, is_free

_TWENTY = "from tests.parts.ports import free_port; print(*(free_port() for _ in range(20)))"


def test_no_two_get_the_same_port() -> None:
    processes = [subprocess.Popen([sys.executable, "-c", _TWENTY], stdout=subprocess.PIPE, text=True) for _ in "ab"]
    drawn = [port for process in processes for port in process.communicate()[0].split()]
    drawn += [str(free_port()) for _ in range(20)]
    assert len(drawn) == len(set(drawn)) == 60


def test_a_port_in_use_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", free_port()))
        assert not is_free("127.0.0.1", taken.getsockname()[1])


def test_no_port_is_one_that_the_kernel_gives_away() -> None:
    with socket.socket() as ephemeral:
        ephemeral.bind(("127.0.0.1", 0))
        assert free_port() < ephemeral.getsockname()[1]
