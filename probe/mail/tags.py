"""Lists of tags as DKIM and DMARC write them: `v=DKIM1; k=rsa; p=...` (RFC 6376 section 3.2). Pure."""

import re

MAX_TAGS = 50
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*$")


def parse_tags(text: str) -> dict[str, str]:
    """Tags in their order, names as written, blanks around them taken off. Raises ValueError with a clause."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if len(parts) > MAX_TAGS:
        raise ValueError(f"{len(parts)} tags")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _NAME.match(name):
            raise ValueError(f"{part.strip()[:40]!r} is no tag")
        if name in tags:
            raise ValueError(f"the tag {name}= is there twice")
        tags[name] = value.strip()
    return tags
