"""What `parallax query` prints, and what it says when it cannot."""

import json
from pathlib import Path

from click.testing import CliRunner

from parallax.cli import parallax
from parallax.cli.query import as_csv, as_text

TABLE = {
    "columns": ["name", "n", "share", "on", "more"],
    "rows": [
        ["a", 10, 0.5, True, {"k": [1]}],
        ["\x1b[31mlong name", 7, None, False, None],
        [None, None, 12.25, None, 1],
    ],
    "more": False,
}


def test_text_is_aligned_and_clean():
    assert as_text(TABLE).splitlines() == [
        "name                n  share  on     more",
        'a                  10    0.5  true   {"k":[1]}',
        "\\x1b[31mlong name   7      -  false  -",
        "-                   -  12.25  -      1",
    ]
    assert as_text({"columns": ["a"], "rows": []}) == "a"


def test_csv_quotes_what_needs_it():
    table = {"columns": ["a", "b"], "rows": [['x,"y"', None], ["two\nlines", [1, 2]], [True, 1.5]]}
    assert as_csv(table) == 'a,b\r\n"x,""y""",\r\n"two\nlines","[1,2]"\r\ntrue,1.5\r\n'


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(parallax, ["query", *arguments])
    return result.exit_code, result.output


def test_one_question_is_needed(tmp_path: Path):
    for arguments in ((), ("--tables", "SELECT 1")):
        status, said = run(*arguments, "--state", str(tmp_path))
        assert (status, said) == (
            2,
            'parallax: say what to ask: parallax query "SELECT ...", or parallax query --tables\n',
        )


def test_without_a_collector(tmp_path: Path):
    status, said = run("SELECT 1", "--state", str(tmp_path))
    assert status == 2
    assert "no collector runs" in said


def test_a_collector_that_does_not_answer_is_unknown(tmp_path: Path):
    way = {"url": "http://127.0.0.1:1", "token": "t", "certificate": None}
    (tmp_path / "owner.json").write_text(json.dumps(way))
    assert run("SELECT 1", "--state", str(tmp_path))[0] == 3
