"""Library exceptions to failure words: what a stream, TLS or HTTP library raises, in words that every check shares.

OSError goes by errno (in `probe.attempt`). A test walks the libraries' exception classes and fails on an unmapped one.
"""

import ssl

import h11
import httpcore2
import trio

FAILURES: dict[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "certificate",
    ssl.SSLZeroReturnError: "closed",
    ssl.SSLEOFError: "closed",
    trio.ClosedResourceError: "closed",
    httpcore2.RemoteProtocolError: "malformed",
    h11.RemoteProtocolError: "malformed",
}
