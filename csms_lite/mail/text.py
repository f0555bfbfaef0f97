"""Mails as they are read: templates are files, one for plain text and one for HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from csms_lite.jsontext import loads
from csms_lite.mail.rules import Mail

FOLDER: Final = Path(__file__).parent / "templates"
FALLBACK: Final = "en"


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Write a mail; its id stays the same however often it is sent, so that copies are one."""
    values: Mapping[str, str] = loads(mail.values_json)
    subject, _, text = _template(mail.template, mail.language, "txt").partition("\n")
    html = _template(mail.template, mail.language, "html")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.address
    message["Subject"] = Template(subject).substitute(values)
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.created_at_ms / 1000, UTC))
    domain = sender.rpartition("@")[2].rstrip(">")
    message["Message-ID"] = f"<{mail.created_at_ms}.{mail.mail_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(Template(text.lstrip("\n")).substitute(values))
    message.add_alternative(
        Template(html).substitute({name: escape(value) for name, value in values.items()}),
        subtype="html",
    )
    return message


@cache
def _template(name: str, language: str, kind: str) -> str:
    path = FOLDER / f"{name}.{language.partition('-')[0]}.{kind}"
    return (path if path.exists() else FOLDER / f"{name}.{FALLBACK}.{kind}").read_text()
