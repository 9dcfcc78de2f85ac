"""The kind `http`: one HTTP request to one address (RFC 9110), over TLS or not.

One connection a request, but where the plan says otherwise. The body is read within bounds and stays on the probe: it
is material for `judge`, and only its size and digest are findings.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
import trio

from parallax.clock import NS, wall_ns
from parallax.dialling.errors import detail_of
from parallax.dialling.fields import retry_after_s
from parallax.dialling.http import ALPN, ALPN_WITH_HTTP2, Headers, Http, HttpError, Response
from parallax.dialling.tls import client_context
from parallax.plan.specs import HttpSpec
from parallax.redaction import redact_url
from parallax.values import Address, Family, Url
from probe.dns.lookup import lookup
from probe.http.assertions import values_in
from probe.http.body import BodyReader
from probe.http.judge import ANSWER, LOOKUP, judge
from probe.http.redirects import Refusal, Stop, first_stop, next_stop
from probe.http.request import USUAL_HEADERS
from probe.http.response import Answer, shown_headers
from probe.judges.lookup import judge_lookup
from probe.kind import Subject
from probe.sites.front_ends import site_of_headers
from probe.sites.site import note_site
from probe.tape import Tape
from probe.tls import certificates
from probe.tls.handshake import note_refusal, note_session
from probe.tools import Tools
from probe.vault import fill_secrets
from probe.verdict import Verdict

__all__ = ["judge", "load", "prepare", "run"]

MAX_RETRY_AFTER_S = 86400.0
MAX_REGION = 64


def prepare(target: str, tools: Tools) -> None:
    """The trust store, read once for each set of protocols; for a URL with TLS."""
    if Url(target).https:
        client_context(tools.trust, "1.2", ALPN)
        client_context(tools.trust, "1.2", ALPN_WITH_HTTP2)


def load(target: str) -> None:
    """What reads certificates, for a URL with TLS."""
    if Url(target).https:
        certificates.load()


async def run(spec: HttpSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Dials, sends, reads, and follows where the plan says so. The body counts as far as it was understood, also when
    its end never came."""
    way = [first_stop(spec, subject.target)]
    hosts = {subject.host: subject.address.ip}
    while True:
        stop, host, address = way[-1], subject.host, subject.address
        if len(way) > 1:
            host, port = stop.url.endpoint.host, stop.url.endpoint.port
            pinned = tools.pin.of(host, port) if tools.pin is not None else None
            known = pinned is not None or host in hosts
            if not known and not await _find_host(host, address.family, hosts, tape, tools):
                return
            address = pinned or Address.of(hosts[host], port)
        with _client(spec, subject, address, tools) as http, _ending_noted(tape, http, host):
            following = await _visit(spec, way, http, tape, tools)
        tape.leave()
        if spec.redirects:
            hop = {"url": redact_url(stop.url), "status": tape.findings["status"], "address": str(address)}
            tape.note(hops=[*tape.findings.get("hops", ()), hop])
        if isinstance(following, Refusal):
            tape.fail(*following)
        if not isinstance(following, Stop):
            return
        way.append(following)


async def _visit(spec: HttpSpec, way: Sequence[Stop], http: Http, tape: Tape, tools: Tools) -> Stop | Refusal | None:
    """One request. Returns what follows; where nothing does, the body was read."""
    stop = way[-1]
    url = str(stop.url)
    headers = _request_headers(spec, url, tools) if stop.own else USUAL_HEADERS
    body = fill_secrets(spec.body, url, tools.vault, tools.hidden).encode() if stop.body else b""
    dialled = False

    def enter(phase: str) -> None:
        nonlocal dialled
        dialled = dialled or phase == "connect"
        tape.enter(phase)

    async with http.request(stop.method, url, headers=headers, body=body, enter=enter) as response:
        if spec.reuse:
            tape.note(reused=not dialled)
        _note_head(spec, tape, response)
        following = next_stop(spec, way, response.status_code, response.headers.get("location", ""))
        if following is None:
            await _read_body(spec, tape, response)
        return following


@contextmanager
def _client(spec: HttpSpec, subject: Subject, address: Address, tools: Tools) -> Iterator[Http]:
    """A client of its own, closed at the end; with `reuse`, the one that the last run has left, if there is one."""
    http2 = spec.version != "1.1"
    if not spec.reuse or subject.apart:
        http = Http(address, tools.routes, tools.trust, http2=http2)
        try:
            yield http
        finally:
            http.close()
        return
    key = (subject.target, address, msgspec.msgpack.encode(spec, enc_hook=str))
    kept = tools.kept.take(key) or Http(address, tools.routes, tools.trust, http2=http2)
    try:
        yield kept
    except BaseException:
        kept.close()
        raise
    tools.kept.give_back(key, kept)


async def _find_host(host: str, family: Family, hosts: dict[str, str], tape: Tape, tools: Tools) -> bool:
    """Looks up a host that a redirect leads to; of its addresses, the first of the family that is measured, if any."""
    inner = Tape()
    with tape.phase("lookup"):
        found = await lookup(host, tools.families, tools, inner)
    if not found:
        verdict = judge_lookup(inner.evidence())
        tape.material[LOOKUP] = verdict or Verdict("lookup_no_address")
        tape.fail("redirect_lookup", f"{host}, where a redirect leads, has no address")
        return False
    hosts[host] = min(found, key=lambda ip: Address.of(ip, 1).family != family)
    return True


def _request_headers(spec: HttpSpec, url: str, tools: Tools) -> dict[str, str]:
    own = {name: fill_secrets(value, url, tools.vault, tools.hidden) for name, value in spec.headers.items()}
    given = {name.lower() for name in own}
    return {name: value for name, value in USUAL_HEADERS.items() if name.lower() not in given} | own


@contextmanager
def _ending_noted(tape: Tape, http: Http, name: str) -> Iterator[None]:
    """Leaves on the tape how the request ended, as far as only the stream knows, and what TLS showed."""
    try:
        yield
    except trio.BrokenResourceError as error:
        note_refusal(tape, http.stream, name, error)
        raise
    except HttpError as error:
        if http.peer_ended:  # the end came before the response's: no matter of malformed HTTP, as the parser has it
            tape.fail("truncated" if ANSWER in tape.material else "closed", detail_of(error))
        raise
    finally:
        note_session(tape, http.stream)


def _note_head(spec: HttpSpec, tape: Tape, response: Response) -> None:
    headers = response.headers
    named = [assertion.header for assertion in spec.assertions if assertion.header]
    tape.note(
        status=response.status_code,
        http_version=response.http_version,
        headers=shown_headers(headers, named),
        retry_after=_retry_after(headers),
    )
    note_site(tape, site_of_headers(headers))
    serving = spec.serving
    if serving is not None and serving.header is not None and serving.header in headers:
        tape.dims["region"] = headers[serving.header][:MAX_REGION]
    tape.material[ANSWER] = Answer(status=response.status_code, headers=headers)


def _retry_after(headers: Headers) -> float | None:
    """A day at most: what was said beyond is in the headers, and nobody plans with it."""
    wait_s = retry_after_s(headers, wall_ns() / NS)
    return None if wait_s is None else min(wait_s, MAX_RETRY_AFTER_S)


def _note_serving(path: str, tape: Tape, answer: Answer) -> dict[str, Any]:
    with suppress(ValueError):
        found = values_in(answer.json(), path)
        if found and isinstance(found[0], str | int):
            tape.dims["region"] = str(found[0])[:MAX_REGION]
    return {}


async def _read_body(spec: HttpSpec, tape: Tape, response: Response) -> None:
    reader = BodyReader.of(spec.method, response.headers, spec.max_body)
    try:
        await reader.read(response.aiter_raw())
    finally:
        body = bytes(reader.body)
        tape.note(body_size=len(body), body_received=reader.received)
        tape.read_later(lambda: {"body_sha256": sha256(body).hexdigest()[:16]})
        answer = Answer(status=response.status_code, headers=response.headers, body=body)
        tape.material[ANSWER] = answer
        if spec.serving is not None and spec.serving.json is not None:
            tape.read_later(partial(_note_serving, spec.serving.json, tape, answer))
        if reader.fault:
            tape.fail(reader.fault)
