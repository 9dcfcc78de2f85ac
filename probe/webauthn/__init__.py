"""A software authenticator for passkeys (W3C Web Authentication Level 2). Values in, values out: it neither dials nor
waits, and keeps nothing."""

from probe.webauthn.authenticator import Answer, PasskeyError, answer_create, answer_get
from probe.webauthn.passkey import Passkey, new_passkey, read_passkey

__all__ = ["Answer", "Passkey", "PasskeyError", "answer_create", "answer_get", "new_passkey", "read_passkey"]
