"""POST /v1/query as bytes: what is asked, and what is answered. Pure."""

import msgspec

from collector.history.types import QueryError

MAX_BODY = 100_000


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request's body, JSON."""

    sql: str
    max_rows: int = 10_000


def read_query(body: bytes) -> Query:
    """Raises QueryError."""
    try:
        query = msgspec.json.decode(body, type=Query)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise QueryError(f'the body is to be {{"sql": "SELECT ..."}}: {error}') from None
    if not 1 <= query.max_rows <= 100_000:
        raise QueryError(f"max_rows is {query.max_rows}; 1 to 100000 are taken")
    return query
