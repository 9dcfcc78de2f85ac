"""What the steps of one run know of an OpenID provider and of the session there, and hand on to one another."""

from parallax.secret import Secret
from probe.oidc.authorization import Code, Start
from probe.oidc.discovery import Discovery
from probe.oidc.jwks import Jwks
from probe.oidc.token_endpoint import Tokens
from probe.oidc.tokens import Verified
from probe.signin.flow import Flow
from probe.tape import Tape


class OidcState:
    """What the steps of one run hand on to one another. Everything captured is secret."""

    def __init__(self) -> None:
        self.discovery: Discovery | None = None
        self.jwks: Jwks | None = None
        self.begun: Start | None = None
        self.code: Code | None = None
        self.tokens: Tokens | None = None
        self.verified: Verified | None = None
        self.id_token: Secret | None = None
        """The last one, for the logout."""
        self.live: dict[str, Secret] = {}
        """Tokens that have not been revoked: refresh_token, access_token."""
        self.signed_in = False
        """The user's browser may have a session."""
        self.refresh_in_doubt = False
        """The refresh token was sent and no answer came: it may be used up, and is not sent again."""
        self.renewed_silently = False
        """prompt=none has worked for this session."""

    @property
    def found(self) -> Discovery:
        assert self.discovery is not None
        return self.discovery

    def take_tokens(self, tokens: Tokens, tape: Tape) -> None:
        """From now on these are the session's tokens, and hidden."""
        for kept in (tokens.access_token, tokens.id_token, tokens.refresh_token):
            if kept is not None:
                tape.hidden.add(kept.reveal())
        self.tokens = tokens
        self.live["access_token"] = tokens.access_token
        if tokens.refresh_token is not None:
            self.live["refresh_token"] = tokens.refresh_token
        self.id_token = tokens.id_token or self.id_token


def secrets_in(state: OidcState) -> list[str]:
    """The tokens of a state."""
    held = [*state.live.values(), state.id_token, state.tokens.access_token if state.tokens else None]
    return [secret.reveal() for secret in held if secret is not None]


def state_of(flow: Flow) -> OidcState:
    """The flow's state."""
    assert isinstance(flow.state, OidcState)
    return flow.state
