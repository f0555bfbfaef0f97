"""A small OpenID Connect provider on the loopback: one person, one client, codes good once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT = "tapwatt"
BROKEN = "broken"


class FakeProvider:
    """What it will say is set by the test."""

    def __init__(self) -> None:
        self.base = ""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = "one"
        self.person: dict[str, Any] = {
            "sub": "g-1",
            "email": "ana@example.org",
            "email_verified": True,
            "given_name": "Ana",
            "family_name": "Muster",
        }
        self.now_s: Callable[[], float] = lambda: 0.0
        self.asked: list[str] = []
        self.says: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}

    def sign(self, **claims: Any) -> str:
        """Make an ID token."""
        now_s = int(self.now_s())
        told = {"iss": self.base, "aud": CLIENT, "iat": now_s, "exp": now_s + 300}
        return jwt.encode(
            told | self.person | claims, self.key, algorithm="ES256", headers={"kid": self.kid}
        )

    def browse(self, address: str) -> str:
        """Be a browser whose person agrees, and give the code it is sent back with."""
        query = {name: one[0] for name, one in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return code

    def answer(self, path: str, body: str) -> Any:
        """Answer one request."""
        self.asked.append(path)
        if path in self.says:
            return self.says[path]
        if path.endswith("/.well-known/openid-configuration"):
            return {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "jwks_uri": f"{self.base}/keys",
            }
        if path.endswith("/keys"):
            key = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [key | {"kid": self.kid, "use": "sig", "alg": "ES256"}]}
        form = {name: one[0] for name, one in parse_qs(body).items()}
        begun = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge:
            return {"error": "invalid_grant"}
        assert form["redirect_uri"] == begun["redirect_uri"]
        assert form["client_secret"] == "hush"
        return {"id_token": self.sign(nonce=begun["nonce"])}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one HTTP request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        _, path, _ = head.split("\r\n", 1)[0].split(" ")
        length = 0
        for line in head.lower().splitlines():
            if line.startswith("content-length:"):
                length = int(line.partition(":")[2])
        said = self.answer(path, (await reader.readexactly(length)).decode())
        status = "503 no" if said == BROKEN else "200 OK"
        text = json.dumps(said).encode()
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def provided() -> AsyncIterator[FakeProvider]:
    """Run the provider while the block lasts."""
    provider = FakeProvider()
    server = await asyncio.start_server(provider.talk, "127.0.0.1", 0)
    provider.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
