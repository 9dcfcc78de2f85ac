"""What every request of ours says of itself."""

import parallax

USUAL_HEADERS = {
    "User-Agent": f"parallax/{parallax.__version__} (+synthetic sign-in monitor)",
    "Accept": "*/*",
    "Accept-Encoding": "gzip",
}
