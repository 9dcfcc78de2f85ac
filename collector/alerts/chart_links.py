"""Where a chart can be fetched from: channels that take no picture with a message fetch it themselves, and have no
token. So its address is its own permission: it names one check's hour, and a keyed digest (RFC 2104) of both, which
nobody can make for another check or hour. It holds for a week from the hour that it shows.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import quote

import msgspec

from collector.alerts.notification import Notification
from collector.alerts.pictures import check_of, end_of_hour
from parallax.clock import NS
from parallax.config import CollectorConfig
from parallax.log import get_log
from parallax.state import write_private
from parallax.values import Url

HOLDS_NS = 7 * 24 * 3600 * NS
KEY_OCTETS = 32
KEY_FILE = "charts.key"
LONGEST = 1000
"""Of an address; a check's name that makes it longer has none. Slack takes 3000 characters, Grafana IRM 2048."""
_log = get_log(__name__)


class ChartLinks(msgspec.Struct, frozen=True):
    """Makes addresses of charts under `base`, and tells its own from others'. Pure."""

    base: Url
    key: bytes

    def link_of(self, notification: Notification) -> str:
        """The address of the hour before the alert; "" where it is of no check. The same over all tries."""
        check = check_of(notification)
        if not check:
            return ""
        until_s = end_of_hour(notification.at) // NS
        path = f"chart/{self._signature(check, until_s)}/{until_s}/{quote(check, safe='')}.png"
        link = f"{str(self.base).rstrip('/')}/{path}"
        return link if len(link) <= LONGEST else ""

    def holds(self, signature: str, check: str, until_s: int, now: int) -> bool:
        """Whether it is one of ours, and not over. `now` is ns since the Unix epoch."""
        right = self._signature(check, until_s)
        return hmac.compare_digest(signature.encode(), right.encode()) and now < until_s * NS + HOLDS_NS

    def _signature(self, check: str, until_s: int) -> str:
        digest = hmac.new(self.key, f"chart\n{until_s}\n{check}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:24]).decode()


def open_links(config: CollectorConfig, state: Path) -> ChartLinks | None:
    """By the config, with the key of this collector, which is made at its first use; None without `charts`."""
    if config.charts is None:
        return None
    path = state / KEY_FILE
    try:
        key = path.read_bytes()
        if len(key) == KEY_OCTETS:
            return ChartLinks(config.charts, key)
    except FileNotFoundError:
        pass
    except OSError as error:
        _log.error("the key of charts cannot be read: a new one is made", path=str(path), error=error.strerror)
    key = secrets.token_bytes(KEY_OCTETS)
    try:
        write_private(path, key)
    except OSError as error:  # a full disk: messages go out all the same
        _log.error("charts are shown until this program ends, and not after", path=str(path), error=error.strerror)
    return ChartLinks(config.charts, key)
