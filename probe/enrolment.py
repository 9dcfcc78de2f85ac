"""How a probe enrols by hand: a join token for a token of its own, and a config that it can be started with.

Nothing is sent before there is room for the answer: a join token holds once, and what cannot be kept would be lost.
"""

import errno
import json
import os
import ssl
from collections.abc import Collection
from pathlib import Path

import msgspec
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import parallax
from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.http import ALPN, open_http
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust, client_context
from parallax.enrolment import Enrolled, Enrolling
from parallax.secret import Secret
from parallax.state import write_private
from parallax.values import Address, Cidr, Url

TIMEOUT_S = 20.0
LOOKUP_S = 10.0
MAX_ANSWER = 65_536
MAX_CA = 1_000_000
MOST_ADDRESSES = 8
CONFIG, TOKEN, CERTIFICATE, AUTHORITY = "probe.toml", "token", "client.pem", "ca.pem"
_UNSENT = ("connect", "tls")


class EnrolError(Exception):
    """The probe is not enrolled; one line that says why, and what to do. `answered` is False where no collector did
    answer."""

    def __init__(self, sentence: str, *, answered: bool = True) -> None:
        super().__init__(sentence)
        self.answered = answered


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an enrolment is to be. `id`: the probe's, where it should be no other than this. `ca`: the CA of the
    collector's certificate. `address`: what to dial, instead of what the URL's host is looked up as. `certificate`:
    whether a client certificate is asked for. `config`: whether a probe.toml is written."""

    id: str = ""
    ca: Path | None = None
    address: Address | None = None
    certificate: bool = False
    config: bool = True


async def enrol(url: Url, join: Secret, folder: Path, asked: Asked | None = None) -> Path:
    """Enrols, and leaves in the folder, mode 0600: the token; the client certificate with its key, where one was asked
    for; the config; and for that a copy of the CA. Returns the path of the config, or of the folder without one.

    The name in the URL is looked up by the host's own means, once: the config has the address, so that shipping does
    not depend on the DNS that is watched. Raises EnrolError."""
    asked = asked or Asked()
    authority = _prepared(folder, asked)
    _check_url(url)
    key = ec.generate_private_key(ec.SECP256R1()) if asked.certificate else None
    address, answer = await _ask(url, join, asked, key)
    files = {TOKEN: answer.token.encode() + b"\n"}
    if key is not None:
        files[CERTIFICATE] = answer.certificate.encode() + _pem(key)
    if asked.config:
        if authority is not None:
            files[AUTHORITY] = authority
        files[CONFIG] = _config_text(answer.probe, url, address, files).encode()
    try:
        for name, content in files.items():
            write_private(folder / name, content)
    except OSError as error:
        raise EnrolError(
            f"{folder} cannot be written: {error.strerror}; the join token is used now: make room, and enrol by another"
        ) from None
    return folder / CONFIG if asked.config else folder


def _prepared(folder: Path, asked: Asked) -> bytes | None:
    """Sees to it that the folder takes files and has none of ours yet; the CA file's content."""
    ca = asked.ca
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (CONFIG, TOKEN, CERTIFICATE):
            if (folder / name).exists():
                raise EnrolError(f"{folder / name} is there already; enrol into another folder: --out FOLDER")
        write_private(folder / CONFIG, b"#" * 4096)
        (folder / CONFIG).unlink()
    except OSError as error:
        raise EnrolError(f"{folder} cannot be written: {error.strerror}; say another: --out FOLDER") from None
    if ca is None:
        return None
    try:
        with ca.open("rb") as file:
            content = file.read(MAX_CA + 1)
        if len(content) > MAX_CA:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        client_context(Trust(str(ca)), "1.2", ALPN)
    except (OSError, ssl.SSLError) as error:
        raise EnrolError(f"the CA file {ca} cannot be used: {error}") from None
    return content


def _check_url(url: Url) -> None:
    literal = url.endpoint.address
    if not url.https and not (literal and literal.parsed_ip.is_loopback):
        raise EnrolError(f"{url} would send the token in the clear; write https://")
    if "?" in url:
        raise EnrolError(f"{url} has a query (?...); take it out")


async def _ask(
    url: Url, join: Secret, asked: Asked, key: ec.EllipticCurvePrivateKey | None
) -> tuple[Address, Enrolled]:
    """The address that answered, and its answer. The next address is tried only where nothing was sent yet."""
    ca, csr = asked.ca, "" if key is None else _request(key, asked.id or "probe")
    body = msgspec.json.encode(Enrolling(id=asked.id, agent=parallax.__version__, csr=csr))
    headers = {"authorization": f"Bearer {join.reveal()}", "content-type": "application/json"}
    why = ""
    for address in [asked.address] if asked.address else await _addresses(url):
        phases = ["connect"]
        alone = Routes.of(allow=[Cidr(f"{address.ip}/{128 if address.family == 6 else 32}")])
        with trio.move_on_after(TIMEOUT_S):
            try:
                async with (
                    open_http(address, alone, Trust(str(ca) if ca else None)) as http,
                    http.request(
                        "POST", f"{url.rstrip('/')}/v1/enroll", headers=headers, body=body, enter=phases.append
                    ) as response,
                ):
                    content = await response.aread(MAX_ANSWER)
                    return address, _read(response.status_code, content, key)
            except ValueError:
                raise EnrolError(f"{url} does not answer as a collector does; is that its address?") from None
            except EXPECTED as error:
                why = f"{failure_of(error)}: {detail_of(error)}"
                if failure_of(error) == "certificate" and ca is None:
                    why += "; if the collector's certificate is of a CA of your own: --ca FILE"
        why = why or f"no answer within {TIMEOUT_S:.0f} s"
        if phases[-1] not in _UNSENT:
            sentence = f"{url} at {address}: {why}; the join token may be used now: make another, and try again"
            raise EnrolError(sentence, answered=False)
    raise EnrolError(f"{url}: {why}", answered=False)


async def _addresses(url: Url) -> list[Address]:
    if url.endpoint.address is not None:
        return [url.endpoint.address]
    host, port = url.endpoint.host, url.endpoint.port
    with trio.move_on_after(LOOKUP_S):
        try:
            found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except OSError as error:
            why = error.strerror or str(error)
            raise EnrolError(
                f"{host} cannot be looked up: {why}; write its address into the URL", answered=False
            ) from None
        addresses = dict.fromkeys(Address.of(str(place[0]), port) for *_, place in found if "%" not in str(place[0]))
        return list(addresses)[:MOST_ADDRESSES]
    raise EnrolError(
        f"{host} was not looked up within {LOOKUP_S:.0f} s; write its address into the URL", answered=False
    )


def _request(key: ec.EllipticCurvePrivateKey, name: str) -> str:
    """A request for a certificate (PKCS #10, RFC 2986), PEM. Whose it will be, the join token says."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _is_of(certificate: str, key: ec.EllipticCurvePrivateKey) -> bool:
    try:
        return x509.load_pem_x509_certificate(certificate.encode()).public_key() == key.public_key()
    except ValueError:
        return False


def _read(status: int, content: bytes, key: ec.EllipticCurvePrivateKey | None) -> Enrolled:
    try:
        if status == 200:
            enrolled = msgspec.json.decode(content, type=Enrolled)
            if key is not None and not _is_of(enrolled.certificate, key):
                raise EnrolError(
                    "the collector issued no client certificate: its version is an earlier one. The join token is used "
                    "now: upgrade the collector and make another, or leave out --certificate"
                )
            if enrolled.probe.isprintable() and enrolled.token.isprintable() and enrolled.token.strip():
                return enrolled
        else:
            message = msgspec.json.decode(content, type=_Refused).message
            if message:
                raise EnrolError(f"the collector refused: {''.join(c for c in message[:500] if c.isprintable())}")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    raise EnrolError(f"HTTP status {status} of what is no collector, or one of a version that enrols nobody")


class _Refused(msgspec.Struct):
    message: str = ""


def _config_text(probe: str, url: Url, address: Address, beside: Collection[str]) -> str:
    def text(value: str) -> str:
        return json.dumps(value)  # a basic string of TOML is written as JSON's

    lines = [
        "# Made by `parallax probe enroll`; docs/config.md has every key.",
        f"id = {text(probe)}",
        'state = "state"',
        "",
        "[[collector]]",
        f"url = {text(url)}",
        f'token = "file:{TOKEN}"',
    ]
    lines += [f"address = {text(address)}"] * (url.endpoint.address is None)
    lines += [f'ca = "{AUTHORITY}"'] * (AUTHORITY in beside)
    lines += [f'certificate = "file:{CERTIFICATE}"'] * (CERTIFICATE in beside)
    return "\n".join(lines) + "\n"
