"""One mail to an SMTP server, over TLS that is verified."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Literal

import aiosmtplib

from csms_lite.errors import SettingsError
from csms_lite.mail.rules import Reply, Stage

WITHIN_S: Final = 30.0  # per command; a server that takes longer is asked again later


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mails are handed in, and as whom."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    user: str | None = None
    password: str | None = None
    trust: ssl.SSLContext | None = None
    """Whose certificates are believed; needed unless *security* is none."""

    async def send(self, message: EmailMessage, address: str) -> Reply | None:
        """Hand a mail in; `None` when the server took it, else what it said."""
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            timeout=WITHIN_S,
            tls_context=self.trust,
        )
        stage = Stage.CONNECT
        try:
            async with client:
                if self.user is not None:
                    stage = Stage.SIGN_IN
                    await client.login(self.user, self.password or "")
                stage = Stage.DATA
                await client.send_message(message, recipients=[address])
        except aiosmtplib.SMTPRecipientsRefused as refused:
            first = refused.recipients[0]
            return _reply(first.code, first.message, Stage.RECIPIENT)
        except aiosmtplib.SMTPSenderRefused as refused:
            return _reply(refused.code, refused.message, Stage.SENDER)
        except aiosmtplib.SMTPResponseException as refused:
            return _reply(refused.code, refused.message, stage)
        except (aiosmtplib.SMTPException, OSError, ValueError) as failure:
            return _reply(0, f"{stage}: {failure}", stage)
        return None


def _reply(code: int, text: str, stage: Stage) -> Reply:
    """Keep what a server said as text that can be stored: some still answer in Latin-1."""
    return Reply(code, text.encode(errors="replace").decode(), stage)


def trust_of(ca_file: Path | None) -> ssl.SSLContext:
    """Read whom to believe; raises `SettingsError` when the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as failure:
        raise SettingsError(f"smtp_ca_file {ca_file} cannot be used: {failure}") from failure
