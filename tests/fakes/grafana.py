"""A Grafana as far as deploying goes: it keeps what it is sent, refuses as the real one does, and holds every request
against Grafana's own published description of its API, where there is one.

`trouble` is the hook: what it answers to a request instead, or None.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema

TOKEN = "glsa_test"
Trouble = Callable[[str, str], tuple[int, Any] | None]
Answer = tuple[int, Any]


class Description:
    """Grafana's API in Swagger 2.0."""

    def __init__(self, file: Path) -> None:
        self.api = json.loads(file.read_bytes())
        for point in (self.api["definitions"]["EmbeddedContactPoint"]["properties"]["type"],):
            point["enum"] = [word.strip() for word in point["enum"]]  # the published ones begin with a blank
        # published as a number of nanoseconds; the program reads and writes "5m", and so do the examples of its docs
        self.api["definitions"]["ProvisionedAlertRule"]["properties"]["for"] = {"type": "string"}

    def faults(self, method: str, path: str, body: Any) -> list[str]:
        """What is wrong with a request."""
        for template, methods in self.api["paths"].items():
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in methods:
                if "{" in template and path in self.api["paths"]:
                    continue
                return list(self._of_body(methods[method.lower()], body))
        return [f"{method} {path} is not in the description"]

    def _of_body(self, operation: Any, body: Any) -> Iterator[str]:
        wanted = [each for each in operation.get("parameters", ()) if each.get("in") == "body"]
        if not wanted:
            if body is not None:
                yield "no body is wanted"
            return
        schema = wanted[0]["schema"] | {"definitions": self.api["definitions"]}
        for error in jsonschema.Draft4Validator(schema).iter_errors(body):
            yield f"{'/'.join(map(str, error.path))}: {error.message[:200]}"
        name = wanted[0]["schema"]["$ref"].rpartition("/")[2]
        known = self.api["definitions"][name]["properties"]
        yield from (f"{name} has no {key}" for key in body if key not in known)


class FakeGrafana:
    """What it holds, and what it was asked."""

    def __init__(self, description: Description | None, trouble: Trouble) -> None:
        self.description, self.trouble = description, trouble
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.folders: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self.points: list[dict[str, Any]] = []
        self.groups: dict[str, dict[str, Any]] = {}
        self.tree: dict[str, Any] = {"receiver": "grafana-default-email", "provenance": "api"}
        self.annotations: list[dict[str, Any]] = []

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.asked if method != "GET"]

    def answer(self, method: str, path: str, body: Any, token: str) -> Answer:
        self.asked.append((method, path))
        if self.description is not None:
            self.faults += [f"{method} {path}: {fault}" for fault in self.description.faults(method, path, body)]
        if (said := self.trouble(method, path)) is not None:
            return said
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key"}
        match [method, *path.strip("/").split("/")]:
            case ["GET", "folders", uid]:
                return _found(self.folders.get(uid))
            case ["POST", "folders"]:
                self.folders[body["uid"]] = body | {"version": 1}
                return 200, self.folders[body["uid"]]
            case ["PUT", "folders", uid]:
                if body["version"] != self.folders[uid]["version"] and not body.get("overwrite"):
                    return 412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"}
                self.folders[uid] |= {"title": body["title"], "version": body["version"] + 1}
                return 200, self.folders[uid]
            case ["GET", "datasources", "uid", uid]:
                return _found(self.sources.get(uid))
            case ["POST", "datasources"]:
                if any(each["name"] == body["name"] for each in self.sources.values()):
                    return 409, {"message": "data source with the same name already exists"}
                return self._keep_source(body, 1)
            case ["PUT", "datasources", "uid", uid]:
                return self._keep_source(body, self.sources[uid]["version"] + 1)
            case ["GET", "dashboards", "uid", uid]:
                return _found(self.boards.get(uid))
            case ["POST", "dashboards", "db"]:
                return self._keep_board(body)
            case ["POST", "annotations"]:
                self.annotations.append(body)
                return 200, {"message": "Annotation added", "id": 1}
            case _:
                return self._alerting(method, path, body)

    def _alerting(self, method: str, path: str, body: Any) -> Answer:
        match [method, *path.removeprefix("/v1/provisioning/").split("/")]:
            case ["GET", "contact-points"]:
                return 200, self.points
            case ["POST", "contact-points"]:
                self.points.append(body | {"provenance": "api"})
                return 202, self.points[-1]
            case ["PUT", "contact-points", uid]:
                self.points = [body if point["uid"] == uid else point for point in self.points]
                return 202, {"message": "contactpoint updated"}
            case ["GET", "policies"]:
                return 200, self.tree
            case ["PUT", "policies"]:
                known = {point["name"] for point in self.points} | {"grafana-default-email"}
                named = {body["receiver"], *(branch["receiver"] for branch in body.get("routes", ()))}
                if named - known:
                    return 400, {"message": f"receiver {named - known} does not exist"}
                self.tree = body | {"provenance": "api"}
                return 202, {"message": "policies updated"}
            case ["GET", "folder", _, "rule-groups", group]:
                return _found(self.groups.get(group))
            case ["PUT", "folder", folder, "rule-groups", group]:
                if folder not in self.folders:
                    return 400, {"message": "folder does not exist"}
                rules = [
                    rule
                    | {"id": number, "provenance": "api", "for": rule["for"].replace("60s", "1m"), "updated": "now"}
                    for number, rule in enumerate(body["rules"])
                ]
                self.groups[group] = body | {"rules": rules}
                return 200, self.groups[group]
        return 404, {"message": "Not found"}

    def _keep_source(self, body: Any, version: int) -> Answer:
        known = dict.fromkeys(body.get("secureJsonData", {}), True)
        kept = {name: value for name, value in body.items() if name != "secureJsonData"}
        self.sources[body["uid"]] = kept | {"version": version, "secureJsonFields": known, "id": 1, "readOnly": False}
        return 200, {"datasource": self.sources[body["uid"]], "message": "ok"}

    def _keep_board(self, body: Any) -> Answer:
        board, uid = body["dashboard"], body["dashboard"]["uid"]
        there = self.boards.get(uid)
        if there and board.get("version") != there["dashboard"]["version"] and not body.get("overwrite"):
            return 412, {"status": "version-mismatch", "message": "The dashboard has been changed by someone else"}
        if any(
            each["dashboard"]["title"] == board["title"] and each["meta"]["folderUid"] == body["folderUid"]
            for other, each in self.boards.items()
            if other != uid
        ):
            return 412, {"status": "name-exists", "message": "A dashboard with the same name already exists"}
        version = there["dashboard"]["version"] + 1 if there else 1
        self.boards[uid] = {
            "dashboard": board | {"id": 7, "version": version}, "meta": {"folderUid": body["folderUid"]}
        }  # fmt: skip
        return 200, {"uid": uid, "status": "success", "version": version}


def _found(value: Any) -> Answer:
    return (404, {"message": "not found"}) if value is None else (200, value)


@contextmanager
def grafana(description: Path | None = None, trouble: Trouble = lambda method, path: None) -> Iterator[FakeGrafana]:
    """On a port of its own until the end of the block."""
    fake = FakeGrafana(None if description is None else Description(description), trouble)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one segment
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            path = unquote(urlsplit(self.path).path).removeprefix("/api")
            status, value = fake.answer(
                self.command, path, json.loads(raw) if raw else None, self.headers.get("Authorization", "")
            )
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
