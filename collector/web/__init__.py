"""The page: server-rendered HTML, live by server-sent events. Read-only, but for what an extension adds."""

from collector.web.extension import Extension
from collector.web.pages import Pages, View

__all__ = ["Extension", "Pages", "View"]
