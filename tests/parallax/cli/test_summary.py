"""The live summary's screen."""

from io import StringIO

import msgspec
import pytest
from rich.console import Console, Group
from rich.text import Text

from collector.board import Board
from collector.events import Risk
from parallax.cli.summary import Facts, screen
from parallax.clock import NS
from tests.fakes.boards import HOSTILE, NOW, empty_board, full_board, hostile_board, large_board
from tests.fakes.dns_boards import runway_risk

FACTS = Facts(
    title="PARALLAX LAB",
    page="http://127.0.0.1:8600/",
    hint="break something: parallax lab break region-down, or http://127.0.0.1:8600/lab",
    log="log: /home/someone/.local/state/parallax/lab/up.log; Ctrl-C ends",
    up_s=100,
    rate=41.3,
)


def drawn(board: Board, width: int = 80, height: int = 24) -> list[str]:
    return [line.plain for line in screen(board, FACTS, NOW, width, height)]


def test_an_ordinary_terminal_shows_what_where_since_when_and_how_to_break_it():
    text = "\n".join(drawn(full_board(), height=27))
    assert "a name has run out at 3 of 8 sampled resolver caches; all out in 4 min" in text
    assert "DNS operator dns-a is dark: 4 of 4 name servers do not answer" in text
    assert "since 16:53:26Z (12 min); 7 of 8 probes in 3 networks" in text
    assert "✖ Sign-in mail  full outage" in text
    assert "Certificate of login.vendor.example" in text
    assert "▲ nrt1 unhealthy" in text
    assert "5 of 8 healthy; 41 observations/s" in text
    assert "http://127.0.0.1:8600/" in text
    assert "parallax lab break region-down" in text


def test_the_worst_incident_comes_first_on_the_smallest_screen():
    lines = drawn(full_board(), 60, 12)
    assert "DNS operator dns-a is dark" in lines[3]
    assert "  and 1 more" in lines


@pytest.mark.parametrize("board", [full_board(), empty_board(), hostile_board(), large_board(30, 40)])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (40, 10), (10, 3), (1, 1)])
def test_it_fits_whatever_there_is_to_show(board: Board, width: int, height: int):
    lines = screen(board, FACTS, NOW, width, height)
    assert len(lines) <= height
    assert max(line.cell_len for line in lines) <= width


def test_nothing_from_the_network_steers_the_terminal():
    assert not HOSTILE.isprintable()
    assert all(line.isprintable() for line in drawn(hostile_board(), 300, 60))


def test_every_state_is_a_word_without_colour():
    console = Console(width=80, height=27, record=True, color_system=None, file=StringIO())
    console.print(Group(*screen(full_board(), FACTS, NOW, 80, 27)))
    text = console.export_text()
    for word in ("partial outage", "full outage", "not measured", "under maintenance", "unhealthy", "silent"):
        assert word in text


def test_an_empty_board_says_so():
    assert [line for line in drawn(empty_board()) if "none" in line] == [
        "Open incidents  none",
        "Components  none in the plan",
        "Risks  none",
    ]


def test_a_long_title_goes_on_below_and_what_follows_it_is_seen():
    title = (
        "Fallback dns-b is not ready: lacks the mail records dkim1 TXT, dkim2 TXT (and 7 more), and serves "
        + 30 * "so "
    )
    risk = Risk(id="r", title=title, check="fallback", components=(), since=NOW, why="it could not take over")
    lines = drawn(msgspec.structs.replace(empty_board(), risks=(risk,)))
    at = lines.index("Risks  1")
    assert lines[at + 1].startswith("  ▲ Fallback dns-b is not ready: lacks the mail records")
    assert lines[at + 2].startswith("    (and 7 more), and serves so")
    assert lines[at + 2].endswith("…")
    assert lines[at + 3] == "    it could not take over"


@pytest.mark.parametrize(
    ("ends", "expired", "words"),
    [
        ((60, 300), 0, "the first of 8 sampled resolver caches runs out in 1 min; all out in 5 min"),
        ((-60, 300), 3, "a name has run out at 3 of 8 sampled resolver caches; all out in 5 min"),
        ((-60, -9), 8, "a name has run out at 8 of 8 sampled resolver caches; all ran out"),
    ],
)
def test_a_runway_says_when_caches_run_out_and_how_many_have(ends: tuple[int, int], expired: int, words: str):
    first, last = (NOW + each * NS for each in ends)
    risk = runway_risk(NOW, expected_at=first)
    assert risk.runway is not None
    runway = msgspec.structs.replace(risk.runway, earliest_at=first, latest_at=last, expired=expired)
    board = msgspec.structs.replace(empty_board(), risks=(msgspec.structs.replace(risk, runway=runway),))
    assert f"    {words}" in drawn(board)


def test_lines_are_plain_text():
    assert all(isinstance(line, Text) for line in screen(full_board(), FACTS, NOW, 80, 24))
