"""A query from outside: what may be asked, and its answer as JSON's values. Blocking.

Four fences, as each has holes: the kind of statement (one SELECT or EXPLAIN), DuckDB's locked settings (no files, no
network, no extensions), a transaction that cannot write (a SELECT may hold an INSERT), and bounds on time, rows, octets
and memory. DuckDB's own memory limit does not see what some functions make in one go, `repeat` above all: those are not
called at all. Nor are functions of a FROM but for a few: some take SQL as text, past these fences, some an address.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from collector.history.store import ReadDamaged, ReadError, Reading
from collector.history.types import QueryError, Table

MAX_BYTES = 4_000_000
MAX_SQL = 20_000
_GREEDY = frozenset({"repeat", "lpad", "rpad", "list_resize", "array_resize", "bitstring", "format", "printf"}) | {
    "range",
    "generate_series",
    "replace",
    "regexp_replace",
    "concat_ws",
    "list_reduce",
    "array_reduce",
    "reduce",
}
"""Functions of values whose result may be as large as one likes. `range` of a FROM is no such: its rows come one by
one."""
_TABLES = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree", "pragma_table_info"}) | {
    f"duckdb_{what}" for what in ("columns", "functions", "indexes", "keywords", "schemas", "tables", "types", "views")
}
"""Functions that may stand in a FROM."""
_ONLY = "only one SELECT is taken here (or DESCRIBE, SHOW, SUMMARIZE, VALUES, EXPLAIN)"
_EXPLAIN = re.compile(r"\s*explain\b\s*", re.IGNORECASE)


def answer(reading: Reading, sql: str, max_rows: int) -> Table:
    """What the query gives. Raises QueryError, ReadDamaged, Interrupted."""
    try:
        statement = _permitted(reading, sql)
        columns, rows = reading.run(statement, most=max_rows + 1)
    except ReadDamaged:
        raise
    except ReadError as error:
        raise QueryError(_told(str(error))) from None
    more = len(rows) > max_rows
    plain: list[list[Any]] = []
    octets = 0
    for row in rows[:max_rows]:
        values = [_plain(value) for value in row]
        octets += len(msgspec.json.encode(values))
        if octets > MAX_BYTES:
            if not plain:
                raise QueryError(f"the first row alone is more than {MAX_BYTES} octets: ask for less of it")
            more = True
            break
        plain.append(values)
    return Table(columns=tuple(name for name, _ in columns), rows=plain, more=more)


def _permitted(reading: Reading, sql: str) -> str:
    """The one statement. Raises QueryError, ReadError."""
    if len(sql) > MAX_SQL:
        raise QueryError(f"the query has {len(sql)} characters; at most {MAX_SQL} are taken")
    try:
        sql.encode()
    except UnicodeEncodeError:
        raise QueryError("the query holds half a character (a lone surrogate)") from None
    if "\0" in sql:
        raise QueryError("the query holds a character NUL, where DuckDB would take it to end")
    kinds = reading.kinds(sql)
    if len(kinds) != 1:
        raise QueryError(f"{len(kinds)} statements; {_ONLY}")
    kind, statement = kinds[0]
    statement = statement.strip().rstrip(";")
    inner = statement
    if kind == "EXPLAIN":
        inner = _EXPLAIN.sub("", statement, count=1)
        if re.match(r"analy[sz]e\b|\(", inner, re.IGNORECASE):
            raise QueryError("EXPLAIN ANALYZE is not taken: run the query itself")
    elif kind != "SELECT":
        raise QueryError(f"this is a statement of the kind {kind}; {_ONLY}")
    tree = _tree(reading, inner)
    if isinstance(tree, dict) and tree.get("error_type") == "not implemented":
        raise QueryError(f"this cannot be looked through; {_ONLY}")
    foreign = sorted(set(_table_functions(tree)) - _TABLES)
    if foreign:
        raise QueryError(
            f"{foreign[0][:100]}() is not taken in a FROM: files and the network cannot be read from here, only the "
            f"history's own tables; functions there are {', '.join(sorted(_TABLES))}"
        )
    greedy = sorted(set(_functions(tree)) & _GREEDY)
    if greedy:
        raise QueryError(f"{greedy[0]}() is not taken: its result may outgrow the collector's memory")
    return statement


def _tree(reading: Reading, statement: str) -> object:
    """The statement as DuckDB parses it; for SHOW and its like there is none."""
    _, rows = reading.run("SELECT json_serialize_sql(?::VARCHAR)", (statement,), most=1)
    try:
        return msgspec.json.decode(rows[0][0])
    except (msgspec.DecodeError, RecursionError):
        raise QueryError("the query is nested too deeply") from None


def _table_functions(tree: object) -> Iterator[str]:
    """Names of the functions that it calls in a FROM."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            table = node.get("function") if node.get("type") == "TABLE_FUNCTION" else None
            if isinstance(table, dict):
                yield str(table.get("function_name")).lower()
            waiting += node.values()


def _functions(tree: object) -> Iterator[str]:
    """Names of the functions that it calls on values."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name = node.get("function_name")
            if isinstance(name, str):
                yield name.lower()
            table = node.get("function") if node.get("type") == "TABLE_FUNCTION" else None
            if isinstance(table, dict):
                waiting += [value for key, value in table.items() if key != "function_name"]
                waiting += [value for key, value in node.items() if key != "function"]
            else:
                waiting += node.values()


def _told(message: str) -> str:
    """DuckDB's message for the one who asked."""
    if "pytz" in message:
        return "a time with a zone inside of another value: write ::TIMESTAMP behind it"
    if "read-only mode" in message:
        return f"this would change something; {_ONLY}"
    if "operations are disabled by configuration" in message:
        return "files and the network cannot be read from here, only the history's own tables"
    if message.startswith("Out of Memory"):
        return "the query needs more memory than it may have: ask for less time, fewer columns or fewer groups"
    return message


def _plain(value: object) -> object:
    """As JSON has it. What JSON has no form for becomes text."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case bytes():
            return value.hex()
        case list() | tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
    return str(value)
