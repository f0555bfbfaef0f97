"""`adafruit_pn532`, imported without Blinka.

It wants names from Blinka, which probes the board and may ask to install packages; they are only
needed for reset pins and annotations, so stand-ins take their place while it is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace


@contextmanager
def _blinka_stood_in() -> Iterator[None]:
    """Give `adafruit_pn532` the few names it imports from Blinka without importing Blinka."""
    names: dict[str, dict[str, object]] = {
        "busio": {"I2C": object, "SPI": object, "UART": object},
        "digitalio": {"DigitalInOut": object, "Direction": SimpleNamespace(OUTPUT="output")},
        "micropython": {"const": lambda value: value},
    }
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        stand_in = ModuleType(name)
        vars(stand_in).update(names[name])
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _blinka_stood_in():
    from adafruit_pn532.adafruit_pn532 import BusyError
    from adafruit_pn532.i2c import PN532_I2C
    from adafruit_pn532.spi import PN532_SPI
    from adafruit_pn532.uart import PN532_UART

__all__ = ["PN532_I2C", "PN532_SPI", "PN532_UART", "BusyError"]
