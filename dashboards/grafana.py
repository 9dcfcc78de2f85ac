"""Grafana's HTTP API, through grafana-client: the only module that imports it.

https://grafana.com/docs/grafana/latest/developers/http_api/ has the calls. The client blocks; deploying is a script
that does one thing after another.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException, GrafanaTimeoutError
from niquests.exceptions import JSONDecodeError

TIMEOUT_S = 20.0
WAYS_OUT = {
    400: "it does not know this: is it older than Grafana 10?",
    401: "it does not take the token: make one for a service account (Administration, Service accounts) and put it "
    "into the file that --token-file names",
    403: "the token may not do this: its service account needs the role Admin, for data sources and alerting",
    409: "another one has this name: rename it, or remove it",
    412: "somebody changes it at the same time: run this again",
    422: "it does not take this",
}
"""By status."""
_CAUSED = re.compile(r"object at 0x\w+>?[:,] (.+?)[')\"]*$")


class DeployError(Exception):
    """It could not be done; one line with what, why and the way out. `status` is None where no answer came."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class Grafana:
    """One server. Every call raises DeployError."""

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S, ca: str | None = None) -> None:
        self.url = url.rstrip("/")
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise DeployError(f"{url} is no URL of a Grafana: https://HOST")
        api = GrafanaApi.from_url(self.url, credential=token, timeout=timeout_s)
        self._client: Any = api.client
        if ca:
            self._client.verify = ca

    def get(self, path: str, what: str) -> Any:
        """None where there is none."""
        try:
            return self._call("GET", path, what)
        except DeployError as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, body: Any, what: str) -> Any:
        return self._call("POST", path, what, body)

    def put(self, path: str, body: Any, what: str) -> Any:
        return self._call("PUT", path, what, body)

    def close(self) -> None:
        self._client.s.close()

    def _call(self, method: str, path: str, what: str, body: Any = None) -> Any:
        try:
            return getattr(self._client, method)(path, json=body)
        except GrafanaTimeoutError:
            raise DeployError(
                f"{what}: {self.url} does not answer in time; run this again, what is done stays"
            ) from None
        except GrafanaException as error:
            raise self._failed(what, error) from None
        except JSONDecodeError as error:
            raise DeployError(f"{what}: {self.url} answers no JSON ({_short(error)}); is it a Grafana?") from None
        except (OSError, ValueError) as error:  # niquests' own are one or the other
            raise DeployError(f"{what}: {self.url} cannot be asked: {_short(error)}; is it running?") from None

    def _failed(self, what: str, error: GrafanaException) -> DeployError:
        status = int(error.status_code or 0)
        said = error.response.get("message", "") if isinstance(error.response, dict) else ""
        words = f"{what}: {self.url} answered {status}" + (f" ({_short(said)})" if said else "")
        way_out = WAYS_OUT.get(status, "run this again, what is done stays" if status >= 500 else "")
        return DeployError(f"{words}; {way_out}" if way_out else words, status)


def _short(value: object) -> str:
    """One line; of the library's own words, those that say what went wrong."""
    text = " ".join(str(value).split())
    if caused := _CAUSED.search(text):
        text = caused[1]
    return text[:200]
