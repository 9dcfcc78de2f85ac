import json
import threading
from pathlib import Path

import pytest

from collector.tokens import Identity, TokenError, Tokens, add_token, list_tokens, revoke_tokens


def test_a_token_is_shown_once_and_kept_hashed(tmp_path: Path) -> None:
    text = add_token(tmp_path, "probe", "fra1")
    path = tmp_path / "tokens.json"
    assert text not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    tokens = Tokens(tmp_path)
    assert tokens.identify(text) == Identity("probe", "fra1")
    for other in ("", text[:-1], text + "x", text.upper(), "ü\udce9", list_tokens(tmp_path)[0].hash):
        assert tokens.identify(other) is None, other


def test_two_are_valid_at_a_time_for_each_name_and_role(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    texts = [add_token(tmp_path, "probe", "fra1") for _ in range(3)]
    viewer = add_token(tmp_path, "viewer", "fra1")
    assert [tokens.identify(text) is not None for text in texts] == [False, True, True]
    assert tokens.identify(viewer) == Identity("viewer", "fra1")
    assert tokens.probes() == {"fra1"}


def test_a_revocation_holds_at_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    one, two = add_token(tmp_path, "probe", "fra1"), add_token(tmp_path, "probe", "fra1")
    other = add_token(tmp_path, "probe", "lon1")
    assert tokens.identify(one)
    first = list_tokens(tmp_path)[0]
    assert revoke_tokens(tmp_path, first.id) == [first]
    assert [tokens.identify(text) is not None for text in (one, two, other)] == [False, True, True]
    assert [token.name for token in revoke_tokens(tmp_path, "fra1")] == ["fra1"]
    assert [tokens.identify(text) is not None for text in (one, two, other)] == [False, False, True]
    assert revoke_tokens(tmp_path, "nobody") == []
    (tmp_path / "tokens.json").unlink()
    assert tokens.identify(other) is None


def test_a_broken_file_leaves_the_tokens_in_force_and_says_so(tmp_path: Path) -> None:
    text, tokens, path = add_token(tmp_path, "owner", "ann"), Tokens(tmp_path), tmp_path / "tokens.json"
    assert tokens.identify(text)
    good = path.read_bytes()
    path.write_text("[" * 100_000)
    assert tokens.identify(text)
    assert tokens.problem is not None
    assert str(path) in tokens.problem
    with pytest.raises(TokenError):
        add_token(tmp_path, "owner", "bob")
    path.write_bytes(good)
    assert tokens.identify(text)
    assert tokens.problem is None
    path.write_text(json.dumps({"version": 2}))
    with pytest.raises(TokenError, match="version 2; this program knows 1: upgrade it"):
        list_tokens(tmp_path)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "../x", "ü"])
def test_names_are_bounded(tmp_path: Path, name: str) -> None:
    with pytest.raises(TokenError, match="is no name: use 1 to 64 letters"):
        add_token(tmp_path, "probe", name)


def test_an_own_token_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    assert tokens.identify(tokens.add_own("owner", "local")) == Identity("owner", "local")
    assert not list(tmp_path.iterdir())


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(16)]
    threads = [threading.Thread(target=add_token, args=(tmp_path, "probe", name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(token.name for token in list_tokens(tmp_path)) == sorted(names)
