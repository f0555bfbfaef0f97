"""The bridge as systemd runs it: key, TLS, readiness, watchdog, death and return."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.bridge.process import bridge_process, bridge_words, write_config
from tests.bridge.sources import CODE, Talking, Teller
from tests.certificates import authority, signed_by
from tests.rtdb.double import TOKEN, Double
from tests.waiting import until

pytestmark = [pytest.mark.together, pytest.mark.slow]


def stands(double: Double) -> Any:
    """The sequence that stands in the database."""
    return (double.tree.get(f"public/{CODE}/status") or {}).get("sequence")


async def entered(stack: ExitStack, context: Any) -> Any:
    """Enter a blocking context while others run."""
    return await asyncio.to_thread(stack.enter_context, context)


def service_key(directory: Path, double: Double) -> None:
    """A service account's key as Google gives it, but that its tokens are the double's to give."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = {
        "type": "service_account", "project_id": "tapwatt", "private_key_id": "1",
        "private_key": signed_by(authority(), "bridge", key=rsa_key).key_pem,
        "client_email": "bridge@tapwatt.iam.gserviceaccount.com",
        "token_uri": f"https://{double.host}/token",
    }  # fmt: skip
    (directory / "keys_firebase.json").write_text(json.dumps(key))


async def test_key_and_certificate_are_used_and_death_costs_nothing(
    source: Talking, teller: Teller, tmp_path: Path
) -> None:
    """Outside dev: a key from systemd's credentials, TLS that is checked; SIGKILL and return."""
    root = authority()
    tls = signed_by(root, "127.0.0.1", hosts=("127.0.0.1",)).save(tmp_path, "double")
    (tmp_path / "root.pem").write_text(root.pem)
    environment = {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "root.pem"),
    }
    with Double(tls=tls).running() as double, ExitStack() as stack:
        double.needs_token = True
        service_key(tmp_path, double)
        config = write_config(
            tmp_path / "bridge.toml",
            source=source.url, database=f"https://{double.host}", stations=[CODE],
        )  # fmt: skip
        source.say(teller.document())
        bridge = await entered(stack, bridge_process(config, environment=environment))
        await until(lambda: stands(double) == 101, 15)
        bridge.send_signal(signal.SIGKILL)
        await asyncio.to_thread(bridge.wait)
        source.say(teller.document())
        again = await entered(stack, bridge_process(config, environment=environment))
        await until(lambda: stands(double) == 102, 15)
        again.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(again.wait, 10) == 0
        assert TOKEN not in json.dumps(double.tree.root)
        who = {json.dumps(one.identity) for one in double.asked}
        assert who == {json.dumps({"uid": f"edge-{CODE}", "station": CODE})}


async def test_a_database_with_a_strange_certificate_gets_nothing(
    source: Talking, teller: Teller, tmp_path: Path
) -> None:
    """No authority of this computer's: not a byte of a document, and the reason is told."""
    tls = signed_by(authority(), "127.0.0.1", hosts=("127.0.0.1",)).save(tmp_path, "double")
    with Double(tls=tls).running() as double, ExitStack() as stack:
        service_key(tmp_path, double)
        config = write_config(
            tmp_path / "bridge.toml",
            source=source.url, database=f"https://{double.host}", stations=[CODE],
        )  # fmt: skip
        source.say(teller.document())
        log = stack.enter_context((tmp_path / "log").open("wb"))
        environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        await entered(stack, bridge_process(config, environment=environment, log=log))
        await until(lambda: b"CERTIFICATE_VERIFY_FAILED" in (tmp_path / "log").read_bytes(), 30)
        assert not double.asked


async def test_systemd_is_told(source: Talking, teller: Teller, tmp_path: Path) -> None:
    """READY without a database in sight, then the watchdog; STOPPING at the end."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, ExitStack() as stack:
        manager.bind(address)
        manager.settimeout(10)
        config = write_config(
            tmp_path / "bridge.toml",
            source=source.url, database="http://127.0.0.1:9/?ns=x", stations=[CODE],
        )  # fmt: skip
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
        bridge = await entered(stack, bridge_process(config, "--dev", environment=environment))
        said = {await asyncio.to_thread(manager.recv, 100) for _ in range(5)}
        assert said == {b"READY=1", b"WATCHDOG=1"}
        bridge.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(bridge.wait, 10) == 0
        said = {await asyncio.to_thread(manager.recv, 100)}
        while b"STOPPING=1" not in said:
            said.add(await asyncio.to_thread(manager.recv, 100))


@pytest.mark.parametrize(
    ("environment", "more", "status", "said"),
    [
        ({}, [], 2, "the key of the service account is missing"),
        ({"FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:9"}, [], 2, "sends everything to an emula"),
        ({"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9"}, [], 2, "sends everything to an emulator"),
        ({}, ["--dev"], 0, "can be used"),
    ],
)
def test_a_start_that_must_not_be_is_refused(
    tmp_path: Path, environment: dict[str, str], more: list[str], status: int, said: str
) -> None:
    """One sentence, and the status that systemd shows."""
    config = write_config(
        tmp_path / "bridge.toml",
        source="http://127.0.0.1:1", database="https://x.firebaseio.com", stations=["A"],
    )  # fmt: skip
    if environment:
        environment["CREDENTIALS_DIRECTORY"] = str(tmp_path)
        (tmp_path / "keys_firebase.json").write_text("{}")
    run = subprocess.run(
        bridge_words(config, "--check", *more),
        env={**os.environ, **environment},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert said in run.stdout + run.stderr
    assert run.returncode == status
    assert "Traceback" not in run.stderr


def test_a_key_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    """Not at the first write, an hour later."""
    (tmp_path / "keys_firebase.json").write_text('{"type": "authorized_user"}')
    config = write_config(
        tmp_path / "bridge.toml",
        source="http://127.0.0.1:1", database="https://x.firebaseio.com", stations=["A"],
    )  # fmt: skip
    run = subprocess.run(
        bridge_words(config, "--check"),
        env={**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert "is no key of a service account" in run.stderr


def test_the_controller_starts_without_the_library() -> None:
    """firebase-admin is an extra: nothing of the controller or the central system loads it."""
    code = (
        "import sys; sys.modules['firebase_admin'] = None\n"
        "import edge.app, edge.cli.edge, csms_lite.app\n"
        "assert not [name for name in sys.modules if name.startswith('edge.bridge')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_bridge_without_the_library_says_what_to_install(tmp_path: Path) -> None:
    """One sentence."""
    config = write_config(
        tmp_path / "bridge.toml",
        source="http://127.0.0.1:1", database="https://x.firebaseio.com", stations=["A"],
    )  # fmt: skip
    code = (
        "import sys; sys.modules['firebase_admin'] = None\n"
        "from edge.bridge.app import main\n"
        f"sys.exit(main(['--config', {str(config)!r}, '--dev']))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == 2
    assert "tapwatt[firebase]" in run.stderr
