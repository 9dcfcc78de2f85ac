"""Asks an InfluxDB by InfluxQL, for the preview. Blocks; one request at a time."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from dashboards.source import Source

TIMEOUT_S = 30.0
MOST_BYTES = 50_000_000
_SECRETS = "; --config takes a token, or user and password, from the collector's config: see to those of its [[series]]"
WAYS_OUT = {
    401: _SECRETS,
    403: _SECRETS,
    404: "; is it an InfluxDB, and on InfluxDB 2 mapped by parallax series setup?",
}
"""By status."""

Series = list[dict[str, Any]]
"""Each with `tags` (if it was grouped), `columns` and `values`; times in milliseconds since the Unix epoch."""
Ask = Callable[[str], Series]


class InfluxError(Exception):
    """It could not be asked, or does not take the query; one line."""


def asker(source: Source) -> Ask:
    """What asks this one. It raises InfluxError."""
    if urllib.parse.urlsplit(source.url).scheme not in ("http", "https"):
        raise InfluxError(f"{source.url} is no URL of an InfluxDB: http://HOST:8086")
    headers = {"Authorization": source.header} if source.header else {}
    if source.password:
        # https://docs.influxdata.com/influxdb/v1/administration/authentication_and_authorization/
        headers["Authorization"] = f"Token {source.user}:{source.password}"

    def ask(query: str) -> Series:
        body = urllib.parse.urlencode({"db": source.database, "q": query, "epoch": "ms"}).encode()
        request = urllib.request.Request(f"{source.url.rstrip('/')}/query", data=body, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                read = answer.read(MOST_BYTES)
            results = json.loads(read)["results"]
        except urllib.error.HTTPError as error:
            said = f"{source.url} answered {error.code}: {_line(error.read(500))}"
            raise InfluxError(said + WAYS_OUT.get(error.code, "")) from None
        except (OSError, ValueError, KeyError) as error:
            raise InfluxError(f"{source.url} cannot be asked: {_line(error)}; is it running?") from None
        if problem := results[0].get("error"):
            if "database not found" in problem:
                raise InfluxError(
                    f"{source.url}: {problem}; make it: parallax series setup, or name another: --database"
                )
            raise InfluxError(f"{source.url} does not take {query[:200]}: {problem}")
        found: Series = results[0].get("series", [])
        return found

    return ask


def _line(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return " ".join(text.split())[:200]
