import pytest

from parallax.loading.lines import Lines, Path

TEXT = '''# [[check]] in a comment
schema = 1

[defaults]   # with a comment
period = "30s"

[[check]]
name = """
[[check]]
key = "in a string"
"""
targets = [
  "a",   # ] in a comment
  "]",
  'key = 1',
]
after = 1

  [[check]]
  "quoted" = "x = 1"
  dotted.key = 'it''s'
  inline = { a = 1, b = "}" }
  last = true
  [check.headers]
  accept = "a"

[control]
addresses = []
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("schema",), 2),
        (("defaults",), 4),
        (("defaults", "period"), 5),
        (("defaults", "missing"), 4),
        (("check", 0), 7),
        (("check", 0, "name"), 8),
        (("check", 0, "targets"), 12),
        (("check", 0, "targets", 1), 12),
        (("check", 0, "after"), 17),
        (("check", 0, "key"), 7),
        (("check", 1), 19),
        (("check", 1, "quoted"), 20),
        (("check", 1, "dotted"), 21),
        (("check", 1, "inline", "a"), 22),
        (("check", 1, "last"), 23),
        (("check", 1, "headers"), 24),
        (("check", 1, "headers", "accept"), 25),
        (("control", "addresses"), 28),
        (("nowhere",), None),
    ],
)
def test_keys_are_found_where_they_stand(path: Path, line: int | None) -> None:
    assert Lines(TEXT).of(path) == line


@pytest.mark.parametrize(
    "value",
    [
        '"a # b"',
        r'"\" [[check]]"',
        "'\\'",
        '"""a\n"""',
        '"""a""""',
        "'''a\nb'''''",
        "[[1, 2], [3]]",
        '{ a = "}" }',
        "1",
    ],
)
def test_a_value_is_skipped_whole(value: str) -> None:
    text = f"first = {value}\nsecond = 2\n"
    assert Lines(text).of(("second",)) == text.count("\n")
