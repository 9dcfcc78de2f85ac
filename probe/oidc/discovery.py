"""What an issuer says of itself: OpenID Connect Discovery 1.0, and RFC 8414 for authorization servers at large.

Metadata is no capability: an issuer may name what it refuses, so what is read here is what it *says*. Which algorithms
a token may be signed with is the one thing that is derived: what is advertised and asymmetric. `none` and the symmetric
ones are never in it, whatever the issuer says.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from probe.fault import Fault
from probe.oidc.jose import ALGORITHMS
from probe.oidc.reading import json_object, shown, text_of, texts_of, url_problem

MAX_OCTETS = 256_000
"""A document of the largest providers has 10 kB."""
OPENID, OAUTH = "openid-configuration", "oauth-authorization-server"
SIGN_IN = ("authorization_endpoint", "token_endpoint", "jwks_uri")
"""What a sign-in needs."""
MACHINE = ("token_endpoint", "jwks_uri")
"""What a machine client needs."""
ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
    "check_session_iframe",
)
_REQUIRED = ("response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported")
"""OpenID Connect Discovery section 3. Relying parties do without, so it is only remarked on."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the issuer says it can do. What is left out has the default of OpenID Connect Discovery section 3."""

    grants: tuple[str, ...] = ("authorization_code", "implicit")
    response_types: tuple[str, ...] = ()
    response_modes: tuple[str, ...] = ("query", "fragment")
    challenge_methods: tuple[str, ...] = ()
    """PKCE's (RFC 7636); without S256 the issuer does not say that it knows it."""
    token_auth: tuple[str, ...] = ("client_secret_basic",)
    scopes: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    acrs: tuple[str, ...] = ()
    iss_parameter: bool = False
    """RFC 9207: the answer to an authorization request names the issuer."""
    end_session: bool = False
    """OpenID Connect RP-Initiated Logout 1.0."""
    revocation: bool = False
    """RFC 7009."""
    introspection: bool = False
    """RFC 7662."""
    par: bool = False
    """RFC 9126, and whether it is the only way in."""
    par_required: bool = False
    dpop: tuple[str, ...] = ()
    """RFC 9449: the algorithms of its proofs."""


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """A discovery document that can be gone by."""

    issuer: str
    endpoints: dict[str, str]
    """Those of ENDPOINTS that are there, by their names in the document."""
    algorithms: tuple[str, ...]
    """Those a token may be signed with: advertised, and asymmetric."""
    advertised: tuple[str, ...]
    capabilities: Capabilities
    remarks: tuple[str, ...] = ()
    """What is odd and breaks nothing, for people."""
    metadata: dict[str, Any] = {}
    """The document itself."""

    def endpoint(self, name: str) -> str | None:
        return self.endpoints.get(name)

    def as_findings(self) -> dict[str, Any]:
        """Plain values for an observation."""
        said = msgspec.structs.asdict(self.capabilities)
        capabilities = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
        return {
            "endpoints": {name: shown(url) for name, url in self.endpoints.items()},
            "algorithms": list(self.algorithms),
            "capabilities": {name: value for name, value in capabilities.items() if value not in (False, [])},
            "remarks": list(self.remarks) or None,
        }


def well_known_urls(issuer: str) -> list[str]:
    """Where the document may be: appended (OpenID Connect Discovery 4.1), then inserted after the host (RFC 8414 3.1,
    and its section 5 for the name of OpenID's). One URL twice is one."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")

    def at(path: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, path, "", ""))

    places = [at(f"{path}/.well-known/{OPENID}"), at(f"/.well-known/{OAUTH}{path}"), at(f"/.well-known/{OPENID}{path}")]
    return list(dict.fromkeys(places))


def read_discovery(body: bytes, issuer: str, needs: tuple[str, ...] = SIGN_IN) -> Discovery | Fault:
    """The document of this issuer, which must say that it is exactly this one (OpenID Connect Discovery 4.3). `needs`
    are the endpoints without which it does not do. An http endpoint does only where the issuer itself is one."""
    found = json_object(body, MAX_OCTETS)
    if isinstance(found, str):
        word = {"too_large": "discovery_too_large", "no_object": "discovery_malformed"}
        return Fault(word.get(found, "discovery_not_json"), {"found": found})
    said = text_of(found, "issuer")
    if said is None:
        return Fault("discovery_missing_field", {"missing": ["issuer"]})
    if said != issuer:
        return Fault("discovery_issuer_mismatch", {"expected": shown(issuer), "found": shown(said)})
    missing = [name for name in needs if text_of(found, name) is None]
    if missing:
        return Fault("discovery_missing_field", {"missing": missing})
    return _usable(found, issuer, needs)


def _usable(found: dict[str, Any], issuer: str, needs: tuple[str, ...]) -> Discovery | Fault:
    endpoints: dict[str, str] = {}
    remarks: list[str] = []
    for name in ENDPOINTS:
        url = text_of(found, name)
        if url is None:
            continue
        problem = url_problem(url, allow_http=issuer.startswith("http:"))
        if problem is None:
            endpoints[name] = url
            continue
        if name in needs:
            return Fault("discovery_bad_endpoint", {"endpoint": name, "found": shown(url), "because": problem})
        remarks.append(f"{name} is left out: {problem}")
    advertised = texts_of(found, "id_token_signing_alg_values_supported")
    allowed = tuple(name for name in advertised or ("RS256",) if name in ALGORITHMS)
    if not allowed and "authorization_endpoint" in needs:
        return Fault("discovery_no_algorithm", {"advertised": list(advertised or ())})
    if "none" in (advertised or ()):
        remarks.append("none is among the advertised signature algorithms; it is never accepted here")
    remarks += [f"{name} is missing" for name in _REQUIRED if texts_of(found, name) is None]
    return Discovery(
        issuer=issuer,
        endpoints=endpoints,
        algorithms=allowed,
        advertised=advertised or (),
        capabilities=_capabilities(found, endpoints),
        remarks=tuple(remarks),
        metadata=found,
    )


_LISTS = {
    "grants": "grant_types_supported",
    "response_types": "response_types_supported",
    "response_modes": "response_modes_supported",
    "challenge_methods": "code_challenge_methods_supported",
    "token_auth": "token_endpoint_auth_methods_supported",
    "scopes": "scopes_supported",
    "prompts": "prompt_values_supported",
    "acrs": "acr_values_supported",
    "dpop": "dpop_signing_alg_values_supported",
}


def _capabilities(found: dict[str, Any], endpoints: dict[str, str]) -> Capabilities:
    lists = {name: texts_of(found, key) for name, key in _LISTS.items()}
    return Capabilities(
        **{name: value for name, value in lists.items() if value is not None},
        iss_parameter=found.get("authorization_response_iss_parameter_supported") is True,
        end_session="end_session_endpoint" in endpoints,
        revocation="revocation_endpoint" in endpoints,
        introspection="introspection_endpoint" in endpoints,
        par="pushed_authorization_request_endpoint" in endpoints,
        par_required=found.get("require_pushed_authorization_requests") is True,
    )
