"""The kind `http`: one HTTP/1.1 request to one address (RFC 9110), over TLS or not, and the response judged.

One connection a request. The body is read within bounds and stays on the probe: it is material for `judge`, and only
its size and digest are findings.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import trio

import parallax
from parallax.clock import NS, wall_ns
from parallax.dialling.errors import detail_of
from parallax.dialling.fields import retry_after_s
from parallax.dialling.http import ALPN, Headers, Http, HttpError, Response, open_http
from parallax.dialling.tls import client_context
from parallax.plan.specs import HttpSpec
from parallax.reasons import Fault
from parallax.values import Url
from probe.checks import certificates
from probe.checks.assertions import Miss, misses, statuses_of
from probe.checks.body import BodyReader
from probe.checks.bot_walls import bot_wall
from probe.checks.connection import judge_connection
from probe.checks.handshake import judge_handshake, note_refusal, note_session
from probe.checks.kind import Subject, Verdict
from probe.checks.response import Answer, shown_headers
from probe.sites.front_ends import site_of_headers
from probe.sites.site import note_site
from probe.tape import Evidence, Tape
from probe.tools import Tools

USUAL_HEADERS = {
    "User-Agent": f"parallax/{parallax.__version__} (+synthetic sign-in monitor)",
    "Accept": "*/*",
    "Accept-Encoding": "gzip",
}

ANSWER = "answer"
"""The key of the response in the tape's material."""


def prepare(target: str, tools: Tools) -> None:
    """The trust store, read once; for a URL with TLS."""
    if Url(target).https:
        client_context(tools.trust, "1.2", ALPN)


def load(target: str) -> None:
    """What reads certificates, for a URL with TLS."""
    if Url(target).https:
        certificates.load()


async def run(spec: HttpSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Dials, sends, reads. The body counts as far as it was understood, also when its end never came."""
    async with open_http(subject.address, tools.routes, tools.trust) as http:

        with _ending_noted(tape, http, subject.host):
            async with http.request(
                spec.method,
                subject.target,
                headers=_request_headers(spec),
                body=spec.body.encode(),
                enter=tape.enter,
            ) as response:
                _note_head(spec, tape, response)
                await _read_body(spec, tape, response)
                tape.leave()


def judge(spec: HttpSpec, evidence: Evidence) -> Verdict | None:
    """Connection, handshake, a broken response, a bot wall, the status, the other assertions: the first that fails.

    A status that the plan asks for is never held against the response, nor is the page that came with it.
    """
    verdict = judge_connection(evidence) or judge_handshake(evidence) or judge_exchange(evidence)
    if verdict is not None:
        return verdict
    answer: Answer = evidence.material[ANSWER]
    missed = list(misses(spec.assertions, answer, evidence.duration_ns / NS))
    own_ns = evidence.duration_ns - evidence.spent_ns("lookup")
    verdict = _judge_status(spec, answer, missed)
    if verdict is not None:
        return verdict
    rest = sorted(missed, key=lambda miss: miss.soft)  # stable: hard ones first, each in the plan's order
    return _verdict_of(rest[0], spec, own_ns) if rest else None


_BROKEN = {
    "malformed": "http_malformed",
    "truncated": "http_truncated",
    "too_large": "http_too_large",
    "bad_encoding": "http_bad_encoding",
    "unsendable": "http_unsendable",
}


def judge_exchange(evidence: Evidence) -> Verdict | None:
    """The verdict where the response itself was broken; None where it was whole."""
    reason = _BROKEN.get(evidence.failure or "")
    return Verdict(reason) if reason else None


def _judge_status(spec: HttpSpec, answer: Answer, missed: list[Miss]) -> Verdict | None:
    """The verdict on who answered and with what status; None where that is as it should be."""
    asked = {status for assertion in spec.assertions for status in statuses_of(assertion)}
    status = answer.status
    if status in asked and status >= 400:
        return None
    wall = bot_wall(answer)
    if wall is not None:
        return Verdict("http_challenge", note={"bot_wall": wall})
    if status in asked:
        return None
    miss = next((miss for miss in missed if miss.of == "status"), None)
    if status == 429:
        return Verdict("http_throttled")
    if miss is not None and miss.soft:
        return None  # degraded at most, as the plan says; whatever else fails is said first
    note = {"assertion": miss.as_finding()} if miss else {}
    if status == 403:
        return Verdict("http_forbidden", note=note)
    if status >= 500:
        return Verdict("http_server_error", note=note)
    return Verdict("http_status", note=note) if miss or status >= 400 else None


def _verdict_of(miss: Miss, spec: HttpSpec, own_ns: int) -> Verdict:
    """`own_ns` is what the run took but for the lookup: where only that made it too slow, the resolver did."""
    kind = miss.of.partition(" ")[0]
    longest = spec.assertions[miss.number - 1].duration
    fault: Fault | None = "resolver" if longest is not None and own_ns <= longest * NS else None
    if miss.soft:
        reason = "http_slow" if kind == "duration" else "http_degraded"
    else:
        reason = {"duration": "http_too_slow", "header": "http_header", "body": "http_body"}[kind]
    return Verdict(reason, fault, note={"assertion": miss.as_finding()})


def _request_headers(spec: HttpSpec) -> dict[str, str]:
    given = {name.lower() for name in spec.headers}
    return {name: value for name, value in USUAL_HEADERS.items() if name.lower() not in given} | spec.headers


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
        retry_after=retry_after_s(headers, wall_ns() / NS),
    )
    note_site(tape, site_of_headers(headers))
    if spec.serving is not None and spec.serving.header in headers:
        tape.dims["region"] = headers[spec.serving.header][:64]
    tape.material[ANSWER] = Answer(status=response.status_code, headers=headers)


async def _read_body(spec: HttpSpec, tape: Tape, response: Response) -> None:
    reader = BodyReader(spec.max_body, response.headers.get("content-encoding", ""))
    if spec.method != "HEAD" and _announced(response.headers) > spec.max_body:
        reader.fault = "too_large"
    try:
        if not reader.fault:
            async for part in response.aiter_raw():
                reader.feed(part)
                if reader.fault:
                    break
        reader.finish()
    finally:
        body = bytes(reader.body)
        tape.note(body_size=len(body), body_received=reader.received)
        tape.read_later(lambda: {"body_sha256": sha256(body).hexdigest()[:16]})
        tape.material[ANSWER] = Answer(status=response.status_code, headers=response.headers, body=body)
        if reader.fault:
            tape.fail(reader.fault)


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
