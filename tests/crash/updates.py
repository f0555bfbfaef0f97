"""A world that is told to update itself: its spool is a real directory, its maker signs in bytes.

The real errands run in it. What survives a death of the process, and what a power cut, is as on a
real computer: files stay, the install command goes on without the daemon and dies with the power.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.core.effects import Abandon, Effect, Fetch, Install, VerifyImage
from edge.core.events import X509Answered
from edge.core.file_commands import Firmware, SignedUpdateFirmware
from edge.core.messages import CallError, Confirmation, Request, SignedFirmwareStatusNotification
from edge.core.vocabulary import CertificateUse, LogType
from edge.core.work import Seal
from edge.core.x509 import ChainFound, CheckChain, Root, RootInstalled
from edge.errors import ImageUntrusted, InstallFailed
from edge.runtime.errands import IMAGE, Errands, Hands
from tests.crash.central import Central
from tests.crash.life import Life
from tests.crash.wall import EPOCH
from tests.crash.world import World
from tests.world.loop import elapse

SIGNED, SWAPPED = b"what its maker signed", b"what somebody else put there"
FETCH_S, VERIFY_S, INSTALL_S = 3.0, 2.0, 4.0

_ROOT = Root(
    use=CertificateUse.MANUFACTURER_ROOT, pem="root", fingerprint="0", hashes=(), not_after=EPOCH
)
_SIGNER = ChainFound(
    chain="signer",
    common_name=None,
    organisation=None,
    key_id="0",
    not_before=EPOCH,
    not_after=EPOCH,
)
UPDATE = SignedUpdateFirmware(
    request_id=7,
    retries=0,
    firmware=Firmware(
        location="https://example.org/f",
        retrieve_date_time=datetime(2020, 1, 1, tzinfo=UTC),
        signing_certificate="signer",
        signature="seal",
    ),
)


class Workshop:
    """Transfer, verifier, updater and gatherer; it outlives the processes."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.begun: list[bytes] = []
        self.ends_at: float | None = None
        self._now_s = now_s

    @property
    def has_installed(self) -> bool:
        """Whether the install command came to its end."""
        return self.ends_at is not None and self._now_s() >= self.ends_at

    def lose_power(self) -> None:
        """A command that runs comes to no end."""
        if not self.has_installed:
            self.ends_at = None

    async def fetch(self, _location: str, target: Path, _progress: object) -> None:
        await elapse(FETCH_S)
        _put(target, SIGNED)

    async def verify(self, image: Path, _seal: Seal, _roots: Sequence[str], _at: datetime) -> None:
        await elapse(VERIFY_S)
        if _read(image) != SIGNED:
            raise ImageUntrusted("another image")

    def has_begun(self, _image: Path) -> bool:
        return bool(self.begun)

    async def install(self, image: Path) -> None:
        if not self.begun:
            self.begun.append(_read(image))
            self.ends_at = self._now_s() + INSTALL_S
        if self.ends_at is None:
            raise InstallFailed("interrupted")
        await elapse(max(0.0, self.ends_at - self._now_s()))

    async def forget(self, _image: Path) -> None:
        assert not self.begun, "this story has one image"

    async def deliver(self, _source: Path, _location: str, _name: str, _progress: object) -> None:
        raise AssertionError(_name)

    async def gather(
        self, log_type: LogType, _target: Path, _oldest: object, _latest: object
    ) -> None:
        raise AssertionError(log_type)


def _put(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def _read(file: Path) -> bytes:
    return file.read_bytes()


class Listener(Central):
    """Remembers what it heard of the update."""

    def __init__(self, moment: Callable[[], float]) -> None:
        super().__init__(moment)
        self.heard: list[str] = []

    def hear(self, message_id: str, message: Request) -> Confirmation | CallError:
        if isinstance(message, SignedFirmwareStatusNotification):
            assert message.request_id == UPDATE.request_id
            self.heard.append(message.status)
        return super().hear(message_id, message)


class UpdatingWorld(World):
    """Runs a history with errands; *swaps*: whoever cuts the power puts another image there."""

    def __init__(self, spool: Path, *, swaps: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.listener = Listener(self.host.time)
        self.central = self.listener
        self.workshop = Workshop(self.host.time)
        self.image = spool / IMAGE
        self.swaps = swaps
        self.cut_at: list[float] = []
        self.journal.rows.take(RootInstalled(root=_ROOT))
        self.image.unlink(missing_ok=True)

    async def live(self) -> None:
        """As the world does, with errands at work until the death."""
        shop = self.workshop
        hands = Hands(transfer=shop, verifier=shop, updater=shop, gatherer=shop)
        self.errands = Errands(hands=hands, clock=self, spool=self.image.parent)
        running = asyncio.ensure_future(self.errands.run(self.post))
        try:
            await super().live()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def lose_power(self) -> None:
        self.workshop.lose_power()
        if self.swaps and self.image.exists():
            self.image.write_bytes(SWAPPED)
        super().lose_power()

    def _perform(self, life: Life, effect: Effect) -> None:
        match effect:
            case Fetch() | VerifyImage() | Install() | Abandon():
                self.errands.take(effect)
            case CheckChain():
                self.host.call_later(0.5, self._vouch, life, effect.ticket)
            case _:
                super()._perform(life, effect)

    def _vouch(self, life: Life, ticket: int) -> None:
        if self.life is life:
            self.post(X509Answered(at=self.now(), ticket=ticket, answer=_SIGNER))
