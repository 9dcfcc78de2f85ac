"""What Clerk is asked, and what the stand-in for it answers, against Clerk's published description of its APIs
(https://github.com/clerk/openapi-specs). Where the stand-in is wrong about Clerk, this is what says so."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clerk import CODE, Asked, Clerk, Said, clerk, error
from tests.fakes.letterbox import Letterbox, letter
from tests.parts.certificates import Authority
from tests.probe.signin.clerk_runs import USER, WITH_CODE, WITH_PASSWORD, go, tools_at
from tests.probe.signin.flows import told

pytestmark = pytest.mark.slow

VARIABLE = "PARALLAX_CLERK_APIS"
TEXTED = {**WITH_PASSWORD, "sms": {"to": "+15005550006"}}
TOTP = {**WITH_PASSWORD, "totp": {"secret": "secret:KEY", "encoding": "raw"}}


class Description:
    """One API's. OpenAPI 3.0's `nullable` is read as it is meant: null, or the rest."""

    def __init__(self, path: Path) -> None:
        yaml = pytest.importorskip("yaml")
        self.whole = _without_nullable(yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader))

    def operation(self, method: str, path: str) -> dict[str, Any]:
        for template, operations in self.whole["paths"].items():
            if method.lower() in operations and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                return operations[method.lower()]
        raise AssertionError(f"{method} {path} is in no description")

    def resolved(self, said: Any) -> Any:
        while isinstance(said, dict) and "$ref" in said:
            found = self.whole
            for part in said["$ref"].split("/")[1:]:
                found = found[part]
            said = found
        return said

    def complaints(self, value: Any, schema: Any) -> list[str]:
        jsonschema = pytest.importorskip("jsonschema")
        root = {"allOf": [schema], "components": self.whole["components"]}
        found = jsonschema.Draft4Validator(root).iter_errors(value)
        return [f"{'.'.join(str(part) for part in each.absolute_path)}: {each.message[:300]}" for each in found]

    def answer_complaints(self, asked: Asked, path: str, said: Said) -> list[str]:
        operation = self.operation(asked.method, path)
        described = self.resolved(operation["responses"].get(str(said.status)))
        if described is None:  # of limits and bot detection the description says little: the shape is the same
            assert said.status >= 400, (asked.method, path, said.status)
            described = self.resolved({"$ref": "#/components/responses/ClerkErrors"})
        content = described.get("content")
        if not content:
            return []
        return self.complaints(json.loads(said.body), content["application/json"]["schema"])

    def request_complaints(self, asked: Asked, path: str) -> Iterator[str]:
        operation = self.operation(asked.method, path)
        named = {each["name"] for each in map(self.resolved, operation.get("parameters", [])) if each["in"] == "query"}
        extra = set(asked.query) - named - OURS
        if extra:
            yield f"query {sorted(extra)}"
        body = self.resolved(operation.get("requestBody"))
        content_type = asked.headers.get("content-type")
        if not asked.body or asked.body == b"{}":
            if body and body.get("required"):
                yield "no body"
            return
        if not body:
            yield f"a body, {asked.body[:50]!r}"
        elif content_type not in body["content"]:
            yield f"{content_type} is none of {sorted(body['content'])}"
        else:
            schema = self.resolved(body["content"][content_type]["schema"])
            value = asked.form if content_type == "application/x-www-form-urlencoded" else json.loads(asked.body)
            yield from self.complaints(value, schema)
            yield from (f"{name} is unknown" for name in set(value) - set(schema.get("properties", {})))


OURS = frozenset(
    {"__clerk_api_version", "_clerk_js_version", "__clerk_db_jwt", "__clerk_testing_token", "_method"}
)  # fmt: skip
"""What every request of a browser has. Clerk's own browser code sends them; the description says nothing of them."""


def _without_nullable(said: Any) -> Any:
    if isinstance(said, list):
        return [_without_nullable(each) for each in said]
    if not isinstance(said, dict):
        return said
    found = {str(key): _without_nullable(value) for key, value in said.items()}
    if found.pop("nullable", None) is True:
        return {"anyOf": [{"type": "null"}, found], "properties": found.get("properties", {})}
    return found


@pytest.fixture(scope="module")
def published() -> dict[str, Description]:
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} is not set: a folder with fapi.yml and bapi.yml of github.com/clerk/openapi-specs")
    return {name: Description(Path(folder) / f"{name}.yml") for name in ("fapi", "bapi")}


def complaints_of(server: Clerk, published: dict[str, Description]) -> list[str]:
    """Everything that does not fit, of all that was asked and answered."""
    found = []
    for asked, said in server.exchanges:
        backend = asked.path.startswith("/api/")
        api, path = published["bapi" if backend else "fapi"], asked.path.removeprefix("/api")
        asking = [f"asked {asked.method} {path}: {each}" for each in api.request_complaints(asked, path)]
        answer = [f"answer to {asked.method} {path}: {each}" for each in api.answer_complaints(asked, path, said)]
        found += asking + answer
    return found


@pytest.mark.parametrize(
    ("use", "more"),
    [
        ("clerk.password", {}),
        ("clerk.password", {"instance": "development"}),
        ("clerk.password", {"user": TOTP, "second": ("totp",)}),
        ("clerk.password", {"user": {**WITH_PASSWORD, "code": "424242"}, "second": ("email_code",)}),
        ("clerk.password", {"user": {**WITH_PASSWORD, "code": "424242"}, "second": ("phone_code",)}),
        ("clerk.password", {"user": TEXTED, "second": ("phone_code",)}),
        ("clerk.password", {"secret_key": "secret:KEY"}),
        ("clerk.email_code", {"user": WITH_CODE}),
        ("clerk.session_token", {"instance": "production"}),
        ("clerk.session_token", {"instance": "development", "user": {"name": "user_2abcSYNTHETIC"}}),
        ("clerk.session_token", {"instance": "development"}),
    ],
)
async def test_a_good_run(
    use: str, more: dict[str, Any], published: dict[str, Description], tmp_path: Path
) -> None:  # fmt: skip
    authority = Authority()
    async with clerk(authority.leaf("localhost")) as server:
        server.second = more.pop("second", ())
        server.development = more.get("instance") == "development"
        if use == "clerk.session_token":
            server.hooks["/api/users"] = lambda asked: Said(200, json.dumps([_user(published["bapi"])]).encode())
        tools = tools_at(authority, tmp_path, mailbox=Letterbox(letter("sms", CODE)))
        found = await go(server, tools, use, **more)
        assert [each.reason for each in found] == [None] * len(found), told(found)
        assert complaints_of(server, published) == []
        assert not server.live
        assert not server.clients


def _user(api: Description) -> dict[str, Any]:
    """A user of the backend API is large; of this one, only the id is read. The rest is made from the description."""
    made: dict[str, Any] = _least(api, api.resolved({"$ref": "#/components/schemas/User"}))
    return {**made, "id": "user_2abcSYNTHETIC"}


def _least(api: Description, schema: Any) -> Any:
    schema = api.resolved(schema)
    if "anyOf" in schema or "oneOf" in schema:
        first = (schema.get("anyOf") or schema["oneOf"])[0]
        return None if first == {"type": "null"} else _least(api, first)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        named = schema.get("properties", {})
        return {name: _least(api, named[name]) for name in schema.get("required", []) if name in named}
    return {"array": [], "string": "x", "integer": 0, "boolean": False, "number": 0}.get(str(schema.get("type")))


@pytest.mark.parametrize(("code", "status"), [("form_password_incorrect", 422), ("requires_captcha", 401)])
async def test_refusals_have_the_published_shape(
    code: str, status: int, published: dict[str, Description], tmp_path: Path
) -> None:
    authority = Authority()
    async with clerk(authority.leaf("localhost")) as server:
        server.hooks["/v1/client/sign_ins"] = lambda asked: error(code, status)
        await go(server, tools_at(authority, tmp_path))
        assert complaints_of(server, published) == []


async def test_what_does_not_fit_is_seen(published: dict[str, Description], tmp_path: Path) -> None:
    """The test of the test: one field too many, one too few, one path too many."""
    authority = Authority()
    async with clerk(authority.leaf("localhost")) as server:
        await go(server, tools_at(authority, tmp_path), user={**USER, "password": "secret:PW"})
        (asked, said), *_ = [each for each in server.exchanges if each[0].key == "/v1/client/sign_ins"]
        body = json.loads(said.body)
        del body["response"]["status"]
        server.exchanges = [(asked, Said(200, json.dumps(body).encode()))]
        assert any("'status' is a required property" in each for each in complaints_of(server, published))
        server.exchanges = [(Asked("POST", asked.path, {}, asked.headers, asked.body + b"&pasword=x"), said)]
        assert complaints_of(server, published) == ["asked POST /v1/client/sign_ins: pasword is unknown"]
        server.exchanges = [(Asked("PUT", asked.path, {}, asked.headers, b""), said)]
        with pytest.raises(AssertionError, match="in no description"):
            complaints_of(server, published)
