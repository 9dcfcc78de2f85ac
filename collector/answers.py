"""What the collector answers to a probe, and what the probe should do then. The literal ANSWERS is the contract.

Every word has a status of its own, so that a sender can go by the status alone. An answer's body is JSON: an
`Ack` (parallax.wire) with 200, else {"error": word, "message": sentence}. A sentence never shows internals.

`then` says what the sender does next:
  commit  it is durable here: go on with the next batch
  retry   send the same batch again, backing off
  wait    send the same batch again after Retry-After (seconds)
  drop    this batch will never be taken: count it, log it, go on with the next
  renew   begin a new stream: this one's numbers were used for other content
  keep    keep the spool and raise an alarm; try again slowly: the collector must be upgraded
  stop    keep the spool and raise an alarm; try again slowly: the owner must act (token)
"""

from typing import Literal

import msgspec

from parallax.journal import JournalBusy, JournalError, JournalFull

Then = Literal["commit", "retry", "wait", "drop", "renew", "keep", "stop"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome of a request: its HTTP status (RFC 9110), a sentence for people, seconds for Retry-After."""

    status: int
    then: Then
    sentence: str
    retry_after_s: int | None = None


ANSWERS: dict[str, Answer] = {
    "accepted": Answer(status=200, then="commit", sentence="the batch is durable"),
    "bad_batch": Answer(status=400, then="drop", sentence="the body is no batch"),
    "unauthorised": Answer(status=401, then="stop", sentence="the token is missing, unknown or revoked"),
    "forbidden": Answer(status=403, then="stop", sentence="the token is not for this"),
    "not_found": Answer(status=404, then="stop", sentence="there is nothing here"),
    "too_slow": Answer(status=408, then="retry", sentence="the body did not arrive in time"),
    "conflict": Answer(status=409, then="renew", sentence="another batch with the same identity was taken before"),
    "too_large": Answer(status=413, then="drop", sentence="the body is larger than a batch may be"),
    "wrong_type": Answer(
        status=415, then="drop", sentence="send application/msgpack or application/json, as zstd or not encoded"
    ),
    "unknown_schema": Answer(
        status=422, then="keep", sentence="the batch has a schema that this collector does not know"
    ),
    "too_many": Answer(
        status=429, then="wait", sentence="too many requests of this probe are under way", retry_after_s=1
    ),
    "busy": Answer(status=503, then="wait", sentence="the collector has too much under way", retry_after_s=1),
    "full": Answer(status=507, then="wait", sentence="the collector's disk is full", retry_after_s=30),
}

Word = Literal[
    "accepted",
    "bad_batch",
    "unauthorised",
    "forbidden",
    "not_found",
    "too_slow",
    "conflict",
    "too_large",
    "wrong_type",
    "unknown_schema",
    "too_many",
    "busy",
    "full",
]
"""The keys of ANSWERS, for the type checker; a test holds them equal."""


class Refusal(msgspec.Struct, frozen=True):
    """A request that was not done: the word, and a sentence that is more exact than the word's own, or ""."""

    word: Word
    detail: str = ""

    @property
    def answer(self) -> Answer:
        return ANSWERS[self.word]

    @property
    def message(self) -> str:
        return self.detail or self.answer.sentence


def journal_refusal(error: JournalBusy | JournalFull | JournalError) -> Refusal:
    """What is answered where `inputs` did not take what a request brought."""
    if isinstance(error, JournalBusy):
        return Refusal("busy")
    if isinstance(error, JournalFull):
        return Refusal("full")
    return Refusal("full", "the collector cannot write its journal")
