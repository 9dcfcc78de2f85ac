"""InfluxDB 2 and 3, through influxdb-client: the only module that imports it, and that only where one is configured.

The client blocks, so each call is in a worker thread. It is used at its simplest: synchronous, with lines that are
encoded already, no retries of its own, and gzip. Its batching mode loses data without a word
(https://github.com/influxdata/influxdb-client-python/issues/332), and its retries would hide what an answer says.
"""

import re
import threading
from functools import partial
from typing import Any, Literal

import trio

from collector.series.outcomes import Answer
from parallax import __version__
from parallax.clock import NS
from parallax.secret import SecretError, read_secret
from parallax.series_config import SeriesServer
from parallax.spans import lasting

TIMEOUT_MS = 10_000
"""Of one connection and one answer: a cancelled thread lives as long."""
EXTRA = 'pip install "parallax-monitor[series]"'
_OBJECT = re.compile(r"<?\S+ object at 0x\w+>?[:,]? ?|HTTPS?Connection\(host='[^']*', port=\d+\): ")
_THREADS = trio.CapacityLimiter(4)
"""Of their own: a server that hangs must not use up the threads that read journals."""


class ClientSender:
    """One server."""

    def __init__(self, server: SeriesServer) -> None:
        self._server = server
        self._client: Any = None
        self._token = ""
        self._using = threading.Lock()

    async def write(self, body: bytes, place: Literal["raw", "long"]) -> Answer:
        bucket = bucket_of(self._server, place)
        return await trio.to_thread.run_sync(
            partial(self._write, body, bucket), abandon_on_cancel=True, limiter=_THREADS
        )

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _write(self, body: bytes, bucket: str) -> Answer:
        try:
            from influxdb_client.client.write_api import SYNCHRONOUS
            from influxdb_client.rest import ApiException
            from urllib3.exceptions import HTTPError
        except ModuleNotFoundError as error:  # the rest of the collector has no need of it
            return Answer(failure="not_sent", detail=_missing(self._server, error))

        with self._using:  # an abandoned thread may still be at it
            try:
                client = self._opened()
                client.write_api(write_options=SYNCHRONOUS).write(
                    bucket=bucket, org=self._server.org or "-", record=body, write_precision="ns"
                )
            except SecretError as error:
                return Answer(failure="not_sent", detail=str(error))
            except ApiException as error:
                return _answer_of(error)
            except (HTTPError, OSError) as error:
                return Answer(failure="not_reached", detail=_said(error))
        return Answer(status=204)

    def _opened(self) -> Any:
        """The client; another one where the token has changed."""
        assert self._server.token is not None  # the config's loader has seen to it
        token = read_secret(self._server.token).reveal()
        if self._client is None or token != self._token:
            self._client, self._token = open_client(self._server, token), token
        return self._client


def open_client(server: SeriesServer, token: str) -> Any:
    """The library's client for a server."""
    from influxdb_client.client.influxdb_client import InfluxDBClient

    client = InfluxDBClient(
        url=server.url.rstrip("/"), token=token, org=server.org or "-", timeout=TIMEOUT_MS, enable_gzip=True,
        ssl_ca_cert=server.ca, retries=False,
    )  # fmt: skip
    client.api_client.user_agent = f"Parallax/{__version__}"
    return client


def bucket_of(server: SeriesServer, place: Literal["raw", "long"]) -> str:
    """The bucket, or on InfluxDB 3 the database."""
    return server.database if place == "raw" else f"{server.database}_long"


def _answer_of(error: Any) -> Answer:
    body = error.body or b""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    wait = (error.headers or {}).get("Retry-After", "")
    return Answer(
        status=error.status or None, body=raw[:2000], failure="" if error.status else "not_reached",
        detail=str(error.reason or "")[:200], retry_after_s=float(wait) if wait.isdigit() else None,
    )  # fmt: skip


def set_up_influxdb2(server: SeriesServer) -> list[str]:
    """Buckets and DBRP mappings. Blocks. Raises ValueError with a sentence."""
    try:
        import influxdb_client
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError
    except ModuleNotFoundError as error:
        raise ValueError(_missing(server, error)) from None

    library: Any = influxdb_client  # without types
    done = []
    try:
        with open_client(server, _token_of(server)) as client:
            orgs = client.organizations_api().find_organizations(org=server.org)
            if not orgs:
                raise ValueError(f"there is no organisation {server.org}")
            org_id, buckets, mappings = orgs[0].id, client.buckets_api(), library.DBRPsService(client.api_client)
            for place, span, policy in _PLACES:
                name, seconds = bucket_of(server, place), round(getattr(server, span))
                rules = [library.BucketRetentionRules(type="expire", every_seconds=seconds)]
                bucket = buckets.find_bucket_by_name(name)
                if bucket is None:
                    bucket = buckets.create_bucket(bucket_name=name, retention_rules=rules, org=server.org)
                    done.append(f"made the bucket {name}, which keeps what it has for {_days(seconds)}")
                elif [rule.every_seconds for rule in bucket.retention_rules] != [seconds]:
                    bucket.retention_rules = rules
                    buckets.update_bucket(bucket=bucket)
                    done.append(f"changed the bucket {name}: it keeps what it has for {_days(seconds)}")
                found = mappings.get_dbr_ps(org_id=org_id, bucket_id=bucket.id).content or []
                if not any((each.database, each.retention_policy) == (server.database, policy) for each in found):
                    mappings.post_dbrp(
                        dbrp_create=library.DBRPCreate(
                            org_id=org_id, bucket_id=bucket.id, database=server.database, retention_policy=policy,
                            default=policy == "raw",
                        )
                    )  # fmt: skip
                    done.append(f"mapped {server.database}.{policy} to the bucket {name}, for InfluxQL")
    except ApiException as error:
        raise ValueError(_answer_of(error).words) from None
    except (HTTPError, OSError) as error:
        raise ValueError(f"{server.url} cannot be asked: {_said(error)}; is it running?") from None
    return done or [f"the bucket {server.database} is as it should be"]


def set_up_influxdb3(server: SeriesServer) -> list[str]:
    """Databases. Blocks. Raises ValueError with a sentence."""
    try:
        import urllib3
    except ModuleNotFoundError as error:
        raise ValueError(_missing(server, error)) from None

    token, url, done = _token_of(server), server.url.rstrip("/") + "/api/v3/configure/database", []
    pool = urllib3.PoolManager(ca_certs=server.ca, retries=False, timeout=TIMEOUT_MS / 1000)
    headers = {"Authorization": f"Bearer {token}", "User-Agent": f"Parallax/{__version__}"}
    try:
        for place, span, _ in _PLACES:
            name, seconds = bucket_of(server, place), round(getattr(server, span))
            wanted = {"db": name, "retention_period": f"{max(seconds // 86400, 1)}d"}
            answer = pool.request("POST", url, json=wanted, headers=headers)
            if answer.status == 409:  # it is there; its span can be changed by its owner alone
                continue
            if answer.status >= 300:
                raise ValueError(Answer(status=answer.status, body=answer.data[:300]).words)
            done.append(f"made the database {name}, which keeps what it has for {_days(seconds)}")
    except urllib3.exceptions.HTTPError as error:
        raise ValueError(f"{server.url} cannot be asked: {_said(error)}; is it running?") from None
    return done or [f"the databases {server.database} and {server.database}_long are there already"]


_PLACES: tuple[tuple[Literal["raw", "long"], str, str], ...] = (
    ("raw", "raw_age", "raw"),
    ("long", "minutes_age", "long"),
)


def _token_of(server: SeriesServer) -> str:
    assert server.token is not None  # the config's loader has seen to it
    return read_secret(server.token).reveal()


def _missing(server: SeriesServer, error: ModuleNotFoundError) -> str:
    return f"{server.kind} needs the package {error.name}: {EXTRA}"


def _said(error: Exception) -> str:
    """The library's words, without the name of the object that it begins with, and its place in memory."""
    text = " ".join(str(error).split())
    return _OBJECT.sub("", text)[:200]


def _days(seconds: int) -> str:
    return lasting(seconds * NS)
