"""The listener's certificate, read again when its files change, so that a renewal needs no restart."""

import ssl
from pathlib import Path

import trio

from parallax.config import Tls
from parallax.log import get_log
from parallax.state import StartError

LOOK_S = 5.0
"""Between two looks at the files."""
_log = get_log(__name__)
_Fingerprint = list[tuple[int, int, int]]


class Certificate:
    """The TLS context for the next handshake. What is established goes on under the one it began with."""

    def __init__(self, tls: Tls, client_authority: Path | None = None) -> None:
        """Of a CA (PEM) clients are asked for a certificate; those without one are served too. Raises StartError where
        the files cannot be used."""
        self._tls, self._client_authority = tls, client_authority
        self._seen = _fingerprint(tls)
        self._problem = ""
        self.context = _context(tls, client_authority)

    async def watch(self) -> None:
        """Looks at the files until cancelled. A pair that cannot be used, as between the two steps of a renewal, leaves
        the old one in place."""
        while True:
            await trio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Takes what the files hold now, if they were changed and can be used."""
        seen = _fingerprint(self._tls)
        if seen == self._seen:
            return
        try:
            self.context = _context(self._tls, self._client_authority)
        except StartError as error:  # not noted as seen: a file may be in the middle of being written
            if str(error) != self._problem:
                _log.error("the changed certificate is not used; the old one stays", problem=str(error))
            self._problem = str(error)
            return
        self._seen, self._problem = seen, ""
        _log.info("the certificate was read again", certificate=self._tls.certificate)


def _fingerprint(tls: Tls) -> _Fingerprint:
    """What changes when one of the files is written or replaced; less where one cannot be seen."""
    found = []
    for path in (tls.certificate, tls.key):
        try:
            stat = Path(path).stat()
        except OSError:
            continue
        found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return found


def _context(tls: Tls, client_authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for path in (tls.certificate, tls.key):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            raise StartError(f"{path} of [tls] cannot be read: {error.strerror}") from None
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise StartError(
            f"[tls] {tls.certificate} and {tls.key} do not work together as PEM certificate and key: {why}"
        ) from None
    if client_authority is not None:
        try:
            context.load_verify_locations(client_authority)
        except (ssl.SSLError, OSError) as error:
            raise StartError(
                f"the CA of probes {client_authority} cannot be used: {error}; take it and its key away, for a new one"
            ) from None
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _no_passphrase() -> str:
    """Else OpenSSL asks on the terminal, and the start hangs there."""
    raise ValueError("the key has a passphrase; take it off")
