"""Public HTTP routes: the status document, its stream, and the page that shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.staticfiles import StaticFiles

from csms_lite.errors import NotFound
from csms_lite.jsontext import dumps
from csms_lite.live.feed import Document, Feed
from csms_lite.stations.service import list_stations, station_by_code
from csms_lite.store.writer import Store

COMMENT_EVERY_S: Final = 10.0  # lets both ends see a dead line
STREAM_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
NOT_PAGES: Final = frozenset({"node_modules", "package.json", "package-lock.json"})


class PageFiles(StaticFiles):
    """The files of hmi, without what only its developers need."""

    def lookup_path(self, path: str) -> tuple[str, object]:  # type: ignore[override]  # as there
        """Find a file, unless it is none of the page's."""
        if NOT_PAGES.intersection(Path(path).parts):
            return "", None
        return super().lookup_path(path)


def public_routes(store: Store, feed: Feed, pages: Path) -> APIRouter:
    """Make the routes that need no token; *pages* is the folder of hmi."""
    router = APIRouter(tags=["public"])

    @router.get("/api/public/stations/{code}/status")
    async def status(code: str) -> JSONResponse:
        """Give the status document of a station now."""
        station = await store.read(station_by_code, code)
        return JSONResponse(await feed.current(station.station_id))

    @router.get(
        "/api/public/stations/{code}/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events(code: str) -> StreamingResponse:
        """Stream status documents as server-sent events, the first at once."""
        station = await store.read(station_by_code, code)
        stream = _stream(feed, station.station_id)
        return StreamingResponse(stream, media_type="text/event-stream", headers=STREAM_HEADERS)

    @router.get("/c/{code}", response_class=HTMLResponse)
    async def page(code: str) -> Response:
        """Give the driver's page of a station."""
        await store.read(station_by_code, code)
        index = pages / "index.html"
        if not index.is_file():
            raise NotFound("the driver's page is not installed: the folder hmi is missing")
        return FileResponse(index, headers={"cache-control": "no-cache"})

    @router.get("/", response_class=HTMLResponse, responses={307: {}})
    async def front() -> Response:
        """Lead to the only station, or list them."""
        stations = [
            one
            for one in await store.read(list_stations)
            if one.registration == "Accepted" and one.dismissed_at_ms is None
        ]
        if len(stations) == 1:
            return RedirectResponse(f"/c/{stations[0].code}", 307)
        items = "".join(
            f'<li><a href="/c/{escape(one.code)}">{escape(one.name)}</a></li>' for one in stations
        )
        return HTMLResponse(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Stations</title>'
            f"<h1>Stations</h1><ul>{items or '<li>none yet</li>'}</ul></html>"
        )

    return router


async def _stream(feed: Feed, station_id: int) -> AsyncIterator[str]:
    with feed.watch(station_id) as watcher:
        yield _event(await feed.current(station_id))
        while not watcher.is_over:
            newest = await watcher.take(COMMENT_EVERY_S)
            if newest is not None:
                yield _event(newest)
            elif not watcher.is_over:
                yield ": still here\n\n"


def _event(document: Document) -> str:
    return f"event: status\nid: {document['sequence']}\ndata: {dumps(document)}\n\n"
