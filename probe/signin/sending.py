"""From a page to the next response, as a browser sends it: a form that is submitted, a page that leads on by itself.

What would go to the redirect URI, where nobody listens, comes back as a callback (`response_mode=form_post`, too).
"""

from collections.abc import Callable, Collection
from urllib.parse import parse_qsl, urlencode

import trio

from parallax.dialling.http import Headers
from parallax.redaction import excerpt
from probe.fault import Fault
from probe.oidc.authorization import is_callback
from probe.pages.charset import text_of
from probe.pages.form import Button, Form
from probe.pages.page import Page, read_page
from probe.pages.scene import Scene
from probe.pages.submission import Submission
from probe.signin.browser import Browser, sendable
from probe.signin.reply import Reply, end
from probe.tape import Tape

MAX_AUTOMATIC = 10
"""Pages in a row that lead on by themselves."""
MAX_DELAY_S = 10.0
"""A page that leads on by itself after a while is waited for so long at most."""
MAX_CALLBACK = 100
"""Parameters that come with a callback."""


def page_of(reply: Reply) -> Page:
    """The response as a page."""
    text, charset = text_of(reply.body, reply.headers.get("content-type"))
    return read_page(text, reply.url, charset)


def shown(text: str, tape: Tape, limit: int = 200) -> str | None:
    """What a page says, as findings carry it."""
    return excerpt(tape.hidden.scrub(text), limit) or None


def action_of(form: Form, press: Button | None, tape: Tape) -> str:
    """Where the form goes with this button. Ends the step where no browser would go there."""
    action = press.formaction if press is not None and press.formaction is not None else form.action
    return sendable(action, tape)


def note_form(form: Form, press: Button | None, tape: Tape) -> None:
    """Notes which fields it has, and which button is pressed."""
    names = [shown(field.name, tape, 60) or "" for field in form.fields if not field.hidden]
    tape.note(form=names[:20] or None, pressed=shown(press.label, tape, 60) if press is not None else None)


def keep_out_of_url(sent: Submission, secrets: Collection[str], tape: Tape) -> None:
    """Ends the step where a form with secrets in it would go by GET."""
    if secrets and sent.method == "GET":
        raise end(tape, Fault("signin_unexpected_page", {"detail": "the form would put a secret into the URL"}))


async def submit_form(
    sent: Submission,
    user: Browser,
    page_url: str,
    stop_at: str | None,
    tape: Tape,
    may_go: Callable[[str], None] | None = None,
) -> Reply:
    """Sends a form of the page at `page_url`. `may_go` is the browser's."""
    if stop_at is not None and is_callback(sent.url, stop_at):
        posted = urlencode(parse_qsl(sent.body.decode("utf-8", "replace"), keep_blank_values=True)[:MAX_CALLBACK])
        return _called_back(page_url, f"{sent.url.partition('?')[0]}?{posted}" if posted else sent.url)
    return await user.request(
        sent.method,
        sendable(sent.url, tape),
        tape=tape,
        headers={"Content-Type": sent.content_type} if sent.content_type else {},
        body=sent.body,
        stop_at=stop_at,
        may_go=may_go,
        referer=page_url,
    )


async def follow_link(url: str, user: Browser, page_url: str, stop_at: str | None, tape: Tape) -> Reply:
    """Goes where a link, a refresh or a script of the page leads."""
    if stop_at is not None and is_callback(url, stop_at):
        return _called_back(page_url, url)
    return await user.request("GET", sendable(url, tape), tape=tape, stop_at=stop_at, referer=page_url)


async def wait_as_told(scene: Scene, tape: Tape) -> None:
    """For as long as the page shows itself before it leads on, in the phase `pause`."""
    if scene.delay_s:
        tape.enter("pause")
        await trio.sleep(min(scene.delay_s, MAX_DELAY_S))
        tape.leave()


def _called_back(url: str, callback: str) -> Reply:
    """A page, not a redirect, led to the redirect URI."""
    return Reply(method="GET", url=url, status=200, headers=Headers(()), callback=callback)
