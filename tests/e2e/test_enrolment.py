"""A probe enrols by a join token, ships, and is shut out again: real collector, real probe, real files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from collector.joins import add_join
from collector.main import Running
from collector.main import main as collector_main
from collector.tokens import revoke_tokens
from parallax.config import CollectorConfig, Tls, load_probe_config
from parallax.secret import Secret
from parallax.values import Address, Url
from probe.enrolment import EnrolError, enrol
from probe.main import main as probe_main
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
    with trio.fail_after(20):
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
                await enrol(url, Secret(join), out, **{"ca": ca, **more})
            assert join not in str(raised.value)
            assert not list(out.glob("*"))

        await refused("parallax-join-guess", "the collector refused: this is no join token of this collector")
        await refused(add_join(state, "lon1"), r"the plan has no \[\[probe\]\] with id = .lon1.*token still holds")
        join = add_join(state, "fra1")
        await refused(join, "is for the probe 'fra1'; leave the id out", id="lon1")
        await refused(join, "certificate.*--ca FILE", ca=None)

        written = await enrol(url, Secret(join), out, ca=ca)  # ::1 is tried first, and closed
        modes = {each.name: each.stat().st_mode & 0o777 for each in out.iterdir()}
        assert modes == {"probe.toml": 0o600, "token": 0o600, "ca.pem": 0o600}
        loaded = load_probe_config(written)
        assert (loaded.id, loaded.collector[0].address) == ("fra1", running.address)
        with pytest.raises(EnrolError, match="is there already; enrol into another folder"):
            await enrol(url, Secret(join), out, ca=ca)
        with pytest.raises(EnrolError, match="this join token was used at"):
            await enrol(url, Secret(join), tmp_path / "second", ca=ca)

        await nursery.start(probe_main, loaded)
        before = running.inputs.stats.last
        await wait_until(lambda: running.inputs.stats.last > before + 3)
        assert [token.name for token in revoke_tokens(state, "fra1")] == ["fra1"]
        said = ("probe.shipping", "ERROR")
        await wait_until(lambda: said in {(record.name, record.levelname) for record in caplog.records})
        told = next(record for record in caplog.records if (record.name, record.levelname) == said)
        assert vars(told)["parallax_fields"]["status"] == 401
        nursery.cancel_scope.cancel()
