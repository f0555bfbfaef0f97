"""What goes over a line, byte by byte, as far as the last request is concerned."""

from __future__ import annotations


class Ear:
    """Between pymodbus and the line: hears every byte, and keeps a request's own echo to itself."""

    def __init__(self) -> None:
        self.sent = b""
        self.heard = b""
        """All that came since the last request went out, its echo included."""

    def pass_on(self, sending: bool, data: bytes) -> bytes:
        """What goes on, to the line or to pymodbus; *data* received is all since `sent`.

        No reply begins like its request for long: replies of eight bytes do not exist.
        """
        if sending:
            self.sent, self.heard = data, b""
            return data
        self.heard = data
        if data.startswith(self.sent):
            return data[len(self.sent) :]
        return b"" if self.sent.startswith(data) else data

    @property
    def besides_echo(self) -> bytes:
        """What was heard of others."""
        return self.heard.removeprefix(self.sent)

    @property
    def has_echo(self) -> bool:
        """Whether the last request came back by itself."""
        return bool(self.sent) and self.heard.startswith(self.sent)
