"""The QR codes that the central system wants shown, such as the address of a driver's bill."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from edge.drivers.page.feed import Feed
from edge.drivers.page.http import NO_STORE, Answer
from edge.hmi.files import TYPES

BEFORE, AFTER = "bill-", ".svg"
TEXT_MAX: Final = 512  # as in hmi/status.schema.json
CONNECTORS_MAX: Final = 64  # as there


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What of the cost of a session is drawn."""

    qr_code_text: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] | None = None


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """A connector, as far as a bill is concerned."""

    connector: int
    cost: Cost | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The status document, as far as bills are concerned."""

    connectors: Annotated[tuple[Connector, ...], msgspec.Meta(max_length=CONNECTORS_MAX)]


class Bills:
    """The bills of the document that is shown now: none is kept for whoever comes later.

    A code costs milliseconds, so each is drawn once, however often it is asked for.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._drawn: dict[str, Answer] = {}

    def find(self, name: str) -> Answer | None:
        """The picture `bill-N.svg` for connector N; `None` where there is nothing to be shown."""
        texts = {f"{BEFORE}{number}{AFTER}": text for number, text in self._texts()}
        text = texts.get(name)
        if text is None:
            return None
        if text not in self._drawn:
            from edge.hmi.qr import qr_svg

            still = {one: drawn for one, drawn in self._drawn.items() if one in texts.values()}
            drawn = Answer(kind=TYPES[AFTER], body=qr_svg(text), headers=NO_STORE)
            self._drawn = {**still, text: drawn}
        return self._drawn[text]

    def _texts(self) -> list[tuple[int, str]]:
        newest = self._feed.newest
        if newest is None:
            return []
        shown = msgspec.json.decode(newest, type=Shown)
        return [
            (one.connector, one.cost.qr_code_text)
            for one in shown.connectors
            if one.cost is not None and one.cost.qr_code_text
        ]
