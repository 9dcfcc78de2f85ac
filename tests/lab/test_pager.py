import ssl

import pytest

from lab.http_server import Request
from lab.pager import MOST_RECEIVED, MOST_TEXT, Pager
from parallax.clock import NS
from parallax.standard_webhooks import NoKey, headers, key_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW_S = 1_614_265_330


def _pager() -> Pager:
    return Pager(SECRET, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), lambda: NOW_S * NS)


def _request(
    body: bytes, *, key: str = SECRET, at_s: int = NOW_S, path: str = "/hook", method: str = "POST"
) -> Request:
    return Request(method=method, path=path, headers=headers(key_of(key), "msg_1", at_s, body), body=body)


async def _status(pager: Pager, request: Request) -> int:
    return (await pager.respond(request)).status


async def test_the_specifications_vector_is_signed_right() -> None:
    pager = _pager()
    given = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(NOW_S),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    request = Request(method="POST", path="/hook", headers=given, body=b'{"test": 2432232314}')
    assert await _status(pager, request) == 204
    [message] = pager.received
    assert (message.id, message.signed, message.received_at) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", True, NOW_S * NS)


@pytest.mark.parametrize(
    "request_",
    [
        _request(b"{}", key="whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        _request(b"{}", at_s=NOW_S - 301),
        Request(method="POST", path="/hook", headers={}, body=b"{}"),
    ],
)
async def test_a_page_that_proves_nothing_is_refused_and_shown_as_such(request_: Request) -> None:
    pager = _pager()
    assert await _status(pager, request_) == 401
    assert [message.signed for message in pager.received] == [False]


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (
            b'{"type": "incident.opened", "data": {"n": 1, "incident": {"title": "It is dark"}}}',
            "incident.opened",
            "It is dark",
        ),
        (b'{"type": "test", "text": "hello"}', "test", "hello"),
        (b'{"type": "test", "data": {"what": "it passes", "summary": "Over after 4 min"}}', "test", "Over after 4 min"),
        (b'{"type": 7}', "", ""),
        (b"[1, 2]", "", "[1, 2]"),
        (b"\xff no JSON", "", "\ufffd no JSON"),
        (b"[" * 60_000, "", "[" * MOST_TEXT),
        (b'{"text": "' + b"x" * 9000 + b'"}', "", "x" * MOST_TEXT),
    ],
)
async def test_what_a_page_says(body: bytes, kind: str, text: str) -> None:
    pager = _pager()
    await pager.respond(_request(body))
    assert (pager.received[0].type, pager.received[0].text) == (kind, text)


async def test_the_latest_fifty_are_kept_newest_first() -> None:
    pager = _pager()
    for number in range(MOST_RECEIVED + 10):
        await pager.respond(_request(b'{"text": "%d"}' % number))
    assert [message.text for message in pager.received] == [str(n) for n in range(MOST_RECEIVED + 9, 9, -1)]


async def test_only_its_own_place_takes_pages() -> None:
    pager = _pager()
    assert await _status(pager, _request(b"{}", path="/")) == 404
    assert await _status(pager, _request(b"{}", method="GET")) == 405
    assert pager.received == []


def test_a_secret_that_is_none_is_said() -> None:
    with pytest.raises(NoKey):
        Pager("whsec_!", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
