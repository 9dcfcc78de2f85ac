import pickle
from pathlib import Path

import pytest

from parallax.secret import Secret, SecretError, check_reference, read_secret, secret_file


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    return file


def complaint(reference: str) -> str:
    with pytest.raises(SecretError) as caught:
        read_secret(reference)
    return str(caught.value)


def test_a_secret_is_read_from_a_file_without_its_newline(token: Path) -> None:
    assert read_secret(f"file:{token}").reveal() == "s3cret"


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, token: Path) -> None:
    monkeypatch.setenv("PARALLAX_TEST_TOKEN", "s3cret")
    assert read_secret("env:PARALLAX_TEST_TOKEN").reveal() == "s3cret"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(token.parent))
    token.chmod(0o444)  # the folder is what keeps systemd's credentials private
    assert read_secret("credential:token").reveal() == "s3cret"


def test_what_is_read_from_a_file_alone_is_found(monkeypatch: pytest.MonkeyPatch, token: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(token.parent))
    assert secret_file(f"file:{token}") == secret_file("credential:token") == token
    with pytest.raises(SecretError, match="env:HOME is no file; write file:PATH or credential:NAME"):
        secret_file("env:HOME")
    token.chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        secret_file(f"file:{token}")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(SecretError, match="add LoadCredential=token:PATH"):
        secret_file("credential:token")


def test_a_secret_never_shows_itself() -> None:
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} {[secret]} {secret:}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_that_everyone_may_read_or_write_is_refused(token: Path, mode: int) -> None:
    token.chmod(mode)
    expected = f"{token} can be read or written by everyone on this host; run: chmod 600 {token}"
    assert complaint(f"file:{token}") == expected


def test_what_cannot_be_a_secret_is_refused(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert complaint(f"file:{token}x") == f"{token}x cannot be read: No such file or directory"
    assert complaint("env:PARALLAX_NOT_SET") == "the environment variable PARALLAX_NOT_SET is not set"
    assert "LoadCredential=token:PATH" in complaint("credential:token")
    token.write_bytes(b" \n")
    assert complaint(f"file:{token}") == f"file:{token} is empty"
    token.write_bytes(b"a\nb\n")
    assert complaint(f"file:{token}") == f"file:{token} has more than one line, or control characters"
    token.write_bytes(b"\xff")
    assert complaint(f"file:{token}") == f"{token} is not UTF-8"
    token.write_bytes(b"a" * 70000)
    assert complaint(f"file:{token}") == f"{token} is larger than 64 kB; that is no secret"


@pytest.mark.parametrize(
    "reference", ["s3cret", "", "file:", "env:a b", "credential:../token", "credential:..", "vault:x"]
)
def test_a_bad_reference_does_not_show_what_may_be_the_secret(reference: str) -> None:
    with pytest.raises(SecretError) as caught:
        check_reference(reference)
    assert "s3cret" not in str(caught.value)
