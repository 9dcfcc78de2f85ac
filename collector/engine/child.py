"""The process that detection has of its own: `python -m collector.engine.child`, started by `Apart`.

It reads questions, answers them one by one, and ends with its input, or by an alarm where an answer takes minutes: so
it outlives no collector for long, however that ended. What signals a terminal or systemd sends to all of a service's
processes are the collector's business.
"""

import os
import signal
import sys
import traceback
from typing import BinaryIO

from collector.detect import decode_state, step
from collector.engine.core import Core, Step
from collector.engine.messages import (
    HEAD,
    Answer,
    Failed,
    Load,
    Show,
    Take,
    body_length,
    decode_question,
    frame,
)
from parallax.garbage import sparing_collections

ALARM_S = 120
"""Who asked has given up long before."""


def main(step: Step = step) -> None:
    """Until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not get between the answers
    with sparing_collections(100_000):
        _serve(sys.stdin.buffer, answers, step)


def _serve(questions: BinaryIO, answers: BinaryIO, step: Step) -> None:
    core: Core | None = None
    while len(head := questions.read(HEAD)) == HEAD:
        question = decode_question(questions.read(body_length(head)))
        if isinstance(question, Load):
            core = Core(decode_state(question.snapshot), step)
            continue
        assert core is not None, "the first word is a state"
        signal.alarm(ALARM_S)
        answers.write(_answer(core, question))
        answers.flush()
        signal.alarm(0)


def _answer(core: Core, question: Take | Show) -> bytes:
    """What came of it, framed; a bug in detection too is an answer."""
    try:
        match question:
            case Take(records, save):
                return frame(Answer(taken=core.take(records, save=save)))
            case Show():
                return frame(Answer(shown=core.shown()))
    except Exception:  # detection's one place, as in collector.detector
        return frame(Answer(failed=Failed(traceback.format_exc())))


if __name__ == "__main__":
    main()
