"""The log's two forms, and whose lines pass."""

import io
import json
import logging
import subprocess
import sys

import pytest

from parallax.log import JsonForm, Log, TextForm
from parallax.secret import Secret
from parallax.values import Address


class Lines:
    """A log whose lines are kept."""

    def __init__(self, form: logging.Formatter) -> None:
        self._text = io.StringIO()
        handler = logging.StreamHandler(self._text)
        handler.setFormatter(form)
        self.logger = logging.Logger("probe.x")
        self.logger.addHandler(handler)
        self.log = Log(self.logger)

    @property
    def text(self) -> str:
        return self._text.getvalue()


def test_a_line_of_json_has_the_event_and_its_fields():
    lines = Lines(JsonForm())
    lines.log.warning("100% off", address=Address("192.0.2.1:53"), count=3, level="mine", token=Secret("t0ken"))
    line = json.loads(lines.text)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "100% off",
        "logger": "probe.x",
        "address": "192.0.2.1:53",
        "count": 3,
        "token": "Secret('***')",
    }


def test_text_stays_on_one_line_whatever_is_in_it():
    lines = Lines(TextForm())
    lines.log.error("refused", detail="a\nb\x1b[31m", wait_s=0.5)
    assert lines.text.endswith(" error   refused detail='a\\nb\\x1b[31m' wait_s=0.5\n")
    assert lines.text.count("\n") == 1


@pytest.mark.parametrize("form", [JsonForm(), TextForm()])
def test_a_bug_has_its_traceback_without_the_values_of_variables(form: logging.Formatter):
    lines = Lines(form)
    password = "hunter2"
    try:
        [][len(password)]
    except IndexError:
        lines.log.exception("bug")
    assert "IndexError: list index out of range" in lines.text
    assert "test_log.py" in lines.text
    assert password not in lines.text.replace('password = "hunter2"', "")


def test_what_libraries_log_has_the_same_form():
    lines = Lines(JsonForm())
    lines.logger.warning("%d connections", 3)
    assert json.loads(lines.text)["event"] == "3 connections"


@pytest.mark.parametrize(("level", "passed"), [("info", ["ours", "theirs!"]), ("error", ["ours!", "theirs!!"])])
def test_from_a_level_on_and_of_libraries_the_warnings(level: str, passed: list[str]):
    code = (
        "import logging\n"
        "from parallax.log import get_log, set_up\n"
        f"set_up({level!r}, as_json=True)\n"
        "ours, theirs = get_log('probe.x'), logging.getLogger('anycorn')\n"
        "ours.info('ours'); ours.error('ours!')\n"
        "theirs.info('theirs'); theirs.warning('theirs!'); theirs.error('theirs!!')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert set(passed) <= set(events)
    assert "theirs" not in events
    assert ("ours" in events) == (level == "info")
