"""docs/history.md: every column is there, and every query runs."""

import re
from pathlib import Path

import pytest

from collector.events import Event, Noticed, Runway
from collector.history.tables import TABLES
from parallax.clock import NS
from parallax.observation import Phase
from tests.fakes.events import incident, risk
from tests.fakes.histories import AT, some, world
from tests.fakes.observations import observation

PAGE = (Path(__file__).parents[3] / "docs" / "history.md").read_text("utf-8")
RUNWAY = Runway(names=("a.example",), earliest_at=AT, latest_at=AT + 60 * NS, sampled=3, expired=1)
NOTICE = Noticed(word="site_lost", title="Site fra of ns1 is gone", before=("fra",), after=("iad",))
QUERIES = re.findall(r"\n([^\n]+):\n\n```sql\n(.*?)```", PAGE, re.DOTALL)


def test_every_table_and_column_is_there():
    for name, (_, columns) in TABLES.items():
        part = PAGE.partition(f"### {name}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
        listed = re.findall(r"^\| `(\w+)` \| (\S+) \| (.+) \|$", part, re.MULTILINE)
        assert listed == [(column.name, column.type, column.meaning) for column in columns], name


@pytest.mark.slow
async def test_every_query_gives_something(tmp_path: Path):
    assert len(QUERIES) >= 10
    phases = [Phase("lookup", 0, 1_000_000), Phase("connect", 1_000_000, 2_000_000)]
    health = {"lag_s": 0.5, "clock_offset_s": -2.0, "rss": 50_000_000}
    async with world(tmp_path) as here:
        await here.take(*some(dims={"region": "eu"}, phases=phases, site="fra1"))
        await here.take(*some(AT + 100 * NS, site="ams1", reason="http_status", findings={"status": 503}))
        await here.take(observation(kind="probe.health", started_at=AT, findings=health))
        await here.conclude(incident(at=AT), incident(change="resolved", at=AT + 60 * NS))
        await here.conclude(risk(at=AT, runway=RUNWAY), Event(id="n1", at=AT, cause=1, data=NOTICE))
        async with here.history(tmp_path / "history") as history:
            while (await history.query("SELECT count(*) FROM minute")).rows == [[0]]:
                pass
            for name, sql in QUERIES:
                # the test's observations are of one day in 2026
                table = await history.query(sql.replace("now()", "TIMESTAMP '2026-09-21 15:00:00'"))
                assert table.rows, name
                assert not table.more
                await history.query(sql)
