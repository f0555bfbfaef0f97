"""The pages as a site of its own, for any host of static files: front, live page, configuration.

The front page and the live page are one file with one word's difference; addresses are relative, so
the site may lie in any folder of its host. Hosts that set no headers are made up for by a meta tag,
which lets the page reach its feed and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from edge.hmi.files import CONFIG, HEADERS, INDEX, QR, find_pages, read_pages
from edge.hmi.qr import qr_svg

LIVE: Final = "live.html"
HEADERS_FILE: Final = "_headers"  # as Netlify and Cloudflare Pages read it
FIREBASE: Final = ("firebaseio.com", "firebasedatabase.app")
"""Where databases live: a stream is redirected to another host of the same domain."""

PREFIX: Final = '"/hmi/'
POLICY: Final = "form-action 'none'"
BODY: Final = "<body "


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A site: its address, what its config.json says of station and feed, whom its page reaches."""

    url: str
    config: Mapping[str, Any]
    reaches: Sequence[str]


def site(plan: Plan, pages: Path | None = None) -> dict[str, bytes]:
    """Every file of the site by its name; the same plan makes the same bytes.

    Raises `FileNotFoundError` where the pages are not installed, `ValueError` if the address is
    too long for a QR code.
    """
    files = read_pages(pages or find_pages())
    if INDEX not in files:
        raise FileNotFoundError("the pages are not installed: the folder hmi is missing")
    live = _reaching(files[INDEX].decode(), plan.reaches)
    address = f"{plan.url.rstrip('/')}/{LIVE}"
    config = {**plan.config, "url": address, "qr": QR}
    return {
        **files,
        INDEX: _once(live, BODY, f'{BODY}data-view="landing" ').encode(),
        LIVE: live.encode(),
        QR: qr_svg(address),
        CONFIG: f"{json.dumps(config, ensure_ascii=False, indent=2)}\n".encode(),
        HEADERS_FILE: _headers(plan.reaches).encode(),
    }


def origins(database: str) -> list[str]:
    """Whom a page must reach that reads the Realtime Database at the address *database*."""
    parts = urlsplit(database)
    host = parts.hostname or ""
    own = f"{parts.scheme}://{parts.netloc}"
    if host.endswith(tuple(f".{domain}" for domain in FIREBASE)):
        return [own, f"{parts.scheme}://*.{host.partition('.')[2]}"]
    return [own]


def _reaching(page: str, reaches: Sequence[str]) -> str:
    page = page.replace(PREFIX, '"./')
    return _once(page, POLICY, f"{POLICY}; {_connect(reaches)}")


def _headers(reaches: Sequence[str]) -> str:
    lines = ["/*"]
    for name, value in HEADERS.items():
        added = f"; {_connect(reaches)}" if name == "content-security-policy" else ""
        lines.append(f"  {name}: {value}{added}")
    return "\n".join(lines) + "\n"


def _connect(reaches: Sequence[str]) -> str:
    return " ".join(("connect-src", "'self'", *reaches))


def _once(page: str, old: str, new: str) -> str:
    """Put *new* for the one *old*: the pages and this file change together."""
    if page.count(old) != 1:
        raise AssertionError(f"{INDEX} has {old} {page.count(old)} times")
    return page.replace(old, new)
