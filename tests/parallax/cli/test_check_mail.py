"""`parallax check signin --mail`: the command takes the mail itself that its flow waits for."""

import json
import socket
import sys
from pathlib import Path

import pytest
import trio

from parallax.values import Address
from tests.collector.mail.test_smtp import deliver, mail
from tests.fakes.signin_server import Asked, Said, signin_server
from tests.parts.certificates import Authority
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow

PLAN = """
[[check]]
name = "by mail"
kind = "signin"
user = { name = "synthetic-{probe}", address = "probe+{run}@mx.example" }
[[check.step]]
name = "ask"
request = { post = "HERE/send", form = { to = "{user.address}" } }
[[check.step]]
name = "mail"
mail = { within = "10s" }
capture = { code = { regex = "code is (\\\\d{6})" } }
[[check.step]]
name = "send"
request = { post = "HERE/code", form = { code = "{code}" } }
"""


def command(folder: Path, listen: Address) -> list[str]:
    files = ["--plan", str(folder / "plan.toml"), "--ca", str(folder / "ca.pem")]
    return [
        sys.executable, "-m", "parallax", "check", "signin", *files, "--mail", str(listen), "--json",
    ]  # fmt: skip


async def test_the_code_arrives_at_the_command_itself(tmp_path: Path) -> None:
    ca, listen = Authority(), Address.of("127.0.0.1", free_port())
    (tmp_path / "ca.pem").write_text(ca.pem)
    async with signin_server(ca.leaf("localhost")) as server, trio.open_nursery() as nursery:

        def send(asked: Asked) -> Said:
            nursery.start_soon(deliver, listen, mail(), asked.form["to"])
            return Said(202)

        server.answers |= {"/send": send, "/code": lambda _: Said(204)}
        (tmp_path / "plan.toml").write_text(PLAN.replace("HERE", server.issuer))
        done = await trio.run_process(command(tmp_path, listen), capture_stdout=True, check=False)
        steps = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(step["subject"], step["reason"]) for step in steps] == [("ask", None), ("mail", None), ("send", None)]
        assert server.forms("/code") == [{"code": "123456"}]
        assert b"123456" not in done.stdout
        assert done.returncode == 0


async def test_an_address_that_is_taken_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(Authority().pem)
    (tmp_path / "plan.toml").write_text(PLAN.replace("HERE", "https://localhost:9"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = Address.of(*taken.getsockname()[:2])
        done = await trio.run_process(command(tmp_path, listen), capture_stderr=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"parallax: cannot take mail on {listen}: ")
    assert done.stderr.count(b"\n") == 1
