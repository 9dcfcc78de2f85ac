"""HTTP/1.1 (RFC 9112): what is sent cannot be read as more than it is; what is read is what h11 reads, whatever was
done to it on the way."""

import random

import h11
import pytest

from parallax.dialling.http1_rules import MAX_HEAD, ResponseReader, written
from parallax.dialling.http_exchange import HttpError, Request, Unsendable

HOST = (b"Host", b"acme.test")
Read = tuple[str, int, list[tuple[bytes, bytes]], bytes, bool]

RESPONSES = (
    b"HTTP/1.1 200 OK\r\nServer: a b\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3 \r\nend\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200\r\nconnection: Keep-Alive, Close\r\n\r\nto the end",
    b"HTTP/1.0 404 Not Found\nX: a\n\nall of it",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\nA:\tb \r\n folded\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /b\xff\r\nContent-Length: 0\r\nEmpty:\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
)


def read(data: bytes, piece: int, method: str = "GET") -> Read | None:
    """The response in data that comes in pieces, and then ends; None where it is none. The last says whether the
    connection is good for another."""
    reader, body = ResponseReader(method), b""
    parts = [data[at : at + piece] for at in range(0, len(data), piece)]
    try:
        while (head := reader.head()) is None:
            reader.feed(parts.pop(0) if parts else b"")
        while (part := reader.part()) != b"":
            if part is None:
                reader.feed(parts.pop(0) if parts else b"")
            else:
                body += part
    except HttpError:
        return None
    return head.version, head.status, [(name.lower(), value) for name, value in head.headers], body, reader.keeps


def as_h11_reads(data: bytes, piece: int, method: str = "GET") -> Read | None:
    rules = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    rules.send(h11.Request(method=method, target="/", headers=[HOST]))
    rules.send(h11.EndOfMessage())
    parts = [data[at : at + piece] for at in range(0, len(data), piece)]
    head, body = None, b""
    try:
        while True:
            event = rules.next_event()
            if event is h11.NEED_DATA:
                rules.receive_data(parts.pop(0) if parts else b"")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
    except h11.RemoteProtocolError:
        return None
    assert head is not None
    kept = rules.their_state is h11.DONE and rules.our_state is h11.DONE and not rules.trailing_data[0]
    version = f"HTTP/{head.http_version.decode()}"
    return version, head.status_code, list(head.headers), body, kept and not rules.trailing_data[1]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("response", RESPONSES)
def test_it_reads_what_another_parser_reads(response: bytes, method: str) -> None:
    theirs = as_h11_reads(response, 9999, method)
    assert theirs is not None
    for piece in (1, 2, 7, 9999):
        ours = read(response, piece, method)
        assert ours is not None
        assert _apart_from_lengths(ours) == _apart_from_lengths(as_h11_reads(response, piece, method))


@pytest.mark.parametrize("seed", range(6))
def test_it_refuses_what_another_parser_refuses_and_reads_the_rest_alike(seed: int) -> None:
    chance, good = random.Random(seed), 0
    for _ in range(500):
        data = _mutated(chance.choice(RESPONSES), chance)
        piece = chance.choice([1, 5, 9999])
        ours, theirs = read(data, piece), as_h11_reads(data, piece)
        assert _apart_from_lengths(ours) == _apart_from_lengths(theirs), (data, piece)
        good += ours is not None
    assert good > 100


def test_what_nobody_asked_for_is_not_the_next_answer() -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    whole = read(first + b"HTTP/1.1 200 OK\r\n", 9999)
    assert whole is not None
    assert whole[3:] == (b"ok", False)
    alone = ResponseReader("GET")
    alone.feed(first)
    assert alone.head() is not None
    assert (alone.part(), alone.part(), alone.whole, alone.keeps) == (b"ok", b"", True, True)


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * MAX_HEAD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * MAX_HEAD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * MAX_HEAD,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 60,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ],
)
def test_what_has_no_bounds_or_two_meanings_is_refused(endless: bytes) -> None:
    for piece in (60_000, 200_000):
        assert read(endless, piece) is None


def test_a_request_goes_out_as_it_is_said() -> None:
    lines = [HOST, (b"X-Odd", b"\xc3\xa9 b"), (b"Empty", b"")]
    assert written(Request("GET", "https", b"/a?b=c", lines, b"")) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: acme.test\r\nX-Odd: \xc3\xa9 b\r\nEmpty: \r\n\r\n"
    )
    sized = written(Request("POST", "https", b"/", [HOST, (b"Content-Length", b"2")], b"ab"))
    assert sized.endswith(b"\r\nContent-Length: 2\r\n\r\nab")
    chunked = written(Request("POST", "https", b"/", [HOST, (b"transfer-encoding", b"Chunked")], b"ab"))
    assert chunked.endswith(b"\r\n\r\n2\r\nab\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "target", "more", "body"),
    [
        ("GET", b"/", [(b"A", b"b\r\nC: d")], b""),
        ("GET", b"/", [(b"A", b"b\nC: d")], b""),
        ("GET", b"/", [(b"A", b"b\r")], b""),
        ("GET", b"/", [(b"A", b"b\x00")], b""),
        ("GET", b"/", [(b"A", b" b")], b""),
        ("GET", b"/", [(b"A\r\nB", b"c")], b""),
        ("GET", b"/", [(b"A B", b"c")], b""),
        ("GET", b"/", [(b"", b"c")], b""),
        ("GET", b"/ b", [], b""),
        ("GET", b"/ HTTP/1.1\r\nA: b", [], b""),
        ("G T", b"/", [], b""),
        ("GET", b"/", [HOST], b""),
        ("POST", b"/", [], b"ab"),
        ("POST", b"/", [(b"Content-Length", b"3")], b"ab"),
        ("POST", b"/", [(b"Content-Length", b"1")], b"ab"),
        ("POST", b"/", [(b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked")], b"ab"),
        ("POST", b"/", [(b"Transfer-Encoding", b"gzip")], b"ab"),
    ],
)
def test_what_would_be_read_as_something_else_is_not_sent(
    method: str, target: bytes, more: list[tuple[bytes, bytes]], body: bytes
) -> None:
    with pytest.raises(Unsendable):
        written(Request(method, "https", target, [HOST, *more], body))


def test_why_a_request_is_not_sent_names_the_header_and_not_its_value() -> None:
    with pytest.raises(Unsendable, match="the header 'Authorization' has in it") as raised:
        written(Request("GET", "https", b"/", [HOST, (b"Authorization", b"Bearer canary\n")], b""))
    assert "canary" not in str(raised.value)


def _apart_from_lengths(read: Read | None) -> object:
    """h11 puts several Content-Lengths into one, and a coding in small letters."""
    if read is None:
        return None
    version, status, lines, body, keeps = read
    kept = [line for line in lines if line[0] not in (b"content-length", b"transfer-encoding")]
    return version, status, kept, body, keeps


def _mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(0, 3)):
        at = chance.randrange(len(changed))
        how = chance.randrange(4)
        if how == 0:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            changed[at:at] = chance.choice([b"\r\n", b" ", b"\n", b"0", b":", b"\t", b"\x00", b"\r"])
        elif how == 2:
            del changed[at : at + chance.randrange(1, 6)]
        else:
            changed += chance.choice([b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"x"])
    return bytes(changed)
