"""The lives of alerts, out of the history's file."""

from pathlib import Path

import duckdb
import pytest

from collector.events import AlertRouted, FailoverChanged
from collector.history.store import FILE, open_store
from collector.inputs import DeliveryInput, encode_input
from parallax.clock import NS
from tests.collector.test_lives import alert, came
from tests.fakes.events import AT, incident
from tests.fakes.histories import world
from tests.fakes.observations import observation

pytestmark = pytest.mark.slow


async def test_alerts_are_found_by_incident_key_and_id(tmp_path: Path) -> None:
    async with world(tmp_path, now=AT + 60 * NS) as here:
        await here.take(observation(started_at=AT))
        await here.conclude(incident(at=AT), alert(1), alert(2, key="edge/blocked"), alert(3, incident=None, key="r1"))
        await here.conclude(alert(4, of=(), about="watchdog", incident=None))
        lines: list[DeliveryInput] = [came("a1", "retried"), came("a1", tries=2), came("a2", key="edge/blocked")]
        await here.inputs.append([encode_input(line, at_ns=line.at) for line in lines])
        async with here.history(tmp_path / "history") as history:
            found = await history.alerts(incident="i1")
            assert [(life.id, life.told[0].outcome, len(life.told[0].tries)) for life in found] == [
                ("a1", "sent", 2),
                ("a2", "sent", 1),
            ]
            for about, ids in {"edge/blocked": ["a2"], "a3": ["a3"], "r1": ["a3"], "i1": ["a1", "a2"], "'": []}.items():
                assert [life.id for life in await history.alerts(about=about)] == ids, about
            assert [life.id for life in await history.alerts(limit=2)] == ["a2", "a3"]
            story = await history.incident("i1")
            assert story is not None
            assert not [event for event in story.events if isinstance(event.data, AlertRouted)]
            assert (await history.query("SELECT count(*) FROM event WHERE type = 'alert.trigger'")).rows == [[3]]
            assert (await history.query("SELECT outcome, tries FROM delivery WHERE alert = 'a1'")).rows == [
                ["retried", 1],
                ["sent", 2],
            ]


async def test_what_is_said_of_a_group_is_in_its_incident(tmp_path: Path) -> None:
    said = FailoverChanged(word="blocked", group="edge", title="edge is blocked", incident="i1")
    async with world(tmp_path, now=AT + 60 * NS) as here:
        event = incident(at=AT)
        await here.conclude(event, type(event)(id="f1", at=AT, cause=1, data=said))
        async with here.history(tmp_path / "history") as history:
            story = await history.incident("i1")
            assert story is not None
            assert [event.id for event in story.events] == ["i1-opened", "f1"]


def test_a_file_from_before_gets_the_table(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with duckdb.connect(str(tmp_path / FILE)) as db:
        db.execute("DROP TABLE delivery").fetchall()
    store = open_store(tmp_path)
    try:
        assert store.reading().run("SELECT count(*) FROM delivery", most=1)[1] == [(0,)]
    finally:
        store.close()
