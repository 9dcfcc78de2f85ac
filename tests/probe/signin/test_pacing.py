"""When a sign-in may happen, and when not: cadences, budgets, halts, turns, codes by the clock."""

import itertools
import json
import stat
from pathlib import Path

import msgspec
import pytest
import trio

from parallax.clock import NS
from parallax.plan.signin_specs import Every, Totp
from parallax.values import Duration
from probe.buckets import Buckets, Limit
from probe.signin.cadence import cadence_at, offset_s
from probe.signin.codes import totp_at
from probe.signin.halts import HALTS_S, MOST, Halts, key_of
from probe.signin.memory import Session, Signins, end_all

START = 1_790_000_000


@pytest.mark.parametrize("shift", [0, 7, 29])
def test_a_whole_run_comes_once_in_its_span(shift: int) -> None:
    every = Every(full=Duration(300), silent=Duration(60))
    told = [cadence_at("one", "sign-in", (START + shift + n * 30) * NS, 30, every) for n in range(1000)]
    full = [n for n, each in enumerate(told) if each == "full"]
    assert {b - a for a, b in itertools.pairwise(full)} == {10}
    assert told.count("full") == 100
    silent = [n for n, each in enumerate(told) if each != "light"]
    assert max(b - a for a, b in itertools.pairwise(silent)) == 2


def test_a_period_that_is_no_divisor_neither_skips_nor_repeats() -> None:
    every = Every(full=Duration(100))
    told = [cadence_at("one", "sign-in", (START + n * 30) * NS, 30, every) for n in range(1000)]
    assert told.count("full") == 300
    assert "silent" not in told


def test_by_hand_a_run_is_whole() -> None:
    assert cadence_at("local", "by hand", START * NS, 600, Every(full=Duration(300))) == "full"


def test_probes_are_spread() -> None:
    offsets = sorted(offset_s(f"probe-{n}", "sign-in", "full", 300) for n in range(50))
    assert offsets[0] < 30
    assert offsets[-1] > 270


def test_a_bucket_fills_and_is_emptied_by_what_is_allowed_only() -> None:
    buckets = Buckets()
    user, tenant = Limit(key="user", room=2, rate=1 / 30), Limit(key="tenant", room=3, rate=1 / 60)
    assert [buckets.take([user, tenant], 0.0) for _ in range(3)] == [None, None, "user"]
    assert buckets.take([tenant], 0.0) is None  # the refused one took nothing from it
    assert buckets.take([user, tenant], 29.0) == "user"
    assert buckets.take([user], 31.0) is None
    assert buckets.take([tenant], 61.0) is None


def test_a_halt_outlives_a_restart_and_ends(tmp_path: Path) -> None:
    file = tmp_path / "halts.json"
    halts, key = Halts(file), key_of("sign-in", "synthetic-one", "wrong password")
    assert halts.put(key, "password", "oauth_server_error", START) is None
    assert halts.put(key, "password", "signin_bad_credentials", START) is not None
    halts.save()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "wrong" not in file.read_text()
    again = Halts(file)
    found = again.get(key, START + 60)
    assert found is not None
    assert (found.step, found.because) == ("password", "signin_bad_credentials")
    assert again.get(key, START + HALTS_S["signin_bad_credentials"] + 1) is None
    assert again.get(key_of("sign-in", "synthetic-one", "another password"), START) is None


@pytest.mark.parametrize("content", [b"", b"\x00garbage", b"[]", b'{"a": 1}', b"[" * 100_000, b"x" * 2_000_000])
def test_a_broken_file_of_halts_is_left_out(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "halts.json"
    file.write_bytes(content)
    halts = Halts(file)
    assert halts.get("x", START) is None
    halts.put("x", "otp", "signin_bad_otp", START)
    halts.save()
    assert json.loads(file.read_text())["x"]["because"] == "signin_bad_otp"


def test_halts_are_bounded_and_a_full_disk_is_survived(tmp_path: Path) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    halts = Halts(tmp_path / "halts.json", write=full)
    for number in range(MOST + 10):
        halts.put(str(number), "password", "signin_account_locked", START + number)
    halts.save()
    assert halts.get("0", START) is None
    assert halts.get(str(MOST + 9), START + MOST) is not None


async def test_a_user_signs_in_one_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    signins, running, most = Signins(), 0, 0

    async def one(user: str) -> None:
        nonlocal running, most
        async with signins.turn("https://sso.example", user):
            running += 1
            most = max(most, running)
            await trio.sleep(1)
            running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one, "same")
    assert most == 1
    with trio.move_on_after(0.5):
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(one, "same")
    assert not signins._busy


async def test_kept_sessions_are_ended_when_their_check_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    signins, ended = Signins(), []

    def session(name: str, spec: str, takes_s: float = 0.0) -> Session:
        async def end() -> bool:
            await trio.sleep(takes_s)
            ended.append(name)
            return True

        return Session(spec=spec, jar=None, state=None, end=end)

    for name in ("stays", "gone", "changed"):
        assert signins.sessions.put((name, "t", ""), session(name, "old"))
    await signins.end_orphans({("stays", "t", ""): "old", ("changed", "t", ""): "new"})
    assert sorted(ended) == ["changed", "gone"]
    began = trio.current_time()
    with trio.CancelScope() as scope:
        scope.cancel()
        await end_all([session("slow", "x", 60), session("quick", "x", 1)])
    assert "quick" in ended
    assert "slow" not in ended
    assert trio.current_time() - began < 6


@pytest.mark.parametrize(
    ("algorithm", "seed", "at", "code"),
    [
        ("sha1", "12345678901234567890", 59, "94287082"),
        ("sha256", "12345678901234567890123456789012", 1111111109, "68084774"),
        ("sha512", "1234567890123456789012345678901234567890123456789012345678901234", 20000000000, "47863826"),
    ],
)
def test_codes_by_the_clock(algorithm: str, seed: str, at: int, code: str) -> None:
    """RFC 6238 appendix B."""
    totp = msgspec.convert(
        {"secret": "secret:SEED", "encoding": "hex", "digits": 8, "algorithm": algorithm, "period": Duration(30)}, Totp
    )
    assert totp_at(totp, seed.encode().hex(), at) == code
