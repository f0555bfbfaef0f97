"""Where the log goes: to stderr, which systemd keeps, and to the ring that diagnostics bring."""

from __future__ import annotations

import logging
import sys

import structlog

from edge.drivers.diagnostics import LogRing
from edge.logstream import lasting


def log_to_stderr(ring: LogRing) -> None:
    """Write lines of `key=value` to stderr, and let *ring* keep them."""
    # The bus says in one sentence what pymodbus tells in pieces.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
            ring,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(lasting(sys.stderr)),
    )


def hush() -> None:
    """Let commands speak for themselves: what drivers log on the way is not for their readers."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
