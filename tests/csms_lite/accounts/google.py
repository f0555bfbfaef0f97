"""What firebase-admin asks Google, on the loopback: keys, a token for the account, its people."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

PROJECT = "car-park"
KEYS = "/certs"
TOKEN = "/token"
LOOKUP = "/v1/projects/car-park/accounts:lookup"


class Google:
    """What it will say is set by the test."""

    def __init__(self) -> None:
        self.base = ""
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.people: dict[str, dict[str, Any]] = {"g-1": {"localId": "g-1"}}
        self.says: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self.held = threading.Event()
        self.held.set()

    def sign(self, **claims: Any) -> str:
        """Make an ID token."""
        now_s = int(datetime.now(UTC).timestamp())  # the library knows no other clock
        told = {
            "iss": f"https://securetoken.google.com/{PROJECT}",
            "aud": PROJECT,
            "iat": now_s,
            "exp": now_s + 3600,
            "sub": "g-1",
            "email": "ana@example.org",
            "email_verified": True,
            "name": "Ana Muster",
        }
        return jwt.encode(told | claims, self.key, algorithm="RS256", headers={"kid": "one"})

    def key_file(self, path: Path, **changed: str) -> Path:
        """Write the key of a service account."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        told = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "tapwatt@car-park.iam.gserviceaccount.com",
            "token_uri": self.base + TOKEN,
        }
        path.write_text(json.dumps(told | changed))
        return path

    def answer(self, path: str, body: bytes) -> tuple[int, str]:
        """Answer one request."""
        self.asked.append(path)
        assert self.held.wait(60)
        if path in self.says:
            return self.says[path]
        if path == KEYS:
            return 200, json.dumps({"one": self._certificate()})
        if path == TOKEN:
            return 200, json.dumps(
                {"access_token": "x", "expires_in": 3600, "token_type": "Bearer"}
            )
        assert path == LOOKUP, path
        wanted = json.loads(body)["localId"]
        found = [self.people[one] for one in wanted if one in self.people]
        return 200, json.dumps({"users": found} if found else {})

    def _certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


@contextmanager
def google(patch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Run it in a thread while the block lasts, and send the library there."""
    told = Google()

    class Desk(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, text = told.answer(self.path, body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _serve  # noqa: N815  # the server calls them so

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        told.base = f"http://127.0.0.1:{server.server_port}"
        patch.setattr("firebase_admin._token_gen.ID_TOKEN_CERT_URI", told.base + KEYS)
        patch.setattr("firebase_admin._user_mgt.UserManager.ID_TOOLKIT_URL", told.base + "/v1")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            told.held.set()
            server.shutdown()
            thread.join()
