"""A collector with another one beside it, as a process of its own, to be killed. Its silence is counted in fewer
seconds than a config may ask for.

Arguments: the folder (plan.toml, hook, and the token for the other are in it), the role, where it listens, where the
other does."""

import sys
from pathlib import Path
from typing import Literal, cast

import trio

from collector.main import main
from parallax.config import CollectorConfig
from parallax.values import Address, Cidr, Duration, Url
from parallax.watch_config import PeerAddress

SILENT_S = 6.0


def config_of(folder: Path, role: str, listen: str, other: str) -> CollectorConfig:
    return CollectorConfig(
        state=str(folder / role),
        plan=str(folder / "plan.toml"),
        listen=Address(listen),
        secrets={"HOOK": f"file:{folder / 'hook'}"},
        allow=[Cidr("127.0.0.0/8")],
        role=cast(Literal["first", "second"], role),
        peer=[
            PeerAddress(
                name="other",
                url=Url(f"http://{other}"),
                token=f"file:{folder / role}.peer",
                silent=Duration(SILENT_S),
            )
        ],
    )


if __name__ == "__main__":
    trio.run(main, config_of(Path(sys.argv[1]), *sys.argv[2:5]))
