"""POST /v1/enroll: a join token for a probe's own token. And GET /v1/whoami, by which a probe learns how it is seen."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.answers import Refusal
from collector.bodies import drain
from collector.clients import Clients, RequestError, issue, read_request
from collector.joins import JoinRefused, look_up, use_join
from collector.json_answers import error_answer, json_answer, refusal_answer
from collector.plans import Plans
from collector.small_bodies import read_small
from collector.tokens import Identity, TokenError, Tokens
from parallax import __version__
from parallax.clock import wall_ns
from parallax.enrolment import Enrolled, Enrolling, Seen
from parallax.log import get_log
from parallax.plan.part import NoSuchProbe

MAX_BODY = 4096
_log = get_log(__name__)


class EnrolmentRoutes:
    """The handlers. `tokens.json`, `joins.json` and `clients.json` are in the state folder, which the collector's
    commands change as well. `clients` is None where no client certificates are issued."""

    def __init__(self, plans: Plans, tokens: Tokens, clients: Clients | None) -> None:
        self._plans, self._state, self._clients = plans, tokens.state, clients

    def routes(self, guarded: Callable[..., Any]) -> list[Route]:
        """Both; `guarded` is what lets holders of a token's role in."""
        return [
            Route("/v1/enroll", self.post_enroll, methods=["POST"]),
            Route("/v1/whoami", guarded(self.get_whoami, "probe"), methods=["GET"]),
        ]

    async def post_enroll(self, request: Request) -> Response:
        """The token comes first: nobody without one gets a body read."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        try:
            probe = look_up(self._state, text.strip() if scheme.lower() == "bearer" else "")
        except (JoinRefused, TokenError) as error:
            await drain(request.receive)
            return _refused(error)
        body = await read_small(request, MAX_BODY, "an enrolment")
        if isinstance(body, Response):
            return body
        try:
            wanted = msgspec.json.decode(body, type=Enrolling)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return error_answer(400, "bad_request", 'the body is no enrolment; send {"id": "", "agent": ""}')
        if wanted.id and wanted.id != probe:
            sentence = f"this join token is for the probe {probe!r}; leave the id out, or make one for {wanted.id!r}"
            return refusal_answer(Refusal("forbidden", sentence))
        served = await self._plans.serve(probe)
        if isinstance(served, NoSuchProbe):
            return refusal_answer(Refusal("not_found", f"{served}. The join token still holds"))
        signing = self._signing(probe, wanted.csr)
        if isinstance(signing, Refusal):
            return refusal_answer(signing)
        try:
            # Once begun it is brought to its end: a token that was made is answered with, if somebody is there.
            work = partial(use_join, self._state, text.strip(), sign=signing)
            name, token, certificate = await trio.to_thread.run_sync(work)
        except (JoinRefused, TokenError) as error:
            return _refused(error)
        _log.info(
            "a probe has enrolled",
            probe=name,
            agent=wanted.agent[:64],
            peer=_peer(request),
            certificate=bool(certificate),
        )
        return json_answer(200, Enrolled(probe=name, token=token, version=__version__, certificate=certificate))

    def _signing(self, probe: str, csr: str) -> Callable[[str], str] | Refusal | None:
        """What signs the probe's request for a certificate; None where it has none, and may have none."""
        if not csr:
            if self._clients is None or not self._clients.is_bound(probe):
                return None
            return Refusal(
                "forbidden",
                f"the probe {probe!r} has a client certificate, and a token alone is worth nothing: enrol with "
                f'--certificate, or end all that it has: "parallax collector token revoke {probe}". '
                "The join token still holds",
            )
        if self._clients is None:
            return Refusal(
                "forbidden",
                "this collector issues no client certificates: leave out --certificate, or set client_certificates = "
                "true in [tls] of collector.toml. The join token still holds",
            )
        try:
            request = read_request(csr)
        except RequestError as error:
            return Refusal("bad_batch", f"the request for a certificate cannot be signed: {error}")
        return lambda name: issue(self._state, name, request)

    async def get_whoami(self, request: Request, identity: Identity) -> Response:
        return json_answer(200, Seen(probe=identity.name, peer=_peer(request), at=wall_ns(), version=__version__))


def _refused(error: JoinRefused | TokenError) -> Response:
    if isinstance(error, JoinRefused):
        return refusal_answer(Refusal("unauthorised", str(error)), {"WWW-Authenticate": "Bearer"})
    _log.error("nobody can enrol", problem=str(error))
    return refusal_answer(Refusal("busy", "the collector cannot write its tokens now; its log says why"))


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""
