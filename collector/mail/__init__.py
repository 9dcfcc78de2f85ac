"""The collector's own mail server: it takes the mails that sign-ins wait for. Nothing is sent, relayed or written to
disk."""

from collector.mail.local import LocalMailbox, local_mailbox
from collector.mail.smtp import open_mail_listener, serve_mail

__all__ = ["LocalMailbox", "local_mailbox", "open_mail_listener", "serve_mail"]
