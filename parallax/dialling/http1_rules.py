"""HTTP/1.1 for a client (RFC 9112), sans-io: a request to octets, octets to one response.

A check asks once, and reads one answer. So there is no state of ours to keep: the request goes out whole, and what is
read is a head and a body that ends by its length, by its last chunk, or with the connection (section 6.3). Whatever
could be read in two ways is refused, as whoever sits between might have read it the other way.
"""

import re

from parallax.dialling.http_exchange import MAX_INTERIM, Head, HttpError, Lines, Request, Unsendable

MAX_HEAD = 100 * 1024
"""Octets of a response's head, of its trailers, and of a line that says how long a chunk is."""

_TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_VALUE = rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?"
_REQUEST = re.compile(rb"%b [\x21-\x7e]+ HTTP/1\.1\r\n(?:%b: %b\r\n)*\r\n" % (_TOKEN, _TOKEN, _VALUE))
_SENT_LINE = re.compile(rb"%b: %b" % (_TOKEN, _VALUE))
_STATUS = re.compile(rb"HTTP/([0-9]\.[0-9]) ([1-9][0-9]{2})(?: [^\x00\r\x0b\x0c]*)?")  # some leave the last blank out
_LINE = re.compile(rb"(%b):[ \t]*(%b)[ \t]*" % (_TOKEN, _VALUE))
_BLANK = re.compile(rb"\n\r?\n")
_LENGTH = re.compile(rb"[0-9]{1,19}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\x00\n]*)?[ \t]*")
_FIRST_LINES = (b"\n", b"\r\n")


def written(request: Request) -> bytes:
    """The request's octets, all of them. Raises Unsendable for what would be read as something else."""
    headers, body = request.headers, request.body
    lines = b"".join([b"%b: %b\r\n" % line for line in headers])
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode("ascii", "replace"), request.target, lines)
    # What is in a value ends no line, if there are no more ends of lines than lines.
    if head.count(b"\n") != len(headers) + 2 or _REQUEST.fullmatch(head) is None:
        wrong = next((name for name, value in headers if not _SENT_LINE.fullmatch(b"%b: %b" % (name, value))), None)
        what = "the request line" if wrong is None else f"the header {wrong.decode('latin-1')[:60]!r}"
        raise Unsendable(f"{what} has in it what HTTP cannot carry")
    return head + _framed(headers, body)


def _framed(headers: Lines, body: bytes) -> bytes:
    """The body as the headers announce it: all at once, or as one chunk (section 6)."""
    said = [(name.lower(), value) for name, value in headers]
    hosts = sum(name == b"host" for name, _ in said)
    if hosts != 1:
        raise Unsendable(f"a request has one Host, and this has {hosts}")
    codings = [value.lower() for name, value in said if name == b"transfer-encoding"]
    lengths = [value for name, value in said if name == b"content-length"]
    if codings:
        if codings != [b"chunked"] or lengths:
            raise Unsendable("a request's body is sent with a Content-Length, or with Transfer-Encoding: chunked")
        return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    if lengths != [b"%d" % len(body)] and (lengths or body):
        raise Unsendable(f"the Content-Length is not that of the body, {len(body)}")
    return body


class ResponseReader:
    """One response, as it comes: `feed` it, and ask for its head, then for parts of its body until there is an empty
    one. None means that more is needed. Raises HttpError for what is no response."""

    __slots__ = ("_at_end", "_chunked", "_data", "_interim", "_left", "_method", "_searched", "keeps", "whole")

    def __init__(self, method: str) -> None:
        self._method = method
        self._data = bytearray()
        self._searched = 0
        """So many octets were looked through for the end of the head."""
        self._at_end = False
        self._interim = 0
        self._chunked = False
        self._left: int | None = None
        """Octets of the body, or of the chunk, that are to come; None: until the connection ends, or what is next is
        a chunk's first line."""
        self.whole = False
        """The response was read to its end, and nothing came after it."""
        self.keeps = False
        """The other side means to keep the connection (section 9.3)."""

    def feed(self, octets: bytes) -> None:
        """What came; empty at the end of the connection."""
        self._data += octets
        self._at_end = self._at_end or not octets

    def head(self) -> Head | None:
        """The response's head, once the interim ones are over."""
        while (lines := self._block()) is not None:
            if not lines:
                raise HttpError("a response begins with an empty line")
            status = _STATUS.fullmatch(lines[0])
            if status is None:
                raise HttpError(f"no status line: {bytes(lines[0][:100])!r}")
            version, code, headers = status[1].decode(), int(status[2]), _headers(lines[1:])
            if code >= 200:
                self._frame(version, code, headers)
                return Head(f"HTTP/{version}", code, headers)
            if code == 101:
                raise HttpError("101, a switch to a protocol that nobody asked for")
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise HttpError(f"more than {MAX_INTERIM} interim responses (1xx)")
        if self._data and self._data[0] < 0x21 and not self._data.startswith((b"\r", b"\n")):
            raise HttpError("what comes is no HTTP")
        if self._at_end:
            raise HttpError("the connection ended before the response's head")
        return None

    def part(self) -> bytes | None:
        """The next part of the body."""
        if self.whole:
            return b""
        if self._chunked:
            return self._chunk()
        if self._left == 0:
            return self._end()
        if self._data:
            return self._take()
        if not self._at_end:
            return None
        if self._left is not None:
            raise HttpError(f"the connection ended {self._left} octets before the body did")
        return self._end()

    def _frame(self, version: str, code: int, headers: Lines) -> None:
        """How the body ends (section 6.3), and whether the connection outlives it."""
        codings, lengths, closes = [], set(), version < "1.1"
        for name, value in headers:
            name = name.lower()
            if name == b"transfer-encoding":
                codings.append(value.lower())
            elif name == b"content-length":
                lengths.update(each.strip(b" \t") for each in value.split(b","))
            elif name == b"connection":
                closes = closes or b"close" in [each.strip(b" \t") for each in value.lower().split(b",")]
        if codings and codings != [b"chunked"]:
            raise HttpError(f"a transfer coding other than chunked: {b', '.join(codings)[:60]!r}")
        if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            raise HttpError(f"no Content-Length: {b', '.join(sorted(lengths))[:60]!r}")
        if self._method == "HEAD" or code in (204, 304):
            self._left = 0
        elif codings:
            self._chunked = True
        elif lengths:
            self._left = int(lengths.pop())
        self.keeps = not closes and (self._chunked or self._left is not None)

    def _chunk(self) -> bytes | None:
        """Chunks (section 7.1): each a line with its length, octets, and the end of a line."""
        while True:
            if self._left:
                if self._data:
                    return self._take()
            elif self._left == 0:  # behind a chunk's octets
                if not self._data.startswith(b"\r\n"):
                    if not b"\r\n".startswith(self._data):
                        raise HttpError("a chunk is longer than it said")
                else:
                    del self._data[:2]
                    self._left = None
                    continue
            else:
                end = self._data.find(b"\r\n")
                if end >= 0:
                    size = _CHUNK.fullmatch(self._data, 0, end)
                    if size is None:
                        raise HttpError(f"no length of a chunk: {bytes(self._data[: min(end, 60)])!r}")
                    left = int(size[1], 16)
                    del size  # a match holds the octets, which then cannot be let go
                    if left == 0:
                        return self._trailers(end + 2)
                    del self._data[: end + 2]
                    self._left = left
                    continue
                self._bound()
            if self._at_end:
                raise HttpError("the connection ended before the last chunk")
            return None

    def _trailers(self, begin: int) -> bytes | None:
        """What follows the last chunk, whose line ends at `begin`; it is read, and dropped (section 7.1.2)."""
        rest = self._data[begin:]
        if rest.startswith(_FIRST_LINES):
            del self._data[: begin + (1 if rest[0] == 10 else 2)]
            return self._end()
        found = _BLANK.search(rest)
        if found is not None:
            _headers(_split(rest[: found.start()]))
            del self._data[: begin + found.end()]
            return self._end()
        self._bound()
        if self._at_end:
            raise HttpError("the connection ended before the last chunk did")
        return None

    def _take(self) -> bytes:
        """What there is of the body, or of the chunk."""
        data, left = self._data, self._left
        if left is None or len(data) <= left:
            octets = bytes(data)
            data.clear()
        else:
            octets = bytes(data[:left])
            del data[:left]
        if left is not None:
            self._left = left - len(octets)
        return octets

    def _end(self) -> bytes:
        self.whole = True
        # What nobody asked for must not be read as the answer to what is asked next.
        self.keeps = self.keeps and not self._data and not self._at_end
        return b""

    def _block(self) -> list[bytes] | None:
        """The lines up to an empty one; none if it is the first."""
        data = self._data
        for empty in _FIRST_LINES:
            if data.startswith(empty):
                return []
        found = _BLANK.search(data, max(0, self._searched - 2))
        if found is None:
            self._searched = len(data)
            self._bound()
            return None
        lines = _split(bytes(data[: found.start()]))
        del data[: found.end()]
        self._searched = 0
        return lines

    def _bound(self) -> None:
        if len(self._data) > MAX_HEAD:
            raise HttpError(f"a head, or a line, of more than {MAX_HEAD} octets")


def _split(block: bytes | bytearray) -> list[bytes]:
    return [bytes(line[:-1] if line.endswith(b"\r") else line) for line in block.split(b"\n")]


def _headers(lines: list[bytes]) -> Lines:
    """Names and values. A line that begins with a blank goes on with the one before (section 5.2)."""
    whole: list[bytes] = []
    folded: list[bytes] = []
    for line in lines:
        if line.startswith((b" ", b"\t")):
            if not whole:
                raise HttpError("the first header line goes on with none")
            folded.append(line.strip(b" \t"))
            continue
        if folded:
            whole[-1] = b" ".join((whole[-1], *folded))
            folded = []
        whole.append(line)
    if folded:
        whole[-1] = b" ".join((whole[-1], *folded))
    found: Lines = []
    for line in whole:
        match = _LINE.fullmatch(line)
        if match is None:
            raise HttpError(f"no header line: {line[:100]!r}")
        found.append((match[1], match[2]))
    return found
