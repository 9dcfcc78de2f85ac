"""The command's side of enrolment: tokens are made, listed, ended and read from where no other user sees them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from collector.clients import issue, list_clients, make_authority
from collector.joins import list_joins
from collector.tokens import add_token
from parallax.cli import parallax


def run(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(parallax, arguments, input=stdin)


def test_a_join_token_is_made_listed_and_ended(tmp_path: Path) -> None:
    made = run("collector", "token", "add", "--role", "join", "fra1", "--state", str(tmp_path))
    assert made.exit_code == 0
    assert made.stdout.startswith("parallax-join-")
    assert "once, within an hour" in made.stderr
    [join] = list_joins(tmp_path)
    assert (join.name, join.id in run("collector", "token", "list", "--state", str(tmp_path)).stdout) == ("fra1", True)
    assert '"expires_at"' in run("collector", "token", "list", "--json", "--state", str(tmp_path)).stdout
    ended = run("collector", "token", "revoke", "fra1", "--state", str(tmp_path))
    assert ended.stdout == f"ended {join.id}, with which fra1 could have enrolled\n"
    assert run("collector", "token", "revoke", "fra1", "--state", str(tmp_path)).exit_code == 2


def test_client_certificates_are_listed_and_ended_with_the_tokens(tmp_path: Path) -> None:
    make_authority(tmp_path)
    add_token(tmp_path, "probe", "fra1")
    for _ in range(2):
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        issue(tmp_path, "fra1", request)
    first, second = list_clients(tmp_path)
    listed = run("collector", "token", "list", "--json", "--state", str(tmp_path)).stdout.splitlines()
    assert [json.loads(line)["role"] for line in listed] == ["probe", "client", "client"]
    assert json.loads(listed[1])["expires_at"] == first.expires_at.isoformat(timespec="seconds")
    one = run("collector", "token", "revoke", first.id, "--state", str(tmp_path))
    assert one.stdout == f"ended {first.id}, a client certificate of fra1\n"
    ended = run("collector", "token", "revoke", "fra1", "--state", str(tmp_path))
    assert ended.exit_code == 0
    assert f"ended {second.id}, a client certificate of fra1" in ended.stdout
    assert run("collector", "token", "list", "--state", str(tmp_path)).stdout == ""


@pytest.mark.parametrize(
    ("token", "stdin", "status", "sentence"),
    [
        ("file:/none", "", 2, "--token: /none cannot be read: No such file"),
        ("env:NO_SUCH_TOKEN", "", 2, "the environment variable NO_SUCH_TOKEN is not set"),
        ("-", "", 2, "there is no join token: say it by --token"),
        ("-", "secret-join\n", 3, "https://127.0.0.1:1: refused"),
        ("secret-join", "", 3, "https://127.0.0.1:1: refused"),
        ("secret-join\nX: y", "", 2, "that is no join token"),
    ],
)
def test_the_token_comes_from_where_it_is_said(
    token: str, stdin: str, status: int, sentence: str, tmp_path: Path
) -> None:
    result = run("probe", "enroll", "https://127.0.0.1:1", "--token", token, "--out", str(tmp_path / "o"), stdin=stdin)
    assert (result.exit_code, sentence in result.output) == (status, True), result.output
    assert "secret-join" not in result.output


@pytest.mark.parametrize(
    ("url", "more", "sentence"),
    [
        ("http://192.0.2.1", [], "would send the token in the clear; write https://"),
        ("https://192.0.2.1?x=1", [], "has a query"),
        ("https://192.0.2.1", ["--ca", "/none"], "the CA file /none cannot be used"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    url: str, more: list[str], sentence: str, tmp_path: Path
) -> None:
    result = run("probe", "enroll", url, "--token", "secret-join", "--out", str(tmp_path / "o"), *more)
    assert (result.exit_code, sentence in result.output) == (2, True), result.output
