"""`parallax dashboards`: what it writes, says and refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from dashboards.build import DASHBOARDS
from parallax.cli import parallax
from parallax.state import write_private
from tests.fakes.grafana import TOKEN, grafana
from tests.parts.influxdb import influxdb
from tests.parts.program import ROOT


def run(*words: Any) -> Result:
    return CliRunner().invoke(parallax, ["dashboards", *map(str, words)])


def test_build_writes_a_file_of_each(tmp_path: Path):
    done = run("build", "--to", tmp_path)
    assert done.exit_code == 0, done.output
    assert {file.stem for file in tmp_path.glob("*.json")} == set(DASHBOARDS)
    assert run("build", "--only", "tls").output == (tmp_path / "tls.json").read_text()
    assert run("build", "--only", "x").exit_code == 2


def test_deploy_says_what_it_did_and_then_that_nothing_differs(tmp_path: Path):
    token = tmp_path / "token"
    write_private(token, f"{TOKEN}\n".encode())
    with grafana() as fake:
        place = ["--grafana", fake.url, "--token-file", token, "--influxdb", "http://127.0.0.1:8086"]
        first = run("diff", *place)
        assert "would make the folder Parallax" in first.output
        assert fake.writes == []
        done = run("deploy", *place, "--contact", "email:ops@example.org")
        assert done.exit_code == 0, done.output
        assert "made the alert rules" in done.output
        assert run("diff", *place).output == "nothing differs\n"
        assert run("deploy", *place, "--dry-run").output == "nothing differs\n"
        write_private(token, b"glsa_wrong")
        refused = run("deploy", *place)
        assert refused.exit_code == 1
        assert "--token-file" in refused.output
        assert "glsa_wrong" not in refused.output
    assert run("deploy").exit_code == 2
    assert run("deploy", *place, "--contact", "pigeon:x").exit_code == 2


def test_files_for_provisioning_are_written_once_and_hold_no_secret(tmp_path: Path):
    secret = tmp_path / "secret"
    write_private(secret, b"very-secret")
    config = tmp_path / "collector.toml"
    config.write_text(
        'state = "s"\nplan = "p"\n[[series]]\nname = "v"\nkind = "victoriametrics"\nurl = "http://127.0.0.1:8428"\n'
        '[[series]]\nname = "two"\nkind = "influxdb2"\nurl = "http://127.0.0.1:8086"\norg = "o"\n'
        f'token = "file:{secret}"\n'
    )
    words = ["deploy", "--to-dir", tmp_path / "out", "--config", config, "--contact", "webhook:https://x.example/h"]
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert run(*words).output == "nothing differs\n"
    files = {str(file): file.read_text() for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert len(files) == len(DASHBOARDS) + 3
    assert not any("very-secret" in text for text in files.values())
    source = json.loads((tmp_path / "out/provisioning/datasources/parallax.yaml").read_text())["datasources"][0]
    assert source["url"] == "http://127.0.0.1:8086"
    assert source["secureJsonData"] == {"httpHeaderValue1": "$PARALLAX_SERIES_SECRET"}
    rules = json.loads((tmp_path / "out/provisioning/alerting/parallax.yaml").read_text())
    assert rules["groups"][0]["rules"][0]["notification_settings"] == {"receiver": "Parallax"}
    assert "policies" not in rules


def test_without_the_extra_it_says_what_to_install():
    """As on a host without it: a finder that knows no such packages."""
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.partition('.')[0] in ('grafana_client', 'grafana_foundation_sdk'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "sys.argv = ['parallax', 'dashboards', 'build']\n"
        "from parallax.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert 'pip install "parallax-monitor[dashboards]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_grafana_that_cannot_be_asked_is_one_line(tmp_path: Path):
    write_private(tmp_path / "token", TOKEN.encode())
    done = run("diff", "--grafana", "http://127.0.0.1:1", "--token-file", tmp_path / "token")
    assert done.exit_code == 1
    assert done.output.endswith("[Errno 111] Connection refused; is it running?\n")
    assert " object at " not in done.output
    wrong = run("diff", "--grafana", "grafana.example", "--token-file", tmp_path / "token")
    assert (wrong.exit_code, wrong.output) == (2, "parallax: grafana.example is no URL of a Grafana: https://HOST\n")


def test_preview_says_where_it_cannot_ask(tmp_path: Path):
    done = run("preview", "--influxdb", "http://127.0.0.1:1", "--to", tmp_path / "x.html")
    assert done.exit_code == 2
    assert "is it running?" in done.output
    assert run("preview").exit_code == 2


@pytest.mark.slow
async def test_preview_says_what_an_influxdb_lacks(tmp_path: Path):
    ask = ["preview", "--to", tmp_path / "x.html", "--influxdb"]
    async with influxdb() as db:
        empty = await trio.to_thread.run_sync(run, *ask, db.url)
        assert (empty.exit_code, empty.output) == (
            2,
            f"parallax: {db.url}: database not found: parallax; make it: parallax series setup, or name another: "
            "--database\n",
        )
    async with influxdb(auth=True) as db:
        closed = await trio.to_thread.run_sync(run, *ask, db.url)
        assert closed.exit_code == 2
        assert "answered 40" in closed.output
        assert "--config takes a token" in closed.output
