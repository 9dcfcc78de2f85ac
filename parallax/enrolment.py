"""What a probe and a collector say to each other when the probe enrols, and when it asks how it is seen. JSON."""

import msgspec


class Enrolling(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v1/enroll: `id` as the probe means to be called, "" for what the join token says. `csr`: a request for a
    client certificate (PKCS #10, PEM), "" for none."""

    id: str = ""
    agent: str = ""
    csr: str = ""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer: the probe's id, and its own token, which is not shown again. `version`: the collector's.
    `certificate`: the client certificate, PEM, where one was asked for."""

    probe: str
    token: str
    version: str = ""
    certificate: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """GET /v1/whoami: which probe the token is of, the address that the request came from, the collector's clock (ns
    since the Unix epoch) and version."""

    probe: str
    peer: str
    at: int
    version: str = ""
