import os
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parallax.loading.convert import fields_of
from parallax.plan.alert_types import Receiver
from parallax.plan.kinds import SPECS
from parallax.plan.load import MANY, SINGLE, load_plan, load_plan_source, plan_notes
from parallax.plan.source import PlanErrors, PlanSource, read_plan_source
from parallax.plan.types import CheckKeys, Plan
from parallax.values import Address, Duration

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
CHECK = '[[check]]\nname = "{}"\nkind = "tls"\ntargets = ["a.example"]\n'


def refusal(path: Path) -> str:
    with pytest.raises(PlanErrors) as caught:
        load_plan(path)
    return str(caught.value).replace(str(path), "HERE")


def test_the_examples_load_and_say_what_the_owner_should_know() -> None:
    assert plan_notes(load_plan(EXAMPLES / "small.toml")) == [
        "without addresses in [control] a probe cannot tell its own dead uplink from dead targets"
    ]
    plan = load_plan(EXAMPLES / "fleet")
    own = [check for check in plan.check if not check.member]
    assert [check.name for check in own] == ["name servers", "front door", "api", "standby"]
    assert [str(check.period) for check in own] == ["30s", "10s", "30s", "5m"]
    assert plan.resolver[0].address == "192.0.2.53:53"
    assert not [note for note in plan_notes(plan) if "failover" in note]


def test_every_section_of_a_plan_has_a_place_in_the_value() -> None:
    assert {"schema", *SINGLE, *MANY} == set(Plan.__struct_fields__)


def test_no_kind_has_a_key_that_every_check_has() -> None:
    for kind in SPECS.values():
        assert not fields_of(kind.spec).keys() & fields_of(CheckKeys).keys()


def test_a_folder_is_read_in_name_order_and_lists_are_joined(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(CHECK.format("second") + '[defaults]\nperiod = "60s"\n')
    (tmp_path / "a.toml").write_text(CHECK.format("first"))
    (tmp_path / ".hidden.toml").write_text("not toml")
    (tmp_path / "notes.txt").write_text("not toml")
    plan = load_plan(tmp_path)
    assert [check.name for check in plan.check] == ["first", "second"]
    assert {check.period for check in plan.check} == {Duration(60)}


WINDOW = '[[component]]\nname = "Mail"\n[[maintenance]]\nname = "m"\ncomponents = ["Mail"]\ncalendar = "up.ics"\n'
ICS = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "UID:a",
        "DTSTART:20260301T020000Z",
        "DURATION:PT2H",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
)


def test_a_calendar_may_stand_as_a_file_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(CHECK.format("a") + WINDOW)
    (tmp_path / "up.ics").write_bytes(ICS.encode())
    (tmp_path / ".hidden.ics").write_text("no calendar")
    (tmp_path / "nobodys.ics").write_text("no calendar")
    plan = load_plan(tmp_path)
    assert plan.maintenance[0].calendar == ICS
    source = read_plan_source(tmp_path)
    assert list(source.files) == ["a.toml", "nobodys.ics", "up.ics"]
    assert load_plan_source(source) == plan
    (tmp_path / "up.ics").write_bytes(ICS.replace("0301", "0308").encode())
    assert read_plan_source(tmp_path).hash != source.hash


def test_a_calendar_file_that_is_not_there_or_is_none_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(CHECK.format("a") + WINDOW)
    place = 'HERE/a.toml:10: [[maintenance]] "m": calendar: '
    assert refusal(tmp_path) == (
        place + 'there is no file "up.ics" in the plan; such files stand in the plan\'s folder, beside its *.toml'
    )
    (tmp_path / "upp.ics").write_text(ICS)
    assert refusal(tmp_path) == place + 'there is no file "up.ics" in the plan; did you mean "upp.ics"?'
    (tmp_path / "up.ics").write_text("BEGIN:VEVENT")
    assert refusal(tmp_path).startswith(place)
    for text in ("up.ics", "upp.ics"):
        (tmp_path / text).write_text(ICS)
    file.unlink()
    assert refusal(tmp_path) == "HERE: has no *.toml file; a plan is one file or a folder"


def test_a_section_that_is_there_once_stands_in_one_file(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text("schema = 1\n" + CHECK.format(name) + "[defaults]\n[control]\n")
    assert refusal(tmp_path).splitlines() == [
        "HERE/b.toml:1: schema: may stand in one file only; it is in HERE/a.toml too",
        "HERE/b.toml:6: defaults: may stand in one file only; it is in HERE/a.toml too",
        "HERE/b.toml:7: control: may stand in one file only; it is in HERE/a.toml too",
    ]


def test_names_are_unique_over_the_files_of_a_folder(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text(CHECK.format("same"))
    assert refusal(tmp_path) == (
        'HERE/b.toml:2: [[check]] "same": name: "same" is there already; give every [[check]] its own'
    )


def test_every_broken_file_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[[check]\n")
    (tmp_path / "b.toml").write_text(CHECK.format("b") + "zebra = 1\n")
    (tmp_path / "c.toml").write_text("x = \n")
    found = refusal(tmp_path).splitlines()
    assert [line.partition(": ")[0] for line in found] == ["HERE/a.toml:1", "HERE/c.toml:1"]


def test_what_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    assert refusal(file) == "HERE: cannot be read: No such file or directory"
    assert refusal(tmp_path) == "HERE: has no *.toml file; a plan is one file or a folder"
    file.write_bytes(b"# one\n# two\nname = '\xff'\n")
    assert refusal(file) == "HERE:3: is not UTF-8; save the file as UTF-8"
    file.write_bytes(b"#" * 1_000_001)
    assert refusal(file) == "HERE: is larger than 1 MB; split it into several files of one folder"
    assert refusal(file / "below") == "HERE: cannot be read: Not a directory"


def test_a_pipe_or_a_device_does_not_hang_the_loader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plan.toml")
    assert refusal(tmp_path / "plan.toml") == "HERE: is no file"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * 500 + "]" * 500,
        "a" + ".a" * 100_000 + " = 1",
        "[" + "'a'. " * 9999 + "a]",
    ],
    ids=["lists", "lists that close", "dotted key", "dotted header"],
)
def test_hostile_nesting_is_one_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    assert refusal(file) == "HERE: nests tables or lists deeper than 16; nothing here needs that"


def test_texts_with_many_dots_are_not_nesting(tmp_path: Path) -> None:
    name = "1." * 32 + "ip6.arpa"
    file = tmp_path / "plan.toml"
    file.write_text(f"# {name}\n" + CHECK.format(name) + f"server_name = '{name}'\n")
    assert load_plan(file).check[0].name == name


@pytest.mark.parametrize("text", ['\\"' * 499_000, "a" * 999_000, '"a" ' * 249_000, "a." * 16 + "\n" + "[" * 999_000])
def test_a_hostile_megabyte_is_refused_soon(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    assert "HERE" in refusal(file)


def test_numbers_that_python_cannot_hold_are_problems(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f"schema = 1{'0' * 5000}\n")
    assert "is not TOML" in refusal(file)
    file.write_text(f'schema = 1{"0" * 400}\n[[probe]]\nid = "a"\nasn = 1{"0" * 400}\nlocation = [1{"0" * 400}, 0]\n')
    assert refusal(file).splitlines() == [
        "HERE:1: schema: a huge number is a schema that this version does not know; it reads 1",
        'HERE:4: [[probe]] "a": asn: a huge number is out of bounds; wants 1 to 4294967295',
        'HERE:5: [[probe]] "a": location entry 1: 1e+20 is out of bounds; wants -90 to 90',
    ]


def test_a_plan_has_at_most_ten_thousand_pairs(tmp_path: Path) -> None:
    for number in range(2):
        targets = [f"{i}.example" for i in range(5000 + number)]
        (tmp_path / f"{number}.toml").write_text(f'[[check]]\nname = "{number}"\nkind = "tls"\ntargets = {targets}\n')
    assert refusal(tmp_path) == (
        'HERE/1.toml:4: [[check]] "1": targets: brings the plan past 10000 pairs of check and target'
    )


def test_a_source_reads_back_the_same_plan(tmp_path: Path) -> None:
    source = read_plan_source(EXAMPLES / "fleet")
    stored = msgspec.json.decode(msgspec.json.encode(source), type=PlanSource)
    assert load_plan_source(stored) == load_plan(EXAMPLES / "fleet")
    assert stored.hash == source.hash
    touched = {**source.files, "people.toml": source.files["people.toml"] + "\n"}
    assert PlanSource(touched).hash != source.hash


def test_problems_of_a_stored_source_name_its_files() -> None:
    with pytest.raises(PlanErrors, match=r"^plan\.toml:1: zebra: unknown section"):
        load_plan_source(PlanSource({"plan.toml": "zebra = 1\n"}))


_KEYS = st.sampled_from(sorted({*SINGLE, *MANY, "schema", *fields_of(CheckKeys), "query", "assert", "headers", "x"}))
_LEAVES = st.one_of(
    st.none().map(lambda _: "30s"), st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.datetimes(),
    st.sampled_from(["dns", "tls", "http", "dns.zone", "secret:A", "https://a.example/", "192.0.2.1:53"]),
)  # fmt: skip
_TABLES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=6)),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(_KEYS, st.one_of(st.lists(st.dictionaries(_KEYS, _TABLES), max_size=3), _TABLES), max_size=4))
def test_any_toml_at_all_is_a_plan_or_problems(table: dict[str, object]) -> None:
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
    tomllib.loads(text)
    try:
        load_plan_source(PlanSource({"plan.toml": text}))
    except PlanErrors as errors:
        problems = errors.problems
    else:
        return
    assert problems
    assert all(len(str(problem)) < 3000 for problem in problems)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) < 0xE000) + '"'
    if isinstance(value, float | int):
        return str(value)
    return value.isoformat()  # type: ignore[attr-defined, no-any-return]


def test_who_fetches_charts_is_told_where_that_is_set() -> None:
    pinned = Address("192.0.2.1:443")
    kinds = ("slack", "teams", "pagerduty", "grafana-irm", "discord", "email")
    plan = Plan(receiver=[Receiver(name=kind, kind=kind, address=pinned) for kind in kinds])
    assert [note for note in plan_notes(plan) if "chart" in note] == [
        f'[[receiver]] "{kind}" shows a chart where the collector\'s config has `charts`: {kind} fetches it from there'
        for kind in kinds[:4]
    ]
