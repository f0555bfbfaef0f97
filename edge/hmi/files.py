"""Where the pages are, which of their files a browser needs, and the headers that go with them.

The one list of each, for the charging point, for csms_lite and for the site on another host.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""What goes with every answer that a browser may show."""

TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
INDEX: Final = "index.html"
CONFIG: Final = "config.json"
QR: Final = "qr.svg"
LIVE: Final = (INDEX, CONFIG, "*.js", "*.css", "*.svg", "feed/*.js", "view/*.js", "words/*")
"""All that the live page is made of; recordings, schemas and tools are not."""


def find_pages() -> Path:
    """Find hmi: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "_hmi" if (package / "_hmi").is_dir() else package.parent / "hmi"


def read_pages(folder: Path) -> dict[str, bytes]:
    """The files of the live page by their names below *folder*; empty where they are missing."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for pattern in LIVE
        for path in sorted(folder.glob(pattern))
        if path.suffix in TYPES
    }
