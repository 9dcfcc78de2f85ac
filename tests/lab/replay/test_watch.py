"""A replay on the page."""

from pathlib import Path
from urllib.request import urlopen

import pytest
import trio

from lab.replay.loading import load_script
from lab.replay.playing import Piece
from lab.replay.watch import Stage, watch
from parallax.state import StartError
from parallax.values import Address
from tests.lab.replay.scripts import WORLD, fault, write

SHORT = WORLD.replace("T12:03:00Z }", "T12:00:40Z }")
BROKEN = fault("region east", "errors") + "[expect]\nfirst_down_s = 30\n"
TITLE = "Region east is down: 203.0.113.10 answers with server errors (5xx)"


def piece_of(folder: Path) -> Piece:
    loaded = load_script(write(folder, BROKEN, world=SHORT))
    return Piece(file=loaded.file, loaded=loaded)


def read(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.read().decode())


def test_a_stage_takes_no_more_than_it_is_to(tmp_path: Path):
    stage = Stage(piece_of(tmp_path), 0)
    before = stage.board()
    records, _ = stage.take(2**62, most=7)
    assert len(records) == 7
    assert stage.board() is not before
    assert stage.take(stage.now) == ([], [])
    while not stage.over:
        stage.take(2**62)
    assert stage.board().incidents[0].title == TITLE


@pytest.mark.slow
async def test_the_page_shows_what_is_played_and_stays_at_the_end(tmp_path: Path):
    said: list[str] = []
    ended = trio.Event()

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("met"):
            ended.set()

    async with trio.open_nursery() as nursery:
        url = await nursery.start(watch, piece_of(tmp_path), 0, 100_000.0, Address("127.0.0.1:0"), say)
        with trio.fail_after(60):
            await ended.wait()
        page, incidents = [await trio.to_thread.run_sync(read, f"{url}{path}") for path in ("/", "/incidents")]
        assert "REPLAY at up to 100000 times its speed: A test; nothing here happens now" in page
        assert TITLE in page
        assert TITLE in incidents
        nursery.cancel_scope.cancel()
    assert said[-1] == f"met: first_down_s, expected 30, observed {said[-1].rpartition(' ')[2]}"
    assert said[0] == f"{url} shows it at 100000 times its speed; Ctrl-C ends it"


async def test_it_is_shown_on_loopback_only(tmp_path: Path):
    with pytest.raises(StartError, match="a replay is shown on loopback only"):
        await watch(piece_of(tmp_path), 0, 60, Address("192.0.2.1:80"), print)
