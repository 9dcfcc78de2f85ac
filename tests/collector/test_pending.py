"""What is pending is no outcome: nothing on the collector's side takes it for one."""

from collector.detect import board_of
from collector.history.rows import input_rows
from parallax.clock import NS
from parallax.journal import Record
from parallax.observation import PENDING
from tests.collector.detect.scenes import Scene
from tests.collector.serving import observation
from tests.fakes.inputs import batch_entry

TARGET = "192.0.2.1:443"
PLAN = (
    "".join(f'[[probe]]\nid = "p{n}"\nasn = {64496 + n}\n' for n in range(5))
    + f'[[check]]\nname = "api"\nkind = "tls"\nexternal = false\ntargets = ["{TARGET}"]\n'
)


def test_history_has_outcomes_only() -> None:
    at = 1_790_000_000 * NS
    entry = batch_entry([observation(1, at=at, abstain=PENDING), observation(2, at=at, reason="connect_timeout")], at)
    record = Record(position=1, kind=entry.kind, body=entry.body, at_ns=entry.at_ns, count=entry.count)
    rows = input_rows([record])
    assert len(rows.observations) == 1
    assert "connect_timeout" in rows.observations[0]


def test_a_probe_whose_runs_wait_is_not_unwell_and_a_subject_keeps_its_last_word() -> None:
    scene = Scene(PLAN)
    scene.run(60)
    before = board_of(scene.state).checks[0].subjects[0].latest
    for _ in range(60):
        scene.t += 0.5
        scene.say("p0", [scene.observe("p0", "api", TARGET, TARGET, abstain=PENDING)])
    board = board_of(scene.state)
    assert {probe.state for probe in board.probes if probe.id == "p0"} == {"healthy"}
    (subject,) = board.checks[0].subjects
    assert subject.state == "up"
    assert next(e.at for e in subject.latest if e.probe == "p0") == next(e.at for e in before if e.probe == "p0")
    assert all(each.abstain is None for each in subject.latest)


def test_what_nobody_knows_is_not_made_known_by_what_is_pending() -> None:
    scene = Scene(PLAN)
    scene.say("p0", [scene.observe("p0", "api", TARGET, TARGET, abstain=PENDING)])
    assert scene.state.keys == {}
