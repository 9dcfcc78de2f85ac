"""Text for a terminal."""


def clean(value: object) -> str:
    """Text from the network without control, format or other unprintable characters."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))
