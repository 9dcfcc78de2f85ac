"""The page of DNS, rendered from fake boards; its map and its curves."""

import re

import msgspec
import pytest

from collector.board import Board
from collector.events import Risk
from collector.web.catchments import catchment_map
from collector.web.dns import picked
from collector.web.moves import HEIGHT, WIDTH, curve
from parallax.clock import NS
from tests.collector.web.asking import ask
from tests.collector.web.test_pages import Reader, read
from tests.fakes import dns_boards
from tests.fakes.boards import HOSTILE, NOW, FakeView, empty_board, full_board, hostile_board, probe


async def words_of(board: Board, url: str = "/dns") -> str:
    page = await read(FakeView(board), url)
    return re.sub(r"\s+", " ", page.words)


@pytest.mark.parametrize(
    "words",
    [
        "the first cache runs out in 2 min 14 s",
        "a name has run out at 3 of 8 (38 %) sampled resolver caches, 1 answers stale",
        "12.5 % of users behind those, by the plan's weights",
        "fallback ready: no vendor.example: dns-a → dns-b because it lacks the mail records dkim1 TXT, MX (and 3 more)",
        "fallback ready: yes other.example",
        "fallback ready: nobody knows dark.example",
        "dkim1.vendor.example TXT missing at fallback mail",
        "moving delegation of vendor.example",
        "parent servers 2 of 2 (100 %) sampled resolver caches 5 of 8 (62 %)",
        "stuck chain of clerk.acme.example",
        "clerk.acme.example shared fate workaround",
        "operator dns-a no name server of a hop's zone answers",
        "fra 9.4 ms fra1 and lon1",
        "Not on the map: elsewhere.",
    ],
)
async def test_the_page_says(words: str) -> None:
    assert words in await words_of(full_board())


async def test_no_share_of_users_without_weights() -> None:
    risk = dns_boards.runway_risk(NOW)
    assert risk.runway is not None
    bare = Board(at=NOW, position=1, risks=(_without_users(risk),))
    said = await words_of(bare)
    assert "sampled resolver caches" in said
    assert "users" not in said


def _without_users(risk: Risk) -> Risk:
    assert risk.runway is not None
    return msgspec.structs.replace(risk, runway=msgspec.structs.replace(risk.runway, users=None))


@pytest.mark.parametrize(
    ("ends", "expired", "words"),
    [
        ((-20, 60), 3, "caches carry it DNS operator"),
        ((-20, 60), 3, "the next record set runs out in 1 min"),
        ((-90, -20), 8, "caches have run out DNS operator"),
        ((-90, -20), 8, "caches ran out from"),
        ((-90, -20), 3, "caches carry it DNS operator"),  # by stale answers
    ],
)
async def test_what_has_run_out_is_not_said_to_be_carried(ends: tuple[int, int], expired: int, words: str) -> None:
    risk = dns_boards.runway_risk(NOW)
    assert risk.runway is not None
    first, last = (NOW + each * NS for each in ends)
    held = tuple(msgspec.structs.replace(each, until=last) for each in risk.runway.held)
    runway = msgspec.structs.replace(risk.runway, earliest_at=first, latest_at=last, expired=expired, held=held)
    board = Board(at=NOW, position=1, risks=(msgspec.structs.replace(risk, runway=runway),))
    assert words in await words_of(board)


async def test_an_empty_board_says_what_to_add() -> None:
    said = await words_of(empty_board())
    for kind in ("dns.parity", "dns.chain", "dns.zone"):
        assert f'kind = "{kind}"' in said


async def test_the_overview_has_runway_fallback_and_moves() -> None:
    said = await words_of(full_board(), "/")
    assert "first cache out in 2 min" in said
    assert "fallback ready: no vendor.example" in said
    assert "on the new set: parent servers 2 of 2 (100 %), sampled resolver caches 5 of 8 (62 %)" in said


async def test_hostile_addresses_pick_nothing_and_names_stay_text() -> None:
    hostile = msgspec.structs.replace(
        hostile_board(),
        risks=(dns_boards.runway_risk(NOW, title=HOSTILE, check=HOSTILE),),
        fallbacks=(msgspec.structs.replace(dns_boards.fallbacks(NOW)[0], zone=HOSTILE, because=HOSTILE),),
        catchments=(msgspec.structs.replace(dns_boards.catchments(NOW)[0], server=HOSTILE, why=HOSTILE),),
    )
    page = await read(FakeView(hostile), "/dns?address=%3Cscript%3E")  # Reader refuses inline scripts and handlers
    assert page.words.count("<script>") >= 4


def test_the_address_asked_for_is_drawn_else_the_one_with_most_sites() -> None:
    board = full_board()
    assert picked(board, "192.0.2.1") == board.catchments[2]
    assert picked(board, "nowhere") == board.catchments[0]
    assert picked(empty_board(), "") is None


def test_the_map_has_a_line_only_where_both_ends_are_known() -> None:
    board = full_board()
    found = catchment_map(board, board.catchments[0])
    lines = {mark.id: mark.to is not None for mark in found.probes}
    assert lines == {"fra1": True, "lon1": True, "iad1": True, "sfo1": True, "gru1": True, "sin1": False}
    assert [site.name for site in found.sites] == ["fra", "iad"]
    assert found.elsewhere == ("elsewhere",)
    assert "far from the nearest" in next(mark.title for mark in found.probes if mark.id == "sfo1")


def test_a_probe_that_the_plan_gives_no_place_is_named() -> None:
    board = Board(at=NOW, position=1, probes=(probe(0, location=None),), catchments=dns_boards.catchments(NOW))
    assert "fra1" in catchment_map(board, board.catchments[0]).elsewhere


def test_a_curve_stays_in_its_frame_and_ends_where_the_move_is() -> None:
    for move in dns_boards.moves(NOW):
        line = curve(move, NOW)
        for path in (line.parents, line.resolvers):
            xs = [float(x) for x in re.findall(r"H([\d.]+)", path)]
            ys = [float(y) for y in re.findall(r"(?:V|M0 )([\d.]+)", path)]
            assert xs == sorted(xs)
            assert all(0 <= x <= WIDTH for x in xs)
            assert all(0 <= y <= HEIGHT for y in ys)
        done = round(HEIGHT - move.resolvers[0] / move.resolvers[1] * HEIGHT, 1)
        assert float(re.findall(r"(?:V|M0 )([\d.]+)", line.resolvers)[-1]) == pytest.approx(done, abs=0.1)


def test_the_bound_is_seen_coming_while_the_move_is_under_way() -> None:
    move = dns_boards.moves(NOW)[0]
    line = curve(move, NOW)
    assert line.until == move.bound_at == NOW + 40 * NS
    assert line.bound == WIDTH


async def test_once_the_first_cache_is_out_the_next_one_is_counted_down() -> None:
    risk = dns_boards.runway_risk(NOW)
    assert risk.runway is not None
    late = msgspec.structs.replace(risk.runway, earliest_at=NOW - 5 * NS)
    said = await words_of(Board(at=NOW, position=1, risks=(msgspec.structs.replace(risk, runway=late),)))
    assert "the next record set runs out in 2 min 14 s" in said
    over = msgspec.structs.replace(late, held=())
    said = await words_of(Board(at=NOW, position=1, risks=(msgspec.structs.replace(risk, runway=over),)))
    assert "caches run out since 17:05:55" in said


async def test_a_board_at_all_its_bounds_is_a_page_that_can_be_read() -> None:
    """What one probe makes up fills boards to their bounds: a thousand addresses, each with 64 sites."""
    one, move, risk = dns_boards.catchments(NOW)[0], dns_boards.moves(NOW)[0], dns_boards.runway_risk(NOW)
    site, fallback = one.sites[0], dns_boards.fallbacks(NOW)[0]
    sites = tuple(msgspec.structs.replace(site, name=f"site {n} {'x' * 90}") for n in range(64))
    gap = msgspec.structs.replace(fallback.gaps[0], primary=("p" * 300,) * 8, fallback=("f" * 300,) * 8)
    points = tuple((NOW + n * NS, n, n) for n in range(240))
    board = msgspec.structs.replace(
        full_board(),
        catchments=tuple(
            msgspec.structs.replace(one, address=f"192.0.{n // 250}.{n % 250}", sites=sites, why="w" * 200)
            for n in range(1000)
        ),
        moves=tuple(msgspec.structs.replace(move, id=f"move-{n}", points=points) for n in range(80)),
        fallbacks=tuple(msgspec.structs.replace(fallback, check=f"parity {n}", gaps=(gap,) * 50) for n in range(20)),
        risks=tuple(msgspec.structs.replace(risk, id=f"r{n}") for n in range(500)),
    )
    for url in ("/dns", "/"):
        answer = await ask(FakeView(board), url)
        Reader(answer.text)
        assert len(answer.text) < 300_000, url
