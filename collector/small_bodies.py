"""The body of a request that people or their programs send: small, and answered at once where it is not."""

from starlette.requests import Request
from starlette.responses import Response

from collector.answers import Refusal
from collector.bodies import drain, read_body
from collector.json_answers import refusal_answer


async def read_small(request: Request, most: int, what: str) -> bytes | Response:
    """The whole body, of `most` octets; or the answer to one that is larger or too slow, which says `what` ("a query")
    it is."""
    body = await read_body(request.receive, most=most)
    if body is None:
        return Response(status_code=400)  # nobody is there to read it
    if isinstance(body, Refusal):
        await drain(request.receive)
        return refusal_answer(Refusal(body.word, f"{what} is at most {most} octets, and sent at once"))
    return body
