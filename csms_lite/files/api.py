"""HTTP routes on files: for people under /api, for stations under /files by a token alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from csms_lite.chance import Chance
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339, to_ms
from csms_lite.commands.api import Asking, CommandBody, shown
from csms_lite.errors import NotFound, StoreFailed
from csms_lite.files import service
from csms_lite.files.rules import (
    NAME_LENGTH,
    VALID_S,
    VALID_S_MOST,
    Address,
    StoredFile,
    digest_of,
)
from csms_lite.files.shelf import Shelf
from csms_lite.gate import Admin, Operator, Principal
from csms_lite.store.writer import Store

BINARY: Final = "application/octet-stream"  # never shown by a browser, whatever is in it
BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
    }
}
LAST: Final = 2**62  # beyond every file there is

ValidFor = Annotated[int, Field(ge=60, le=VALID_S_MOST)]


class Attempts(BaseModel):
    """How often and how long a charger may try."""

    model_config = ConfigDict(extra="forbid")

    valid_s: ValidFor = VALID_S
    """How long the address may be used."""
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    retry_interval_s: Annotated[int, Field(ge=0, le=86_400)] | None = None

    def words(self) -> dict[str, int]:
        """Write the retries as OCPP does."""
        named = {"retries": self.retries, "retryInterval": self.retry_interval_s}
        return {name: value for name, value in named.items() if value is not None}


class DiagnosticsBody(Attempts):
    """What a charger shall bring: its diagnostics, or a log of the security whitepaper."""

    log: Literal["Diagnostics", "DiagnosticsLog", "SecurityLog"] = "Diagnostics"
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class FirmwareBody(Attempts):
    """Which stored file a charger shall install, and when; signed when both parts are given."""

    file: int
    retrieve_at: AwareDatetime | None = None
    install_at: AwareDatetime | None = None
    signing_certificate: Annotated[str, Field(max_length=5500)] | None = None
    signature: Annotated[str, Field(max_length=800)] | None = None


class AddressBody(BaseModel):
    """How long an address may be used."""

    model_config = ConfigDict(extra="forbid")

    valid_s: ValidFor = VALID_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the routes work with; *public_url* is where chargers find them, if set."""

    store: Store
    clock: Clock
    chance: Chance
    shelf: Shelf
    asking: Asking
    public_url: str | None

    async def receive(self, file_id: int, request: Request) -> StoredFile:
        """Take the body as a file."""
        return await self.shelf.receive(file_id, _pieces(request))

    def url(self, request: Request, path: str) -> str:
        """Write an address in full."""
        return f"{(self.public_url or str(request.base_url)).rstrip('/')}/files/{path}"

    async def upload_address(self, request: Request, charger: str, valid_s: int) -> _Made:
        """Make an address for a charger to bring a file to."""
        token, now_ms = self.chance.address(), self.clock.now_ms()
        made = await self.store.do(
            service.make_upload_address,
            charger,
            token_digest=digest_of(token),
            expires_at_ms=now_ms + valid_s * 1000,
            now_ms=now_ms,
        )
        return _Made(made, self.url(request, f"up/{token}"))

    async def download_address(self, request: Request, file_id: int, valid_s: int) -> _Made:
        """Make an address for a charger to fetch a file from."""
        token, now_ms = self.chance.address(), self.clock.now_ms()
        known = await self.store.read(service.file, file_id)
        made = await self.store.do(
            service.make_download_address,
            file_id,
            token_digest=digest_of(token),
            expires_at_ms=now_ms + valid_s * 1000,
            now_ms=now_ms,
        )
        return _Made(made, self.url(request, f"down/{token}/{known.name}"))

    async def ask(
        self, charger: str, action: str, payload: dict[str, Any], who: Principal, made: _Made
    ) -> dict[str, Any]:
        """Ask for what *made* is for, and keep that the two belong together."""
        body = CommandBody(action=action, payload=payload)
        command = await self.asking.ask(charger, body, who)
        await self.store.do(service.link, made.address.address_id, command.command_id)
        return {**made.told(), "command": shown(command)}


@dataclass(frozen=True, slots=True)
class _Made:
    """An address and how it is written."""

    address: Address
    url: str

    def told(self) -> dict[str, Any]:
        return {"address": self.url, "expires_at": rfc3339(self.address.expires_at_ms)}


def file_routes(files: Files) -> APIRouter:
    """Make the routes for people."""
    router = APIRouter(prefix="/api", tags=["files"])
    _add_storing(router, files)
    _add_asking(router, files)
    return router


def _add_storing(router: APIRouter, files: Files) -> None:
    store = files.store

    @router.post("/files", status_code=201, openapi_extra=BODY)
    async def put_firmware(
        who: Admin,
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=NAME_LENGTH)],
    ) -> dict[str, Any]:
        """Store the body as a file for chargers to fetch."""
        async with files.shelf.place():
            now_ms = files.clock.now_ms()
            file_id = await store.do(service.begin_firmware, name, who.name[:100], now_ms)
            return _file(await files.receive(file_id, request))

    @router.get("/files")
    async def list_files(
        _who: Operator,
        kind: Literal["firmware", "upload"] | None = None,
        charger: str | None = None,
        before: Annotated[int, Query(ge=1, le=LAST)] = LAST,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List stored files, newest first."""
        found = await store.read(
            service.list_files, kind=kind, charger=charger, before=before, count=count
        )
        return [_file(one) for one in found]

    @router.get(
        "/files/{file_id}/content",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    async def get_content(file_id: int, _who: Operator) -> Response:
        """Give a file itself."""
        return _content(files, await store.read(service.file, file_id))

    @router.delete("/files/{file_id}", status_code=204)
    async def delete_file(file_id: int, _who: Admin) -> None:
        """Delete a file; addresses made of it lead nowhere from now on."""
        await store.do(service.delete, file_id)
        await asyncio.to_thread(files.shelf.remove, [file_id])


def _add_asking(router: APIRouter, files: Files) -> None:
    @router.post("/files/{file_id}/addresses", status_code=201)
    async def make_download(
        file_id: int, _who: Operator, request: Request, body: AddressBody | None = None
    ) -> dict[str, Any]:
        """Make an address at which a charger may fetch a file, for a command of your own."""
        valid_s = (body or AddressBody()).valid_s
        return (await files.download_address(request, file_id, valid_s)).told()

    @router.post("/chargers/{charger}/addresses", status_code=201)
    async def make_upload(
        charger: str, _who: Operator, request: Request, body: AddressBody | None = None
    ) -> dict[str, Any]:
        """Make an address to which a charger may bring one file, for a command of your own."""
        valid_s = (body or AddressBody()).valid_s
        return (await files.upload_address(request, charger, valid_s)).told()

    @router.post("/chargers/{charger}/diagnostics", status_code=202)
    async def ask_diagnostics(
        charger: str, who: Operator, request: Request, body: DiagnosticsBody | None = None
    ) -> dict[str, Any]:
        """Have a charger bring its diagnostics or a log here: GetDiagnostics or GetLog."""
        told = body or DiagnosticsBody()
        made = await files.upload_address(request, charger, told.valid_s)
        action, payload = _diagnostics(told, made)
        return await files.ask(charger, action, payload, who, made)

    @router.post("/chargers/{charger}/firmware", status_code=202)
    async def ask_update(
        charger: str, who: Operator, request: Request, body: FirmwareBody
    ) -> dict[str, Any]:
        """Have a charger install a stored file: UpdateFirmware or SignedUpdateFirmware."""
        made = await files.download_address(request, body.file, body.valid_s)
        retrieve_at_ms = _ms(body.retrieve_at) or files.clock.now_ms()
        action, payload = _update(body, made, retrieve_at_ms)
        return await files.ask(charger, action, payload, who, made)


def station_routes(files: Files) -> APIRouter:
    """Make the routes for chargers, who know a token and nothing else."""
    router = APIRouter(prefix="/files", tags=["files"])

    @router.put("/up/{token}", status_code=201, openapi_extra=BODY)
    @router.put("/up/{token}/{name:path}", status_code=201, openapi_extra=BODY)
    @router.post("/up/{token}", status_code=201, openapi_extra=BODY)
    @router.post("/up/{token}/{name:path}", status_code=201, openapi_extra=BODY)
    async def bring(token: str, request: Request, name: str = "") -> Response:
        """Take one file."""
        async with files.shelf.place():
            file_id = await files.store.do(
                service.begin_upload, digest_of(token), name, files.clock.now_ms()
            )
            await files.receive(file_id, request)
        return Response(status_code=201)

    @router.get("/down/{token}")
    @router.get("/down/{token}/{name:path}")
    @router.head("/down/{token}")
    @router.head("/down/{token}/{name:path}")
    async def fetch(token: str) -> Response:
        """Give one file, or a range of it."""
        return _content(
            files, await files.store.do(service.fetch, digest_of(token), files.clock.now_ms())
        )

    return router


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect as gone:
        raise StoreFailed("the line went before the file was whole: bring it again") from gone


def _diagnostics(told: DiagnosticsBody, made: _Made) -> tuple[str, dict[str, Any]]:
    since, until = maybe_rfc3339(_ms(told.since)), maybe_rfc3339(_ms(told.until))
    if told.log == "Diagnostics":
        span = _given(startTime=since, stopTime=until)
        return "GetDiagnostics", {"location": made.url, **told.words(), **span}
    span = _given(oldestTimestamp=since, latestTimestamp=until)
    return "GetLog", {
        "logType": told.log,
        "requestId": made.address.address_id,
        "log": {"remoteLocation": made.url, **span},
        **told.words(),
    }


def _update(body: FirmwareBody, made: _Made, retrieve_at_ms: int) -> tuple[str, dict[str, Any]]:
    if body.signature is None or body.signing_certificate is None:
        return "UpdateFirmware", {
            "location": made.url,
            "retrieveDate": rfc3339(retrieve_at_ms),
            **body.words(),
        }
    return "SignedUpdateFirmware", {
        "requestId": made.address.address_id,
        "firmware": {
            "location": made.url,
            "retrieveDateTime": rfc3339(retrieve_at_ms),
            "signingCertificate": body.signing_certificate,
            "signature": body.signature,
            **_given(installDateTime=maybe_rfc3339(_ms(body.install_at))),
        },
        **body.words(),
    }


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _content(files: Files, known: StoredFile) -> Response:
    path = files.shelf.path(known.file_id)
    if not path.is_file():
        raise NotFound(f"file {known.file_id} is gone from the disk")
    return FileResponse(path, filename=known.name, media_type=BINARY)


def _file(known: StoredFile) -> dict[str, Any]:
    return {
        "id": known.file_id,
        "kind": known.kind,
        "name": known.name,
        "charger": known.charger,
        "brought_by": known.brought_by,
        "command": known.command_id,
        "size": known.size,
        "sha256": known.sha256,
        "stored_at": maybe_rfc3339(known.stored_at_ms),
    }
