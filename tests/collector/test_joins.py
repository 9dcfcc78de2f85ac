"""Join tokens: one use, one hour, one probe."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.joins import MOST, JoinRefused, add_join, list_joins, look_up, revoke_joins, use_join
from collector.tokens import Identity, TokenError, Tokens, add_token

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_it_is_shown_once_and_kept_hashed(tmp_path: Path) -> None:
    text = add_join(tmp_path, "fra1")
    path = tmp_path / "joins.json"
    assert text.startswith("parallax-join-")
    assert text not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Tokens(tmp_path).identify(text) is None, "it lets nobody send or ask"


def test_it_gives_one_token_once(tmp_path: Path) -> None:
    text = add_join(tmp_path, "fra1", NOW)
    assert look_up(tmp_path, text, NOW) == "fra1"
    probe, token, _ = use_join(tmp_path, text, NOW + SECOND)
    assert Tokens(tmp_path).identify(token) == Identity("probe", probe)
    with pytest.raises(JoinRefused, match=r"was used at 2026-11-22 12:00 UTC; make another: .parallax collector token"):
        use_join(tmp_path, text, NOW + 2 * SECOND)
    assert list_joins(tmp_path, NOW + SECOND) == []


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    text, got, refused = add_join(tmp_path, "fra1"), [], []

    def use() -> None:
        try:
            got.append(use_join(tmp_path, text))
        except JoinRefused:
            refused.append(1)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)


@pytest.mark.parametrize(
    ("later", "sentence"),
    [
        (HOUR - SECOND, None),
        (HOUR, "expired at 2026-11-22 13:00 UTC; make another"),
        (-SECOND, "expired at"),  # the clock was put back: nobody knows how old it is
        (timedelta(days=2), "no join token of this collector, or it was ended"),
    ],
)
def test_it_holds_for_an_hour(later: timedelta, sentence: str | None, tmp_path: Path) -> None:
    text = add_join(tmp_path, "fra1", NOW)
    if later > HOUR:
        add_join(tmp_path, "lon1", NOW + later)  # whoever writes forgets what is long over
    if sentence is None:
        use_join(tmp_path, text, NOW + later)
        return
    with pytest.raises(JoinRefused, match=sentence):
        use_join(tmp_path, text, NOW + later)


@pytest.mark.parametrize("text", ["", "x", "parallax-join-x", "ü\udce9"])
def test_what_is_none_is_refused(text: str, tmp_path: Path) -> None:
    add_join(tmp_path, "fra1")
    add_token(tmp_path, "probe", "fra1")
    with pytest.raises(JoinRefused, match="no join token"):
        look_up(tmp_path, text)


def test_a_new_one_ends_the_one_before_and_a_revoked_one_is_none(tmp_path: Path) -> None:
    first, second, other = (add_join(tmp_path, name) for name in ("fra1", "fra1", "lon1"))
    with pytest.raises(JoinRefused):
        look_up(tmp_path, first)
    assert look_up(tmp_path, second) == "fra1"
    assert [join.name for join in revoke_joins(tmp_path, "fra1")] == ["fra1"]
    with pytest.raises(JoinRefused):
        look_up(tmp_path, second)
    assert [join.name for join in list_joins(tmp_path)] == ["lon1"]
    assert look_up(tmp_path, other) == "lon1"


def test_they_are_bounded_and_a_broken_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="no probe's name"):
        add_join(tmp_path, "a b")
    (tmp_path / "joins.json").write_text("[")
    with pytest.raises(TokenError, match="is no file of join tokens"):
        add_join(tmp_path, "fra1")
    joins = [{"id": str(n), "name": f"p{n}", "hash": "", "made_at": datetime.now(UTC).isoformat()} for n in range(MOST)]
    (tmp_path / "joins.json").write_text(json.dumps({"joins": joins}))
    with pytest.raises(TokenError, match=f"{MOST} join tokens already"):
        add_join(tmp_path, "fra1")
