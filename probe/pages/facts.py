"""What a page holds beside its forms: links, a refresh, captcha widgets, what its scripts would do. Values only."""

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A visible link: where it leads (absolute) and its text."""

    url: str
    text: str


class MetaRefresh(msgspec.Struct, frozen=True, kw_only=True):
    """`<meta http-equiv=refresh>`: the URL is absolute. `noscript`: only for browsers that run no scripts."""

    url: str
    delay_s: float
    noscript: bool = False


class Captcha(msgspec.Struct, frozen=True, kw_only=True):
    """A widget that tells people from programs. Invisible ones (a badge, a hidden field, only the script) may let a
    submission pass."""

    vendor: str
    visible: bool


class Scripts(msgspec.Struct, frozen=True, kw_only=True):
    """What can be told of a page's scripts without running them."""

    count: int = 0
    inline_chars: int = 0
    sources: tuple[str, ...] = ()
    """Absolute URLs of the first 20."""
    submits: bool = False
    """A script in the page calls `submit()` on something, maybe at once, maybe later."""
    submits_on_load: bool = False
    """The body's onload does."""
    location: str | None = None
    """The one absolute URL that inline scripts set the location to, where they do little else."""
    frames: tuple[str, ...] = ()
    """Absolute URLs of visible frames, the first 10."""
