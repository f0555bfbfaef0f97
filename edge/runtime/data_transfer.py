"""DataTransfers that somebody on this machine asked for, until their answers are handed back."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Final

from edge.core.effects import HandBack
from edge.core.instant import Instant
from edge.core.messages import DataTransferConf
from edge.core.wishes import TransferAsked
from edge.errors import ConfigError, NotDelivered
from edge.ports import Post

MOST_OPEN: Final = 8  # each may wait for as long as a call: more is a script gone wild
VENDOR_MOST: Final = 255  # CiString255, 6.15
MESSAGE_MOST: Final = 50


class DataTransfers:
    """Numbers what is asked, and finds who asked when the core hands back."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, asyncio.Future[HandBack]] = {}

    async def ask(
        self, post: Post, at: Instant, vendor_id: str, message_id: str | None, data: str | None
    ) -> DataTransferConf:
        """Have the core send it; its answer.

        Raises `NotDelivered` if there is none, `ConfigError` if it cannot be a DataTransfer.
        """
        if not 1 <= len(vendor_id) <= VENDOR_MOST:
            raise ConfigError(f"the vendor has 1 to {VENDOR_MOST} characters")
        if message_id is not None and len(message_id) > MESSAGE_MOST:
            raise ConfigError(f"the message id has at most {MESSAGE_MOST} characters")
        if len(self._open) >= MOST_OPEN:
            raise NotDelivered(f"{MOST_OPEN} transfers wait for their answers already")
        number = next(self._numbers)
        self._open[number] = asyncio.get_running_loop().create_future()
        try:
            post(
                TransferAsked(
                    at=at,
                    number=number,
                    vendor_id=vendor_id,
                    message_id=message_id,
                    data=data,
                )
            )
            back = await self._open[number]
        finally:
            del self._open[number]
        if back.answer is None:
            raise NotDelivered(back.why)
        return back.answer

    def hand_back(self, effect: HandBack) -> None:
        """Give the answer to who asked; one who left is past caring."""
        asker = self._open.get(effect.number)
        if asker is not None and not asker.done():
            asker.set_result(effect)
