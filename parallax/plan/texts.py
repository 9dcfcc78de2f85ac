"""What tables of a plan are made of. Unknown keys are refused when a plan file is read (parallax.loading); a probe that
reads its part of a newer collector's plan must pass over them."""

from typing import Annotated

import msgspec

Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"[^\x00-\x1f\x7f]{1,100}", description="1 to 100 characters, none of them a control character"
    ),
]
"""What a section's entry is called; messages, labels and references use it as it is."""


Text = Annotated[str, msgspec.Meta(max_length=200)]
