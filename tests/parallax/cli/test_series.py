"""`parallax series`: what it says to who has no server, no config of one, or not the extra."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from parallax.cli import parallax
from parallax.state import write_private
from tests.parts.ports import free_port
from tests.parts.program import ROOT

CONFIG = 'state = "s"\nplan = "p"\n'


def run(*words: object) -> Result:
    return CliRunner().invoke(parallax, ["series", *map(str, words)])


def config_of(folder: Path, kind: str, url: str) -> Path:
    file, secret = folder / "collector.toml", folder / "token"
    write_private(secret, b"a-secret-token")
    org = 'org = "acme"\n' if kind == "influxdb2" else ""
    more = f'token = "file:{secret}"\n{org}' if kind in ("influxdb2", "influxdb3") else ""
    file.write_text(f'{CONFIG}[[series]]\nname = "one"\nkind = "{kind}"\nurl = "{url}"\n{more}')
    return file


def test_a_config_without_servers_says_where_one_is_shown(tmp_path: Path):
    file = tmp_path / "collector.toml"
    file.write_text(CONFIG)
    done = run("setup", "--config", file)
    assert (done.exit_code, done.output) == (
        2,
        f"parallax: {file} has no [[series]]: write one as docs/series.md shows\n",
    )
    other = run("setup", "--config", config_of(tmp_path, "influxdb1", "http://127.0.0.1:1"), "--name", "two")
    assert other.output.endswith("has no [[series]] of the name two; it has: one\n")


@pytest.mark.parametrize("kind", ["influxdb1", "influxdb2", "influxdb3", "victoriametrics"])
def test_a_server_that_is_not_there_is_one_line(tmp_path: Path, kind: str):
    done = run("setup", "--config", config_of(tmp_path, kind, f"http://127.0.0.1:{free_port()}"))
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith("parallax: one: http://127.0.0.1:")
    assert line.endswith("Connection refused; is it running?")
    assert " object at " not in line
    assert "a-secret-token" not in line


@pytest.mark.parametrize(("kind", "package"), [("influxdb2", "influxdb_client"), ("influxdb3", "urllib3")])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, kind: str, package: str):
    """As on a host without it: a finder that knows no such package."""
    config = config_of(tmp_path, kind, "http://127.0.0.1:1")
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.partition('.')[0] in ('influxdb_client', 'urllib3'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        f"sys.argv = ['parallax', 'series', 'setup', '--config', {str(config)!r}]\n"
        "from parallax.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f'parallax: one: {kind} needs the package {package}: pip install "parallax-monitor[series]"\n'
