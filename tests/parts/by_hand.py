"""A browser of the simplest kind, for the tests of the identity providers themselves: what a person does, written out.
It shares nothing with the probe's sign-in but the wire, so that neither's mistakes are hidden by the other."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import msgspec

from parallax.dialling.http import Headers, open_http
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.values import Address


class Form(msgspec.Struct):
    """A form as it came: `fields` by name, `buttons` as (name, value, label), and which inputs are of which type."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = {}
    types: dict[str, str] = {}
    buttons: list[tuple[str, str, str]] = []
    id: str = ""


class Answer(msgspec.Struct, frozen=True):
    url: str
    status: int
    headers: Headers
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def forms(self) -> list[Form]:
        reader = _Forms()
        reader.feed(self.text)
        return reader.forms

    def form_with(self, type_or_name: str) -> Form:
        """The first form that has an input of this type or name."""
        return next(f for f in self.forms if type_or_name in f.types.values() or type_or_name in f.fields)


class ByHand:
    """One jar of cookies and one pinned address. Follows redirects until one leads to `stop`."""

    def __init__(self, address: Address, routes: Routes, ca_file: str, stop: str) -> None:
        self._address, self._routes, self._trust, self.stop = address, routes, Trust(ca_file), stop
        self.cookies: dict[tuple[str, str], str] = {}

    async def send(
        self, method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, no redirect."""
        sent = dict(headers or {})
        body = urlencode(form).encode() if form is not None else b""
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if cookies := self._cookies_for(url):
            sent["Cookie"] = cookies
        async with open_http(self._address, self._routes, self._trust) as http, http.request(
            method, url, headers=sent, body=body
        ) as response:  # fmt: skip
            text = (await response.aread()).decode("utf-8", "replace")
        self._keep(url, response.headers)
        return Answer(url, response.status_code, response.headers, text)

    async def go(self, method: str, url: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """A request and its redirects."""
        answer = await self.send(method, url, form, headers)
        for _ in range(20):
            location = answer.headers.get("location")
            if location is None:
                return answer
            url = urljoin(answer.url, location)
            if url.startswith(self.stop):
                return msgspec.structs.replace(answer, url=url)
            answer = await self.send("GET", url)
        raise AssertionError(f"more than 20 redirects, the last to {url}")

    async def submit(self, page: Answer, form: Form, fill: Mapping[str, str], press: str | None = None) -> Answer:
        """Fills a form and presses the button with this label."""
        fields = form.fields | dict(fill)
        if press is not None:
            name, value, _ = next(b for b in form.buttons if b[2] == press)
            fields |= {name: value} if name else {}
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
        return await self.go("POST", urljoin(page.url, form.action), fields, Origin=origin, Referer=page.url)

    def _cookies_for(self, url: str) -> str:
        path = urlsplit(url).path or "/"
        fits = lambda under: path == under or path.startswith(under.rstrip("/") + "/")  # noqa: E731
        return "; ".join(f"{name}={value}" for (name, under), value in self.cookies.items() if fits(under))

    def _keep(self, url: str, headers: Headers) -> None:
        for line in (value for name, value in headers.lines if name.lower() == "set-cookie"):
            pair, *attributes = line.split(";")
            name, _, value = pair.strip().partition("=")
            known = {k.strip().lower(): v for k, _, v in (a.partition("=") for a in attributes)}
            key = name, known.get("path") or urlsplit(url).path.rpartition("/")[0] or "/"
            self.cookies[key] = value
            if not value or known.get("max-age") == "0":
                del self.cookies[key]


class Authorization:
    """One authorization request with PKCE (RFC 7636), and what is needed after it."""

    def __init__(self, endpoint: str, client_id: str, redirect_uri: str, scope: str, **more: str) -> None:
        self.verifier, self.state, self.nonce = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "scope": scope,
            "state": self.state, "nonce": self.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        self.url = f"{endpoint}?{urlencode(query | more)}"

    def answer(self, url: str) -> dict[str, str]:
        """The parameters of the callback, its state checked."""
        found = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert found["state"] == self.state, url
        return found


def claims_of(token: str) -> dict[str, Any]:
    """Of a JWT, not verified."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._button: tuple[Form, str, str] | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(has.get("action", ""), has.get("method", "get").lower(), id=has.get("id", ""))
            self.forms.append(self._open)
        form = next((f for f in self.forms if f.id and f.id == has.get("form")), self._open)
        if form is None:
            return
        kind = has.get("type", "text" if tag == "input" else "submit").lower()
        if tag == "input" and kind == "submit":
            form.buttons.append((has.get("name", ""), has.get("value", ""), has.get("value", "")))
        elif tag == "input" and has.get("name") and kind not in ("checkbox", "radio", "button"):
            form.fields[has["name"]] = has.get("value", "")
            form.types[has["name"]] = kind
        elif tag == "button":
            self._button, self._label = (form, has.get("name", ""), has.get("value", "")), ""

    def handle_data(self, data: str) -> None:
        self._label += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "button" and self._button:
            form, name, value = self._button
            form.buttons.append((name, value, " ".join(self._label.split())))
            self._button = None
