"""What an answer to a write means: a table. Pure.

    2xx                          done: the server has it
    400, 422 dropped=N           partial: it has the rest, N are refused for good
    400, 422 about the lines     split: half of them may be taken; one alone is refused for good
    413                          split
    404 database, 401, 403       wait: a person must mend it
    429, 5xx, no answer          retry

InfluxDB's own words are what tells a bad line from a bad request; a 400 that has none of them (a proxy's, say) is no
verdict on the lines, and must not cost them.
"""

import re
from typing import Literal

import msgspec

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0
WAIT_S = 15.0
MAX_RETRY_AFTER_S = 300.0
_DROPPED = re.compile(rb"dropped=(\d{1,9})")
_PARSE = re.compile(rb"unable to parse")
_OF_LINES = (
    b"partial write",
    b"unable to parse",
    b"field type conflict",
    b"beyond retention",
    b"max-values-per-tag",
    b"max-series-per-database",
    b"max key length",
    b'"code":"invalid"',
    b'"code":"unprocessable entity"',
    b"invalid line",
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a write. `failure` is a word where no status came. `fresh`: the server that answers may be another
    process than the one that answered before."""

    status: int | None = None
    body: bytes = b""
    failure: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    fresh: bool = False

    @property
    def words(self) -> str:
        """For people, one line."""
        said = " ".join(self.body[:300].decode("utf-8", "replace").split())
        if self.status is None:
            return f"{self.failure}: {self.detail}" if self.detail else self.failure
        return f"answered {self.status}: {said}" if said else f"answered {self.status}"


class Outcome(msgspec.Struct, frozen=True):
    """`rejected` points are refused for good; `way_out` is what a person can do. `hides_old`: points beyond the
    retention may be refused besides, and are not among `rejected`."""

    action: Literal["done", "split", "wait", "retry"]
    rejected: int = 0
    way_out: str = ""
    hides_old: bool = False


def outcome_of(answer: Answer, lines: int) -> Outcome:
    """What the sender does next. `lines`: how many were written."""
    status, body = answer.status, answer.body
    if status is None or status == 429 or status >= 500:
        return Outcome("retry")
    if 200 <= status < 300:
        return Outcome("done")
    if status == 413:
        return Outcome("split") if lines > 1 else Outcome("done", 1)
    if status in (400, 422):
        return _of_lines(body, lines)
    if status == 404:
        return Outcome("wait", way_out="make the database: parallax series setup")
    if status in (401, 403):
        return Outcome("wait", way_out="see to the token, user and password in the collector's config")
    return Outcome("wait", way_out="see to the url in the collector's config")


def _of_lines(body: bytes, lines: int) -> Outcome:
    if b"partial write" in body and (dropped := _DROPPED.search(body)):
        # InfluxDB gives one cause of a write: another one takes the place of points that were too old
        return Outcome("done", min(int(dropped[1]), lines), hides_old=b"beyond retention" not in body)
    if b"partial write" in body and b'"data"' in body:  # InfluxDB 3 names every line that it refuses
        return Outcome("done", _of_influxdb3(body, lines))
    if b"partial write" in body and (bad := len(_PARSE.findall(body))):
        return Outcome("done", min(bad, lines))
    if any(words in body for words in _OF_LINES):
        return Outcome("split") if lines > 1 else Outcome("done", 1)
    return Outcome("wait", way_out="see to the url, database and org in the collector's config")


def _of_influxdb3(body: bytes, lines: int) -> int:
    try:
        found = msgspec.json.decode(body)["data"]
    except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError):
        return lines
    return min(len(found), lines) if isinstance(found, list) else lines


def retry_s(tries: int, answer: Answer) -> float:
    """How long to wait after so many tries that failed."""
    if answer.retry_after_s is not None:
        return min(max(answer.retry_after_s, 0.0), MAX_RETRY_AFTER_S)
    return min(FIRST_RETRY_S * 2.0 ** min(tries - 1, 10), LAST_RETRY_S)
