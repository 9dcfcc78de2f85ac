"""The commands' list, their bad input, and what they import."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from parallax.cli import COMMANDS, parallax

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(parallax, arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_its_help(name: str):
    command = parallax.get_command(click.Context(parallax), name)
    assert command is not None
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: parallax " + name)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["chekc"], "there is no command 'chekc'; did you mean 'check'? known are alert, check, collector,"),
        (
            ["check", "htpp", "a.example"],
            "there is no check kind 'htpp'; did you mean 'http'? known are dns, dns.chain",
        ),
        (["check", "signn", "a.example"], "there is no check kind 'signn'; did you mean 'signin'? known are dns,"),
        (["check", "signin", "a.example"], "say which plan has 'a.example': --plan plan.toml; or describe it:"),
        (["plan", "rolback"], "did you mean 'rollback'?"),
        (["collector", "tokens"], "did you mean 'token'?"),
        (["collector", "token", "remove"], "known are add, list, revoke"),
        (["collector"], "say where the config is: parallax collector --config collector.toml"),
        (["probe"], "say where the config is: parallax probe --config probe.toml"),
    ],
)
def test_a_slip_is_answered_with_what_there_is(arguments: list[str], sentence: str):
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], ["trio", "rich", "msgspec", "probe", "collector", "ssl"]),
        (["check", "tls", "127.0.0.1:1", "--json"], ["rich", "collector", "starlette"]),
        (["check", "http", "https://127.0.0.1:1", "--json"], ["rich", "cryptography", "collector", "starlette"]),
        (["collector", "--help"], ["trio", "rich", "probe", "collector"]),
    ],
)
def test_nothing_slow_is_imported_before_it_is_needed(arguments: list[str], unwanted: list[str]):
    code = (
        "import sys\n"
        "from parallax.cli import parallax\n"
        f"try: parallax.main({arguments!r}, prog_name='parallax')\n"
        "except SystemExit: pass\n"
        f"print([name for name in {unwanted!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dns", "foo bar"], "has a character that no host name has"),
        (["dns", "a.example", "ns1.example"], "a server to ask is written @ns1.example"),
        (["dns", "192.0.2.1", "--query", "a.example", "--server", "192.0.2.2"], "with --query, TARGET is the server"),
        (["dns", "a.example", "@192.0.2.1", "--type", "ANY"], "record type 'ANY' is not known"),
        (["dns", "a.example", "@192.0.2.1", "--nxdomain", "--expect", "x"], "not both"),
        (["tls", "host:0"], "is no port"),
        (["tls", "host", "--connect-to", "192.0.2.1:443"], "has no '='; write FROM=TO"),
        (["tls", "host", "--timeout", "5"], "is no duration"),
        (["tls", "host", "--ca", "/nowhere"], "/nowhere cannot be read: No such file or directory"),
        (["tls", "host", "--ca", __file__], "has no certificate in PEM form"),
        (["tls", "host", "--alpn", "h 2"], "--alpn: 'h 2' is no protocol's name; write it as registered"),
        (["tls", "host", "--caa", "ca.example", "--no-caa"], "give --caa or --no-caa, not both"),
        (["http", "ftp://a.example"], "must begin with https:// or http://"),
        (["http", "https://user:pw@a.example"], "holds no secrets"),
        (["http", "https://a.example", "--header", "nothing"], "is no header; write 'Name: value'"),
        (["http", "https://a.example", "--header", "a: b\r\nc: d"], "has a line break"),
        (["http", "https://a.example", "--matches", "("], "'--matches': '(' is no regular expression"),
        (["http", "https://a.example", "--duration", "9s"], "--duration: 9s is not shorter than the timeout, 5s"),
        (["http", "https://a.example", "--status", "99"], "is not in the range 100<=x<=599"),
        (["http", "https://a.example", "--header", "Host: b"], "--header Host: cannot be set"),
        (["http", "https://a.example", "--body", "x"], "--body: a GET request has no body"),
        (["http", "https://a.example", "--max-body", "9GB"], "--max-body: 9GB is out of bounds"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_2(arguments: list[str], sentence: str):
    result = run("check", *arguments)
    assert result.exit_code == 2, result.output
    assert sentence in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.fixture
def silent_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def test_json_is_one_observation_a_line(silent_port: int):
    at = f"127.0.0.1:{silent_port}"
    result = run("check", "dns", "www.example", f"@{at}", "--server", f"127.0.0.2:{silent_port}", "--json")
    first, second = map(json.loads, result.output.splitlines())
    assert (first["subject"], second["subject"]) == (f"127.0.0.2:{silent_port}", at)
    assert {first["reason"], second["reason"]} == {"connect_refused"}
    assert result.exit_code == 1


def test_a_person_gets_the_verdict_first_and_no_colour_in_a_pipe(silent_port: int):
    result = run("check", "tls", f"127.0.0.1:{silent_port}")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == "failed: nothing listens on the port (connect_refused)"
    assert "\x1b" not in result.output
    assert max(map(len, lines)) <= 80


def test_connect_to_dials_elsewhere(silent_port: int):
    result = run("check", "tls", "192.0.2.1:443", "--connect-to", f"192.0.2.1:443=127.0.0.1:{silent_port}", "--json")
    first, control = (json.loads(line) for line in result.output.splitlines())
    assert (first["subject"], first["reason"], first["attempt"]) == ("192.0.2.1:443", "connect_refused", 1)
    assert (control["subject"], control["reason"], control["attempt"]) == ("192.0.2.1:443", "connect_refused", 2)


def test_a_control_attempt_is_one_line_for_a_person(silent_port: int):
    result = run("check", "tls", f"127.0.0.1:{silent_port}")
    assert result.output.splitlines()[0] == "failed: nothing listens on the port (connect_refused)"
    told = " ".join(result.output.split())
    assert told.count("control an attempt") == 1
    assert "later, over a connection of its own, failed in the same way" in told


def test_both_addresses_of_localhost_are_shown(silent_port: int):
    result = run("check", "http", f"http://localhost:{silent_port}/", "-4", "-6", "--json")
    seen = [json.loads(line) for line in result.output.splitlines()]
    assert [each["subject"] for each in seen if each["attempt"] == 1] == [
        f"127.0.0.1:{silent_port}",
        f"[::1]:{silent_port}",
    ]


def test_tokens_are_made_listed_and_ended(tmp_path: Path):
    state = ["--state", str(tmp_path)]
    made = run("collector", "token", "add", "fra1", *state)
    assert made.stdout.startswith("parallax-probe-")
    assert made.stdout.count("\n") == 1
    listed = run("collector", "token", "list", *state, "--json")
    assert json.loads(listed.stdout)["name"] == "fra1"
    assert made.stdout.strip() not in listed.stdout
    assert run("collector", "token", "revoke", "fra1", *state).exit_code == 0
    assert run("collector", "token", "list", *state).stdout == ""
    assert run("collector", "token", "revoke", "fra1", *state).exit_code == 2


@pytest.mark.parametrize(("package", "command"), [("h11", "up"), ("anycorn", "up"), ("dns", "check")])
def test_a_package_that_is_missing_is_one_line(package: str, command: str, tmp_path: Path):
    arguments = ["up", "--plan", str(ROOT / "docs/examples/small.toml"), "--state", str(tmp_path)]
    if command == "check":
        arguments = ["check", "tls", "127.0.0.1:1"]
    code = (
        "import sys\n"
        f"sys.modules[{package!r}] = None  # as where it is not installed\n"
        f"sys.argv = ['parallax', *{arguments!r}]\n"
        "from parallax.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"this command needs the package '{package}" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
