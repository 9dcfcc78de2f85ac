"""The reasons of HTTP."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
    "send_timeout": Reason("the request could not be sent in time", "target", "the service stopped reading"),
    "first_byte_timeout": Reason("no response before the deadline", "target", "the application behind the front end"),
    "body_timeout": Reason(
        "the response began but did not finish in time", "target", "a slow or stuck application; bandwidth"
    ),
    "http_malformed": Reason("the response is not valid HTTP", "target", "is this an HTTP port?"),
    "http_truncated": Reason(
        "the body ended before the announced length", "target", "the application or a proxy died in mid-response"
    ),
    "http_too_large": Reason(
        "the response is larger than this check allows", "target", "raise max_body in the plan if this is right"
    ),
    "http_bad_encoding": Reason(
        "the body cannot be decompressed, or expands past the limit", "target", "Content-Encoding at the server"
    ),
    "http_status": Reason("the status is not the one asked for", "target", "the status in the findings"),
    "http_server_error": Reason("the server reports an error of its own (5xx)", "target", "the application's log"),
    "http_header": Reason("a header is not as asserted", "target", "the header in the findings"),
    "http_body": Reason("the body is not as asserted", "target", "the assertion in the findings"),
    "http_json": Reason("the JSON of the body is not as asserted", "target", "the assertion in the findings"),
    "http_size": Reason("the body is larger than asserted", "target", "what made the page grow?"),
    "http_version": Reason(
        "the server does not speak the version of HTTP that the plan asks for", "target", "its ALPN protocols"
    ),
    "http_redirect": Reason(
        "a redirect leads where the plan does not let it", "target", "the hop in the findings; redirect_hosts"
    ),
    "http_redirect_loop": Reason(
        "redirects lead in a circle, or are more than the plan lets through", "target", "the hops in the findings"
    ),
    "http_slow": Reason("right, but slower than asserted", "target", "the waterfall: which phase grew?", soft=True),
    "slower_than_usual": Reason(
        "takes several times as long as it usually does",
        "target",
        "the waterfall: which phase grew? Concluded of many runs: no single one is given it",
        soft=True,
    ),
    "http_too_slow": Reason("slower than asserted", "target", "the waterfall: which phase grew?"),
    "http_degraded": Reason(
        "an assertion does not hold that the plan calls degraded", "target", "the assertion in the findings", soft=True
    ),
    "http_unsendable": Reason(
        "the request cannot be sent as the plan has it", "config", "the check's method, headers and URL"
    ),
    "http_throttled": Reason(
        "too many requests (429)", "blocked", "this probe's rate and the target's limits; Retry-After", soft=True
    ),
    "http_forbidden": Reason(
        "the server forbids this request (403)", "blocked", "is this probe's network blocked? compare with others"
    ),
    "http_challenge": Reason(
        "a bot wall answered instead of the service", "blocked", "allow this probe at the bot wall"
    ),
}
