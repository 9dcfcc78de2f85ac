"""A password is not tried on: not by another check, not by one of another name, not after the probe was killed."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from parallax.observation import Observation
from probe.signin.halts import CUT_OFF_S, Halts
from probe.signin.memory import Signins
from probe.tools import Tools
from tests.fakes.signin_server import Asked, Said, SigninServer
from tests.parts.certificates import Authority
from tests.probe.signin.flows import check_of, run, spec_of, told, tools_at

pytestmark = pytest.mark.slow
WRONG = "wrong h0rse battery"


async def go(server: SigninServer, tools: Tools, name: str = "sign-in", **more: Any) -> list[Observation]:
    with trio.fail_after(60):
        return await run(check_of(spec_of(server, **more), timeout_s=10, name=name), tools)


def as_left_by(folder: Path) -> Signins:
    """What a probe that starts now knows."""
    return Signins(folder / "halts.json")


async def test_a_refused_password_is_not_tried_by_checks_of_other_names(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    tools = tools_at(ca, tmp_path, WRONG, signins=as_left_by(tmp_path))
    found: dict[str, list[Observation]] = {}

    async def one(name: str) -> None:
        found[name] = await go(server, tools, name)

    async with trio.open_nursery() as nursery:
        for name in ("one", "two", "three"):
            nursery.start_soon(one, name)
    assert len(server.forms("/login")) == 1
    ended = sorted(str(told(each)[-1][1]) for each in found.values())
    assert ended == ["signin_bad_credentials", "signin_halted", "signin_halted"]
    after = tools_at(ca, tmp_path, WRONG, signins=as_left_by(tmp_path))
    assert told(await go(server, after, "renamed"))[-1] == ("password", "signin_halted")
    assert len(server.forms("/login")) == 1


async def test_another_user_or_password_is_tried(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    await go(server, tools_at(ca, tmp_path, WRONG, signins=as_left_by(tmp_path)))
    right = tools_at(ca, tmp_path, signins=as_left_by(tmp_path))
    assert told(await go(server, right))[-1] == ("session", None)
    other = tools_at(ca, tmp_path, WRONG, signins=as_left_by(tmp_path))
    found = await go(server, other, user={"name": "another", "password": "secret:PW"})
    assert told(found)[-1] == ("password", "signin_bad_credentials")


async def test_a_probe_that_is_killed_in_mid_sign_in_waits_before_it_tries_again(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    """What is on disk when the password arrives is what the next start finds."""
    right, left = server.answers["/login"], tmp_path / "left"
    left.mkdir()

    def while_it_is_tried(asked: Asked) -> Said:
        (left / "halts.json").write_bytes((tmp_path / "halts.json").read_bytes())
        return right(asked)

    server.answers["/login"] = while_it_is_tried
    tools = tools_at(ca, tmp_path, signins=as_left_by(tmp_path))
    assert told(await go(server, tools))[-1] == ("session", None)
    assert json.loads((tmp_path / "halts.json").read_bytes()) == {}
    (halt,) = json.loads((left / "halts.json").read_bytes()).values()
    assert halt["because"] == "cut_off"

    again = await go(server, tools_at(ca, tmp_path, signins=as_left_by(left)))
    assert (again[-1].subject, again[-1].reason, again[-1].fault) == ("authorize", "signin_halted", "probe")
    assert again[-1].findings["because"] == "cut_off"
    assert len(server.forms("/login")) == 1


async def test_a_run_that_is_cancelled_leaves_no_mark(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    right = server.answers["/login"]
    with trio.CancelScope() as scope:

        def cancels(asked: Asked) -> Said:
            scope.cancel()
            return right(asked)

        server.answers["/login"] = cancels
        await go(server, tools_at(ca, tmp_path, signins=as_left_by(tmp_path)))
    assert scope.cancelled_caught
    assert json.loads((tmp_path / "halts.json").read_bytes()) == {}


def test_a_mark_ends_with_its_sign_in_and_after_a_while() -> None:
    halts = Halts()
    halts.begin("key", "authorize", 1000.0)
    assert halts.get("key", 1001.0) is None
    halts.end("key")
    halts.put("key", "password", "signin_bad_credentials", 1000.0)
    halts.end("key")
    halt = halts.get("key", 1000.0 + CUT_OFF_S)
    assert halt is not None
    assert halt.because == "signin_bad_credentials"
