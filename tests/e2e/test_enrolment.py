"""A probe enrols by a join token, ships, and is shut out again: real collector, real probe, real files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from collector.clients import list_clients, revoke_clients
from collector.joins import add_join
from collector.main import Running
from collector.main import main as collector_main
from collector.tokens import add_token, revoke_tokens
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, CollectorConfig, Tls
from parallax.config_loading import load_probe_config
from parallax.secret import Secret, read_secret
from parallax.values import Address, Url
from probe.client import open_client
from probe.enrolment import Asked, EnrolError, enrol
from probe.main import main as probe_main
from probe.own_certificate import DAY_S, read_own
from tests.parts.certificates import Authority

pytestmark = pytest.mark.slow
PLAN = """
[[probe]]
id = "fra1"
[[check]]
name = "first"
kind = "tls"
external = false
period = "1s"
timeout = "500ms"
targets = ["127.0.0.1:1"]
"""


@pytest.fixture
def config(tmp_path: Path) -> CollectorConfig:
    (tmp_path / "plan.toml").write_text(PLAN)
    authority = Authority()
    certificate, key = authority.leaf("localhost").write(tmp_path, "collector")
    (tmp_path / "ca.pem").write_text(authority.pem)
    return CollectorConfig(
        state=str(tmp_path / "collector"),
        plan=str(tmp_path / "plan.toml"),
        listen=Address("127.0.0.1:0"),
        tls=Tls(certificate=str(certificate), key=str(key)),
    )


async def wait_until(met: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not met():  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_a_probe_enrols_ships_and_is_shut_out(
    tmp_path: Path, config: CollectorConfig, caplog: pytest.LogCaptureFixture
) -> None:
    ca, out, state = tmp_path / "ca.pem", tmp_path / "probe", Path(config.state)
    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(collector_main, config)
        url = Url(f"https://localhost:{running.address.port}")

        async def refused(join: str, sentence: str, **more: Any) -> None:
            with pytest.raises(EnrolError, match=sentence) as raised:
                await enrol(url, Secret(join), out, Asked(**{"ca": ca, **more}))
            assert join not in str(raised.value)
            assert not list(out.glob("*"))

        await refused("parallax-join-guess", "the collector refused: this is no join token of this collector")
        await refused(add_join(state, "lon1"), r"the plan has no \[\[probe\]\] with id = .lon1.*token still holds")
        join = add_join(state, "fra1")
        await refused(join, "is for the probe 'fra1'; leave the id out", id="lon1")
        await refused(join, "certificate.*--ca FILE", ca=None)
        await refused(join, "issues no client certificates.*The join token still holds", certificate=True)

        written = await enrol(url, Secret(join), out, Asked(ca=ca))  # ::1 is tried first, and closed
        modes = {each.name: each.stat().st_mode & 0o777 for each in out.iterdir()}
        assert modes == {"probe.toml": 0o600, "token": 0o600, "ca.pem": 0o600}
        loaded = load_probe_config(written)
        assert (loaded.id, loaded.collector[0].address) == ("fra1", running.address)
        with pytest.raises(EnrolError, match="is there already; enrol into another folder"):
            await enrol(url, Secret(join), out, Asked(ca=ca))
        with pytest.raises(EnrolError, match="this join token was used at"):
            await enrol(url, Secret(join), tmp_path / "second", Asked(ca=ca))

        await nursery.start(probe_main, loaded)
        before = running.inputs.stats.last
        await wait_until(lambda: running.inputs.stats.last > before + 3)
        assert [token.name for token in revoke_tokens(state, "fra1")] == ["fra1"]
        said = ("probe.shipping", "ERROR")
        await wait_until(lambda: said in {(record.name, record.levelname) for record in caplog.records})
        told = next(record for record in caplog.records if (record.name, record.levelname) == said)
        assert vars(told)["parallax_fields"]["status"] == 401
        nursery.cancel_scope.cancel()


async def test_a_probe_with_a_certificate_ships_and_its_token_alone_is_worth_nothing(
    tmp_path: Path, config: CollectorConfig
) -> None:
    assert config.tls is not None
    config = msgspec.structs.replace(config, tls=msgspec.structs.replace(config.tls, client_certificates=True))
    ca, state = tmp_path / "ca.pem", Path(config.state)
    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(collector_main, config)
        url = Url(f"https://localhost:{running.address.port}")

        async def enrolled(folder: str, **more: Any) -> CollectorAddress:
            asked = Asked(ca=ca, address=running.address, **more)
            join = Secret(add_join(state, "fra1"))
            return load_probe_config(await enrol(url, join, tmp_path / folder, asked)).collector[0]

        async def status_of(way: CollectorAddress) -> tuple[int | None, bytes]:
            async with open_client(way, partial(read_secret, way.token)) as client:
                return await client.get("/v1/whoami", timeout_s=20, limit=4096)

        plain = await enrolled("plain")
        assert plain.certificate is None
        assert (await status_of(plain))[0] == 200
        first = await enrolled("first", certificate=True)
        file = tmp_path / "first" / "client.pem"
        assert (first.certificate, file.stat().st_mode & 0o777) == (f"file:{file}", 0o600)
        assert (await status_of(plain))[0] == 200, "the certificate has not been seen yet: no gap"
        assert (await status_of(first))[0] == 200
        status, said = await status_of(plain)
        assert (status, b"its token holds only beside it" in said) == (401, True)
        status, said = await status_of(msgspec.structs.replace(first, certificate=None))
        assert (status, b"--role join fra1" in said) == (401, True)
        with pytest.raises(EnrolError, match=r"a token alone is worth nothing: enrol with --certificate.*still holds"):
            await enrolled("alone")

        days = (read_own([first])[0].expires_at - wall_ns()) / NS / DAY_S
        assert 396 < days <= 397
        second = await enrolled("second", certificate=True)
        assert [(await status_of(way))[0] for way in (first, second)] == [200, 200], "two at a time"
        before, _ = list_clients(state)
        async with open_client(first, partial(read_secret, first.token)) as kept:
            assert (await kept.get("/v1/whoami", timeout_s=20, limit=4096))[0] == 200
            assert [each.id for each in revoke_clients(state, before.id)] == [before.id]
            status, said = await kept.get("/v1/whoami", timeout_s=20, limit=4096)
            assert (status, b"was revoked" in said) == (401, True), "also on a connection that was there"
        assert (await status_of(second))[0] == 200
        assert (await status_of(msgspec.structs.replace(second, certificate=None)))[0] == 401, "it stays bound"

        other = tmp_path / "lon1.token"
        other.write_text(add_token(state, "probe", "lon1"))
        other.chmod(0o600)
        status, said = await status_of(msgspec.structs.replace(second, token=f"file:{other}"))
        assert (status, b"is not of the probe lon1" in said) == (401, True)

        revoke_tokens(state, "fra1")
        revoke_clients(state, "fra1")
        assert (await status_of(await enrolled("anew")))[0] == 200, "all was ended: it may begin anew without one"
        nursery.cancel_scope.cancel()
