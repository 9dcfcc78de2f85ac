"""The reasons of OpenID Connect: what an issuer publishes, the errors of OAuth, tokens, the session."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
    # OIDC: discovery and keys
    "discovery_http": Reason(
        "the discovery document is not served",
        "target",
        "the status in the findings; a redirect means that the issuer in the plan is not the issuer's own name",
    ),
    "discovery_not_json": Reason(
        "what is served as the discovery document is no JSON",
        "target",
        "a page of a front end in the document's place?",
    ),
    "discovery_malformed": Reason(
        "the discovery document is no JSON object", "target", "what is served at the address"
    ),
    "discovery_too_large": Reason(
        "the discovery document is larger than a check reads (256 kB)", "target", "what makes it so large?"
    ),
    "discovery_issuer_mismatch": Reason(
        "the discovery document is another issuer's",
        "target",
        "expected and found in the findings: relying parties must refuse it; the issuer in the plan, to the last slash",
    ),
    "discovery_missing_field": Reason(
        "the discovery document lacks what a sign-in needs", "target", "missing in the findings"
    ),
    "discovery_bad_endpoint": Reason(
        "an endpoint in the discovery document is no https URL", "target", "the endpoint in the findings"
    ),
    "discovery_no_algorithm": Reason(
        "no asymmetric signature algorithm is advertised",
        "target",
        "id_token_signing_alg_values_supported at the issuer",
    ),
    "jwks_http": Reason("the key set is not served", "target", "the status in the findings"),
    "jwks_not_json": Reason(
        "what is served as the key set is no JSON", "target", "a page of a front end in the key set's place?"
    ),
    "jwks_malformed": Reason("the key set is no JSON object with a list of keys", "target", "what is served there"),
    "jwks_too_large": Reason(
        "the key set is larger than a check reads (1 MB, 10,000 keys)", "target", "what makes it so large?"
    ),
    "jwks_empty": Reason("the key set has no keys: no token can be verified", "target", "the issuer's key rotation"),
    "jwks_unusable": Reason(
        "no key of the set can verify a token of this issuer",
        "target",
        "bad keys and algorithms in the findings; the issuer's key rotation",
    ),
    "jwks_private_key": Reason(
        "the public key set has private parts of a key: anybody can sign tokens",
        "target",
        "withdraw the key at once; it counts as stolen",
    ),
    "jwks_symmetric_key": Reason(
        "the public key set has a symmetric key: anybody can sign tokens with it",
        "target",
        "withdraw the key at once, and take it out of the set",
    ),
    "jwks_weak_key": Reason(
        "an RSA key of the set is shorter than 2048 bits", "target", "bits in the findings (RFC 7518)", soft=True
    ),
    "jwks_bad_key": Reason(
        "a key of the set cannot be read",
        "target",
        "bad_keys in the findings; some relying parties give up on the whole set",
        soft=True,
    ),
    "jwks_duplicate_kid": Reason(
        "two keys of the set have the same kid: relying parties may take the wrong one",
        "target",
        "bad_keys in the findings",
        soft=True,
    ),
    "jwks_many_keys": Reason(
        "the key set has more keys than any rotation needs",
        "target",
        "is something adding a key with every start?",
        soft=True,
    ),
    "jwks_kid_unknown": Reason(
        "the token names a key that the key set does not have, also when fetched anew",
        "target",
        "a rotation that signs before it publishes, or a cache in front of the key set",
    ),
    # OIDC: the errors of OAuth
    "oauth_access_denied": Reason(
        "the issuer denies access to this user or client", "config", "consent, roles and policies of the test user"
    ),
    "oauth_invalid_client": Reason(
        "the client is not known, or its secret is not right", "config", "client id, secret and auth in the plan"
    ),
    "oauth_invalid_scope": Reason(
        "a scope is not allowed", "config", "scope in the plan, and the client's at the issuer"
    ),
    "oauth_scope_reduced": Reason(
        "the token has less scope than was asked for",
        "config",
        "missing in the findings; the client's scope at the issuer",
        soft=True,
    ),
    "oauth_invalid_target": Reason(
        "the resource or audience asked for is not allowed", "config", "resource and audience in the plan"
    ),
    "oauth_invalid_request": Reason(
        "the issuer calls the request invalid", "config", "the error's description in the findings"
    ),
    "oauth_unauthorized_client": Reason(
        "the client may not use this grant", "config", "the grants that are on for the client at the issuer"
    ),
    "oauth_redirect_uri_mismatch": Reason(
        "the redirect URI is not registered for the client", "config", "redirect_uri in the plan, to the last letter"
    ),
    "oauth_consent_required": Reason(
        "the user has not consented yet", "config", "run the flow once with --onboard, or consent for the test user"
    ),
    "oauth_interaction_required": Reason(
        "the issuer wants the user to do something", "config", "sign in as the test user by hand, once"
    ),
    "oauth_login_required": Reason(
        "the issuer no longer knows the session", "target", "did the session end early, or its cookie get lost?"
    ),
    "oauth_invalid_grant": Reason(
        "the issuer refuses the code or refresh token that it gave",
        "target",
        "stores that lag behind one another at the issuer; a refresh token that was used twice",
    ),
    "oauth_invalid_token": Reason(
        "the issuer refuses the access token that it gave", "target", "stores that lag behind one another at the issuer"
    ),
    "oauth_server_error": Reason("the issuer reports an error of its own", "target", "the issuer's log"),
    "oauth_temporarily_unavailable": Reason(
        "the issuer says that it is overloaded or under repair", "target", "the issuer's log and status page"
    ),
    "oauth_throttled": Reason(
        "the issuer says that it was asked too often", "blocked", "this probe's rate and the issuer's limits", soft=True
    ),
    "oauth_error": Reason("the issuer answers with an error", "target", "oauth_error in the findings"),
    "oauth_callback_malformed": Reason(
        "the issuer's callback cannot be read", "target", "a parameter that comes twice, or none at all"
    ),
    "oauth_state_missing": Reason("the callback has no state", "target", "the authorization endpoint's answer"),
    "oauth_state_mismatch": Reason(
        "the callback has another state than was sent", "target", "a cache, or sessions that get mixed up at the issuer"
    ),
    "oauth_iss_missing": Reason(
        "the callback does not name the issuer, which says that it does (RFC 9207)", "target", "the discovery document"
    ),
    "oauth_iss_mismatch": Reason(
        "the callback names another issuer (RFC 9207)", "target", "expected and found in the findings"
    ),
    "oauth_code_missing": Reason("the callback has neither a code nor an error", "target", "found in the findings"),
    "oauth_token_error": Reason(
        "the token endpoint gives neither tokens nor an error for the code",
        "target",
        "status and found in the findings",
    ),
    "oauth_refresh_error": Reason(
        "the token endpoint gives neither tokens nor an error for the refresh token",
        "target",
        "status and found in the findings",
    ),
    "oauth_client_credentials_error": Reason(
        "the token endpoint gives the client neither a token nor an error", "target", "status and found in the findings"
    ),
    # OIDC: tokens
    "token_missing": Reason(
        "the issuer gave no token of the kind that was asked for",
        "target",
        "missing in the findings; the scope asked for",
    ),
    "token_malformed": Reason("the token is no signed token (JWS)", "target", "found in the findings"),
    "token_encrypted": Reason(
        "the token is encrypted, which this check does not read", "config", "the client's settings at the issuer"
    ),
    "token_alg_not_allowed": Reason(
        "the token is signed with an algorithm that is not allowed: none, a symmetric one, or one not advertised",
        "target",
        "expected and found in the findings: relying parties that take it can be deceived",
    ),
    "token_signature_invalid": Reason(
        "the token's signature does not hold", "target", "does the key set have the key that signs now?"
    ),
    "token_claim_missing": Reason("the token lacks a claim", "target", "missing in the findings"),
    "token_claim_unexpected": Reason("a claim of the token is not as it should be", "target", "claim in the findings"),
    "token_iss_mismatch": Reason("the token names another issuer", "target", "expected and found in the findings"),
    "token_aud_mismatch": Reason(
        "the token is for another audience", "target", "expected and found in the findings; the client's settings"
    ),
    "token_azp_mismatch": Reason("the token was given to another client", "target", "azp in the token"),
    "token_sub_mismatch": Reason(
        "the new token is another user's", "target", "sessions that get mixed up at the issuer"
    ),
    "token_nonce_mismatch": Reason(
        "the token answers another request", "target", "a cache, or sessions that get mixed up"
    ),
    "token_expired": Reason("the token had expired when it came", "target", "a cache in front of the token endpoint?"),
    "token_not_yet_valid": Reason("the token is not valid yet (nbf)", "target", "the clocks of the issuer's servers"),
    "token_clock_skew": Reason(
        "by the token's times the issuer's clock is wrong", "target", "skew_s in the findings; this probe's clock, too"
    ),
    "token_at_hash_mismatch": Reason(
        "the token does not go with the access token beside it (at_hash)", "target", "the issuer's token endpoint"
    ),
    "token_c_hash_mismatch": Reason(
        "the token does not go with the code (c_hash)", "target", "the issuer's token endpoint"
    ),
    "token_auth_too_old": Reason(
        "the sign-in behind the token is older than asked for", "target", "age_s and most_s in the findings"
    ),
    # OIDC: the session
    "session_userinfo_http": Reason("userinfo refuses a good access token", "target", "status in the findings"),
    "session_userinfo_malformed": Reason("userinfo's answer cannot be read", "target", "found in the findings"),
    "session_sub_mismatch": Reason(
        "userinfo is of another user than the token", "target", "sessions that get mixed up at the issuer"
    ),
    "session_logout_failed": Reason("the logout did not go through", "target", "the step's hops in the findings"),
    "session_no_logout": Reason(
        "the provider offers no way to end a session",
        "config",
        "sessions add up there until they expire; leave_out logout and session, if that is known",
        soft=True,
    ),
    "session_no_silent": Reason(
        "the provider does not renew a session without its user (prompt=none)",
        "config",
        "the status in the findings; take every.silent out, or ask for offline_access, if it never does",
        soft=True,
    ),
    "session_survived_logout": Reason(
        "the session still works after the logout", "target", "what a logout ends at the issuer: session, tokens, both?"
    ),
}
