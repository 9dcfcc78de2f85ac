"""The address of a chart is its own permission: for one check's hour, for a week, of one collector's key."""

import stat
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from collector.alerts.chart_links import HOLDS_NS, LONGEST, ChartLinks, open_links
from collector.alerts.notification import Notification
from collector.events import Affected
from parallax.clock import NS
from parallax.config import CollectorConfig
from parallax.values import Url
from tests.fakes.events import AT
from tests.fakes.notifications import EVERY, changed, notification

BASE = Url("https://parallax.example.org/watch/")
LINKS = ChartLinks(BASE, bytes(32))
NASTY = "front door/../€ ?x=1#%2F.png"


def about(check: str, at: int = AT) -> Notification:
    affected = Affected(check=check, kind="http", target="t", subject="s", state="down", since=AT)
    return msgspec.structs.replace(notification(changed(checks=(affected,))), at=at)


def parts(link: str) -> tuple[str, str, int]:
    """Signature, check and end of the hour (s), as they stand in a link."""
    signature, until, name = link.removeprefix(f"{str(BASE).rstrip('/')}/chart/").split("/")
    return signature, unquote(name).removesuffix(".png"), int(until)


@pytest.mark.parametrize("check", ["api", NASTY])
def test_a_link_leads_back_to_its_check_and_hour(check: str) -> None:
    link = LINKS.link_of(about(check))
    signature, said, until_s = parts(link)
    assert (said, until_s % 60) == (check, 0)
    assert 0 < until_s * NS - AT <= 60 * NS
    assert LINKS.holds(signature, check, until_s, AT)
    assert LINKS.link_of(about(check, AT + NS)) == link  # the next try


def test_nothing_else_is_let_in_and_not_for_ever() -> None:
    signature, check, until_s = parts(LINKS.link_of(about("api")))
    over = until_s * NS + HOLDS_NS
    assert LINKS.holds(signature, check, until_s, over - 1)
    assert not LINKS.holds(signature, check, until_s, over)
    assert not LINKS.holds(signature, "api2", until_s, AT)
    assert not LINKS.holds(signature, check, until_s + 60, AT)
    assert not LINKS.holds(signature[:-1], check, until_s, AT)
    assert not LINKS.holds("€", check, until_s, AT)
    assert not LINKS.holds("", check, until_s, AT)
    assert not ChartLinks(BASE, b"\1" * 32).holds(signature, check, until_s, AT)


def test_what_is_of_no_check_or_too_long_has_none() -> None:
    assert LINKS.link_of(EVERY["test"]) == LINKS.link_of(EVERY["failover.recommended"]) == ""
    assert LINKS.link_of(about("€" * 300)) == ""
    assert len(LINKS.link_of(about("x" * 800))) <= LONGEST


def test_the_key_is_kept_and_private(tmp_path: Path) -> None:
    config = CollectorConfig(state=str(tmp_path), plan="p", charts=BASE)
    first = open_links(config, tmp_path)
    assert first is not None
    assert open_links(config, tmp_path) == first
    file = tmp_path / "charts.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"cut off")
    made_anew = open_links(config, tmp_path)
    assert made_anew is not None
    assert made_anew.key != first.key
    assert open_links(config, tmp_path) == made_anew


def test_without_an_address_there_is_no_key(tmp_path: Path) -> None:
    assert open_links(CollectorConfig(state=str(tmp_path), plan="p"), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing_costs_the_links_no_more_than_a_restart(tmp_path: Path) -> None:
    links = open_links(CollectorConfig(state="s", plan="p", charts=BASE), tmp_path / "missing")
    assert links is not None
    assert len(links.key) == 32
