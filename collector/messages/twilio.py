"""Signatures of Twilio's webhooks (https://www.twilio.com/docs/usage/security). Pure.

What is signed is the URL as the account has it, and after it every field of the form, name and value, by the names'
order; with HMAC-SHA1 and the account's auth token. There is no time in it.
"""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

MAX_FIELDS = 100


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """The value of X-Twilio-Signature."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode("ascii")


def fits(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether the signature is right."""
    return hmac.compare_digest(sign(token, url, form).encode(), signature.encode("utf-8", "replace"))


def read_form(body: bytes) -> dict[str, str]:
    """The fields of application/x-www-form-urlencoded. Raises ValueError for what is none, or has a name twice."""
    fields = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS, errors="strict"
    )
    form = dict(fields)
    if len(form) != len(fields):
        raise ValueError("a field is there twice")
    return form
