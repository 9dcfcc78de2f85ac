"""What may be asked from outside, and what comes of those who ask for something else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from collector.history import History, QueryError, open_history
from parallax.config import CollectorLimits
from tests.fakes.histories import some, world


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    async with world(tmp_path) as here:
        await here.take(*some(number=50))
        async with here.history(tmp_path / "history") as history:
            yield history


TAKEN: tuple[tuple[str, list[list[object]]], ...] = (
    ("SELECT 1;", [[1]]),
    ("-- a remark\nSELECT 1 -- and another", [[1]]),
    ("VALUES (1), (2)", [[1], [2]]),
    ("WITH t AS (SELECT 3 AS x) FROM t", [[3]]),
    ("SELECT count(*) FROM observation", [[50]]),
    ("SELECT range FROM range(3)", [[0], [1], [2]]),
    ("SELECT x, key FROM unnest([1]) t(x), json_each('{\"a\": 2}')", [[1, "a"]]),
    ("SELECT column_name FROM duckdb_columns() WHERE table_name = 'due'", [["minute"]]),
    ("SELECT 'a' AS \"repeat\"", [["a"]]),
    ("SELECT TIMESTAMPTZ '2026-01-02 03:04:05+01' AS t, 1 AS t", [["2026-01-02T02:04:05", 1]]),
    ("SELECT 'nan'::DOUBLE, 1.5::DECIMAL(4,1), 'x'::BLOB, DATE '2026-01-02'", [[None, 1.5, "78", "2026-01-02"]]),
    ("SELECT 170141183460469231731687303715884105727", [["170141183460469231731687303715884105727"]]),
    ("SELECT [1, NULL], {'a': DATE '2026-01-02'}, MAP {'k': 1}", [[[1, None], {"a": "2026-01-02"}, {"k": 1}]]),
    ("SELECT INTERVAL 90 SECOND", [["0:01:30"]]),
)


async def test_what_may_be_asked(history: History):
    for sql, rows in TAKEN:
        assert (await history.query(sql)).rows == rows, sql


@pytest.mark.parametrize("sql", ["DESCRIBE minute", "SHOW TABLES", "SUMMARIZE due", "EXPLAIN SELECT 1"])
async def test_what_tells_of_the_tables(history: History, sql: str):
    assert (await history.query(sql)).rows


REFUSED = (
    ("", "0 statements"),
    ("-- nothing", "0 statements"),
    ("SELECT 1; SELECT 2", "2 statements"),
    ("SELECT 1; DROP TABLE minute", "2 statements"),
    ("DROP TABLE minute", "kind DROP"),
    ("INSERT INTO due VALUES (now())", "kind INSERT"),
    ("UPDATE cursor SET position = 0", "kind UPDATE"),
    ("DELETE FROM observation", "kind DELETE"),
    ("CREATE TABLE t (x INT)", "kind CREATE"),
    ("BEGIN", "kind TRANSACTION"),
    ("COMMIT", "kind TRANSACTION"),
    ("CHECKPOINT", "kind"),
    ("SET threads = 1", "kind SET"),
    ("PRAGMA database_list", "kind PRAGMA"),
    ("CALL pragma_version()", "kind CALL"),
    ("PREPARE p AS SELECT 1", "kind PREPARE"),
    ("INSTALL httpfs", "kind LOAD"),
    ("LOAD httpfs", "kind LOAD"),
    ("ATTACH '/tmp/other.duckdb'", "kind ATTACH"),
    ("COPY observation TO '/tmp/out.csv'", "kind COPY"),
    ("EXPORT DATABASE '/tmp/out'", "kind"),
    ("EXPLAIN ANALYZE DELETE FROM observation", "EXPLAIN ANALYZE"),
    ("EXPLAIN (ANALYZE) SELECT 1", "EXPLAIN ANALYZE"),
    ("WITH x AS (INSERT INTO due VALUES (NULL) RETURNING *) SELECT * FROM x", "would change something"),
    ("WITH x AS (DELETE FROM observation RETURNING *) SELECT count(*) FROM x", "would change something"),
    ("SELECT * FROM read_csv('/etc/passwd')", "files and the network"),
    ("SELECT * FROM read_text('/etc/passwd')", "files and the network"),
    ("SELECT * FROM glob('/etc/*')", "files and the network"),
    ("SELECT * FROM '/etc/passwd.csv'", "files and the network"),
    ("SELECT * FROM 'http://127.0.0.1:1/x.csv'", "files and the network"),
    ("SELECT getenv('HOME')", "getenv does not exist"),
    ("SELECT * FROM history", "history does not exist"),
    ("SELECT nope FROM observation", '"nope" not found'),
    ("SELEC 1", "syntax error"),
    ("SELECT ?", "parameters"),
    ("SELECT repeat('x', 1000000000)", "repeat() is not taken"),
    ("EXPLAIN SELECT repeat('x', 1000000000)", "repeat() is not taken"),
    ("SELECT system.main.rpad('x', 1000000000, 'x')", "rpad() is not taken"),
    ("SELECT 1 FROM range(length(lpad('x', 9, 'x')))", "lpad() is not taken"),
    ("SELECT * FROM (SELECT list_sum(range(300000000)))", "range() is not taken"),
    ("WITH t AS (SELECT 1 WHERE 'x' = (SELECT repeat('x', 9))) FROM t", "repeat() is not taken"),
    ("SELECT * FROM query('SELECT repeat(''x'', 9)')", "query() is not taken in a FROM"),
    ("SELECT (SELECT 1 FROM query('SELECT 1'))", "query() is not taken in a FROM"),
    ("EXPLAIN SELECT * FROM query('SELECT 1')", "query() is not taken in a FROM"),
    ("SUMMARIZE SELECT * FROM query('SELECT 1')", "query() is not taken in a FROM"),
    ("FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", "json_execute_serialized_sql() is not taken"),
    ("SELECT * FROM main.checkpoint()", "checkpoint() is not taken"),
    ("SELECT * FROM pandas_scan(1)", "pandas_scan() is not taken"),
    ("SELECT replace('aa', 'a', 'bb')", "replace() is not taken"),
    ("SELECT concat_ws('x', 1, 2)", "concat_ws() is not taken"),
    ("SELECT list_reduce(['a'], lambda x, y: x || x)", "list_reduce() is not taken"),
    ("-- explain\nEXPLAIN SELECT repeat('x', 9)", ""),
    ("SELECT list(x) FROM range(100000000) t(x)", "more memory"),
    ("SELECT list(x) FROM range(1000000) t(x)", "the first row alone"),
    ("SELECT [TIMESTAMPTZ '2026-01-02 03:04:05+01']", "write ::TIMESTAMP"),
    ("SELECT 1 /*" + "x" * 30_000 + "*/", "characters"),
    ("SELECT " + "(" * 3_000 + "1" + ")" * 3_000, ""),
    ("SELECT '\ud800'", ""),
    ("SELECT 1 \x00 FROM observation", ""),
)


async def test_what_is_refused(history: History):
    for sql, words in REFUSED:
        with pytest.raises(QueryError) as caught:
            await history.query(sql)
        assert words in str(caught.value), sql
        assert "\n" not in str(caught.value), sql
    figures = "SELECT (SELECT count(*) FROM observation), (SELECT count(*) FROM cursor)"
    assert (await history.query(figures)).rows == [[50, 2]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(10000000) a, range(10000000) b",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
        "SELECT count(*) FROM observation a, observation b, observation c, observation d, observation e, observation f",
    ],
)
async def test_what_takes_too_long_is_stopped(history: History, sql: str):
    with trio.fail_after(60), pytest.raises(QueryError, match=r"took more than 0\.2 s"):
        await history.query(sql, timeout_s=0.2)
    assert (await history.query("SELECT 1")).rows == [[1]]


async def test_what_makes_the_process_grow_is_stopped(tmp_path: Path):
    async with open_history(tmp_path / "history", CollectorLimits(), memory_bytes=0) as history:
        with trio.fail_after(60), pytest.raises(QueryError, match="took too much memory"):
            await history.query("SELECT count(*) FROM range(10000000) a, range(10000000) b")


async def test_rows_and_octets_are_bounded(history: History):
    table = await history.query("SELECT * FROM range(1000000000)", max_rows=3)
    assert (table.rows, table.more) == ([[0], [1], [2]], True)
    table = await history.query("SELECT 1 FROM range(3)", max_rows=3)
    assert (len(table.rows), table.more) == (3, False)
    table = await history.query("SELECT sha256(x::VARCHAR) FROM range(100000) t(x)", max_rows=100_000)
    assert table.more
    assert 40_000 < len(table.rows) < 100_000


async def test_many_at_once_take_their_turn(history: History):
    answers: list[int] = []

    async def ask(n: int) -> None:
        answers.append((await history.query(f"SELECT {n} + 0 * count(*) FROM range(3000000)")).rows[0][0])

    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(ask, n)
    assert sorted(answers) == list(range(20))
