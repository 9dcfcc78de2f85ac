"""`--check-config` says "ok", or all that is wrong, and starts nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from parallax.cli import parallax

COLLECTOR = 'state = "state"\nplan = "plan.toml"\n'
PROBE = 'id = "fra1"\nstate = "state"\n[[collector]]\nurl = "https://192.0.2.1"\ntoken = "credential:token"\n'


@pytest.mark.parametrize(("program", "text"), [("collector", COLLECTOR), ("probe", PROBE)])
def test_a_good_config_is_ok_and_nothing_is_started(program: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    result = CliRunner().invoke(parallax, [program, "--config", str(path), "--check-config"])
    assert (result.exit_code, result.output) == (0, "ok\n")
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("program", "text", "wrong"),
    [
        ("collector", COLLECTOR + 'listen = "192.0.2.1:8600"\nca = "none.pem"\n', ["3: listen: ", "4: ca: "]),
        ("probe", PROBE + 'ca = ""\nfoo = 1\n', ["7: [[collector]] number 1: foo: unknown key"]),
        ("probe", PROBE.replace("192.0.2.1", "c.example") + "[limits]\nballast = 0\n", ["7: [limits]: ballast: "]),
        ("probe", "", [": id: is missing", ": state: is missing", ": collector: is missing"]),
    ],
)
def test_a_bad_one_is_told_whole_with_its_lines(program: str, text: str, wrong: list[str], tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    result = CliRunner().invoke(parallax, [program, "--config", str(path), "--check-config"])
    lines = result.output.splitlines()
    assert result.exit_code == 2
    assert len(lines) == len(wrong)
    for line, part in zip(lines, wrong, strict=True):
        assert line.startswith(f"parallax: {path}")
        assert part in line
