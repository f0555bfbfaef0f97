"""Mails to people: an outbox of rows, and who carries them to an SMTP server."""
