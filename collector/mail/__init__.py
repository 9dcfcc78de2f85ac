"""The collector's own mail server: it takes the mails that sign-ins wait for, keeps them a while, and hands them to
probes. Nothing is sent, relayed or written to disk."""

from collector.mail.box import Box, MailStatus
from collector.mail.local import LocalMailbox, local_mailbox
from collector.mail.service import Mail, MailQuestionError
from collector.mail.smtp import open_mail_listener, serve_mail

__all__ = [
    "Box", "LocalMailbox", "Mail", "MailQuestionError", "MailStatus", "local_mailbox", "open_mail_listener",
    "serve_mail",
]  # fmt: skip
