"""The one-time code that a page asks for: one that always holds, one by the clock (RFC 6238), or one by mail or SMS."""

import base64
import hmac
import struct
from binascii import Error

import trio

from parallax.clock import NS, wall_ns
from parallax.plan.signin_specs import Totp, User
from probe.fault import Fault
from probe.pages.scene import Scene
from probe.signin.letters import mailed_code, texted_code
from probe.signin.reply import end
from probe.tape import Tape
from probe.tools import Tools
from probe.vault import Values, Withheld, fill

ABSTAINS = "over_budget"
SHORTEST_S = 3.0
"""A code that holds for less is not sent: it would be over on its way."""


async def code_for(
    user: User, scene: Scene, tape: Tape, tools: Tools, *, to: str, values: Values, since: float | None = None
) -> str:
    """The code, to be sent to the URL `to`. `values` is what the user's texts may name; a letter counts if it arrived
    after `since` (trio's clock; when this step began if left out). Ends the step where there is none; raises
    Withheld."""
    if user.totp is not None and (scene.word == "totp" or not sends_code(user)):
        return await by_clock(user.totp, user.name, tape, tools, to=to)
    if user.code is not None:
        return fill(user.code, values, to, tools.vault, tools.hidden)
    since = tape.started if since is None else since
    if user.mail is not None:
        return await mailed_code(user, tape, tools, values, since)
    if user.sms is not None:
        return await texted_code(user.sms, tape, tools, values, since)
    raise end(tape, Fault("signin_mfa_required"))


def sends_code(user: User) -> bool:
    """Whether the plan has the code that a provider sends, or says where it arrives."""
    return user.code is not None or user.mail is not None or user.sms is not None


async def by_clock(totp: Totp, user: str, tape: Tape, tools: Tools, *, to: str | None = None) -> str:
    """The code of this moment, to be sent to the URL `to`: where its seed may go, or a plan could have one made for
    another's page. None: whoever sends it sees to that. No code is sent twice, as most providers take each once (RFC
    6238 section 5.2), and none that is nearly over. Raises Withheld."""
    name = totp.secret.removeprefix("secret:")
    if to is not None:
        tools.vault.check(name, to)
    secret = tools.vault.known(name, tools.hidden)
    used, key = tools.signins.used_codes, f"{totp.secret} {user}"
    now = wall_ns() / NS
    left_s = totp.period - now % totp.period
    if left_s < SHORTEST_S or used.stale(key) == int(now // totp.period):
        if trio.current_time() + left_s > trio.current_effective_deadline():
            raise end(
                tape, Fault("signin_own_budget", {"detail": "the code of this moment was used"}, abstain=ABSTAINS)
            )
        tape.enter("pause")
        await trio.sleep(left_s + 0.05)
        tape.leave()
        now = wall_ns() / NS
    used.put(key, int(now // totp.period), float("inf"))
    return totp_at(totp, secret, now)


def totp_at(totp: Totp, secret: str, now: float) -> str:
    """The code at a time, seconds since the Unix epoch (RFC 6238 section 4, RFC 4226 section 5.3). Raises Withheld
    for a secret that is not written as the plan says."""
    digest = hmac.digest(_octets(totp, secret), struct.pack(">Q", int(now // totp.period)), totp.algorithm)
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF
    return str(number)[-totp.digits :].zfill(totp.digits)


def _octets(totp: Totp, secret: str) -> bytes:
    if totp.encoding == "raw":
        return secret.encode()
    text = "".join(secret.split()).replace("-", "")
    try:
        if totp.encoding == "hex":
            return bytes.fromhex(text)
        text = text.upper().rstrip("=")
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (ValueError, Error):
        detail = f"{totp.secret.removeprefix('secret:')} is not written in {totp.encoding}: encoding in user.totp"
        raise Withheld("secret_missing", detail) from None
