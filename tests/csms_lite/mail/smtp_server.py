"""An SMTP server on the loopback that answers as a test tells it to, and keeps what it took."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class SmtpServer:
    """The replies by command, each used once; else all is well."""

    def __init__(self, starttls: ssl.SSLContext | None) -> None:
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.commands: list[str] = []
        self._replies: dict[str, list[str]] = {}
        self._starttls = starttls

    def answers(self, command: str, *replies: str) -> None:
        """From now on answer *command* so, once each; BODY is the end of a mail."""
        self._replies[command] = list(replies)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            await self._say(writer, self._next("CONNECT", "220 here"))
            while line := await reader.readline():
                await self._obey(line.decode().strip(), reader, writer)
        except (ConnectionError, ssl.SSLError):
            pass  # the client did not trust us, or had enough
        finally:
            writer.close()

    async def _obey(
        self, words: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.commands.append(words)
        command = words.partition(" ")[0].upper()
        if command == "STARTTLS" and self._starttls is not None:
            await self._say(writer, "220 go")
            await writer.start_tls(self._starttls)
        elif command == "EHLO":
            more = "" if self._starttls is None else "250-STARTTLS\r\n"
            await self._say(writer, f"250-here\r\n{more}250 AUTH PLAIN")
        elif command == "DATA":
            reply = self._next("DATA", "354 go")
            await self._say(writer, reply)
            if reply.startswith("354"):
                body = await reader.readuntil(b"\r\n.\r\n")
                reply = self._next("BODY", "250 taken")
                if reply.startswith("250"):
                    self.taken.append(message_from_bytes(body[:-3], policy=policy.default))
                await self._say(writer, reply)
        else:
            usual = {"AUTH": "235 yes", "QUIT": "221 bye"}.get(command, "250 fine")
            await self._say(writer, self._next(command, usual))

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> None:
        writer.write(f"{reply}\r\n".encode("latin-1"))
        await writer.drain()

    def _next(self, command: str, usual: str) -> str:
        waiting = self._replies.get(command)
        return waiting.pop(0) if waiting else usual


@asynccontextmanager
async def smtp_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> AsyncIterator[SmtpServer]:
    """Run the server while the block lasts."""
    served = SmtpServer(starttls)
    server = await asyncio.start_server(served.talk, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()


def credentials(commands: list[str]) -> str:
    """What AUTH PLAIN said."""
    line = next(one for one in commands if one.startswith("AUTH PLAIN"))
    return base64.b64decode(line.split()[-1]).decode()
