"""Answers in JSON: a value, or {"error": word, "message": sentence} for what was not done."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from collector.answers import Refusal


def json_answer(status: int, value: object, headers: Mapping[str, str] = {}) -> Response:
    """A value, which nobody on the way may keep."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **headers},
    )


def error_answer(status: int, word: str, message: str, headers: Mapping[str, str] = {}) -> Response:
    """Why a request was not done, in a word for programs and a sentence for people."""
    return json_answer(status, {"error": word, "message": message}, headers)


def refusal_answer(refusal: Refusal, headers: Mapping[str, str] = {}) -> Response:
    """A refusal, with the status and the wait that its word has in collector.answers."""
    answer = refusal.answer
    wait = {} if answer.retry_after_s is None else {"Retry-After": str(answer.retry_after_s)}
    return error_answer(answer.status, refusal.word, refusal.message, {**headers, **wait})
