"""GET /v1/attempts: what may be asked, and the answer of a collector that serves."""

from pathlib import Path

import msgspec
import pytest
import trio

from collector.attempts import USUAL_NS, Answer, Asked, AttemptsError, PolicyName, read_asked
from collector.board import Board
from collector.retries import Figures, PolicyFigures, Report, Throttling
from collector.tokens import add_token
from parallax import wire
from parallax.clock import NS, wall_ns
from tests.collector.serving import batch, collector
from tests.fakes.boards import NOW, check
from tests.fakes.observations import observation

BOARD = Board(at=NOW, position=1, checks=(check("sign-in", []), check("web", [])))
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8").partition("## Attempts")[2]


def test_the_last_hour_is_the_usual_question() -> None:
    assert read_asked({"check": "web"}, BOARD, NOW) == Asked("web", NOW - USUAL_NS, NOW)
    assert read_asked({"check": "web", "to": "7200000000000"}, BOARD, NOW) == Asked("web", 3600 * NS, 7200 * NS)
    assert read_asked({"check": "web", "from": "1", "to": "2"}, BOARD, NOW) == Asked("web", 1, 2)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({}, 400, "check is missing: ?check=NAME; there are: sign-in, web"),
        ({"check": "x"}, 404, "the plan has no check 'x'; it has: sign-in, web"),
        ({"check": "web", "since": "1"}, 400, "'since' is not known here; there are check, from and to"),
        ({"check": "web", "from": "-1"}, 400, "from wants ns since 1970 as a whole number"),
        ({"check": "web", "from": "1.5"}, 400, "from wants ns"),
        ({"check": "web", "to": "٣"}, 400, "to wants ns"),
        ({"check": "web", "to": "9" * 30}, 400, "to wants ns"),
        ({"check": "web", "from": "5", "to": "5"}, 400, "from is not before to"),
        ({"check": "web", "from": "0"}, 400, "more than 7 days apart"),
    ],
)
def test_what_is_no_question(query: dict[str, str], status: int, words: str) -> None:
    with pytest.raises(AttemptsError) as caught:
        read_asked(query, BOARD, NOW)
    assert caught.value.status == status
    assert words in str(caught.value)


@pytest.mark.parametrize("struct", [Answer, PolicyName, Report, Figures, Throttling, PolicyFigures])
def test_every_field_is_told(struct: type[msgspec.Struct]) -> None:
    assert [f.name for f in msgspec.structs.fields(struct) if f"`{f.name}`" not in PAGE] == []


@pytest.mark.slow
async def test_a_collector_answers(tmp_path: Path) -> None:
    async with collector(tmp_path) as here:
        viewer = add_token(here.state, "viewer", "anna")
        async with here.client() as client:
            name = (await client.request("GET", "/v1/board", token=viewer)).json["checks"][0]["name"]
            made = batch(1, 2)
            now = wall_ns()
            base = made.observations[0]
            failed = observation(
                **{field: getattr(base, field) for field in ("probe", "stream")},
                check=name, seq=1, run="a" * 16, started_at=now - NS, scheduled_at=now - NS, reason="http_status",
                fault="target", findings={"status": 503},
            )  # fmt: skip
            again = msgspec.structs.replace(
                failed, seq=2, attempt=2, started_at=now - NS // 2, reason=None, fault=None, findings={}
            )
            sent = msgspec.structs.replace(made, observations=[failed, again])
            assert (await client.post(here.token(), wire.encode(sent))).status == 200
            with trio.fail_after(60):
                await here.running.stores.history.wait_position(inputs=here.journal.stats.last)
            path = f"/v1/attempts?check={name.replace(' ', '%20')}"
            assert (await client.request("GET", path, token="")).status == 401
            assert (await client.request("GET", path, token=here.token())).status == 403
            assert (await client.request("GET", "/v1/attempts?check=%00", token=viewer)).status == 404
            found = await client.request("GET", path, token=viewer)
            assert found.status == 200
            total = found.json["report"]["total"]
            assert (total["calls"], total["first_ok"], total["met"]) == (1, 0, {"5xx": 1})
            python = [each for each in total["policies"] if each["policy"] == "clerk-python"]
            assert [each["available"] for each in python] == [[1.0, 1.0]] * 3
