"""The renderer: what it reads, and when."""

from pathlib import Path

from starlette.requests import Request

from collector.web.render import Renderer


def test_an_upgrade_on_disk_does_not_reach_a_collector_that_runs(tmp_path: Path):
    (tmp_path / "mine.html").write_text("as of then")
    renderer = Renderer(lambda name: name, tmp_path)
    (tmp_path / "mine.html").write_text("{{ what_only_a_later_version_gives }}")
    page = renderer.render(Request({"type": "http", "headers": []}), "mine.html", {})
    assert bytes(page.body) == b"as of then"
