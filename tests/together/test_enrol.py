"""A charger enrolled by one line: from the central system's verb to a line that lets it in."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.certificates import authority, signed_by
from tests.csms_lite.central import Central, running
from tests.together.edge_bench import Bench, bench, end
from tests.waiting import until

TAPWATT = Path(sys.executable).parent / "tapwatt"
FIRST = """hardware = "real"
[station]
id = "TAPWATT-1"   # the sticker says so
[csms]
url = "ws://127.0.0.1:9000/ocpp"
[connectors.1.evse]
kind = "gpio"
coil = 17
plug = 22
"""


async def tapwatt(*words: str, said: str = "") -> tuple[int, str, str]:
    """The status, what was printed, and what was complained of."""
    process = await asyncio.create_subprocess_exec(
        TAPWATT,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, complained = await process.communicate(said.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), complained.decode()


class Site:
    """A charging point's configuration beside a central system with TLS of its own."""

    def __init__(self, folder: Path) -> None:
        self.csms = folder / "csms"
        self.file = folder / "edge.toml"
        self.file.write_text(FIRST)
        self.file.chmod(0o644)
        self._state = folder / "edge"

    def authorities(self) -> list[Path]:
        """What was kept of authorities."""
        return list(self.file.parent.glob("central-ca*"))

    async def line(self, central: Central) -> str:
        words = ("charger", "key", "CP-1", "--enrol", "--url", central.addresses.ocpp, "--json")
        status, out, complained = await tapwatt("csms", *words, "--state-dir", str(self.csms))
        assert status == 0, complained
        line: str = json.loads(out)["line"]
        return line

    async def enrol(self, line: str, *words: str) -> tuple[int, str, str]:
        where = ("--config", str(self.file), "--state-dir", str(self._state))
        return await tapwatt("edge", "enrol", "-", *where, *words, said=line + "\n")


async def prepared(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    words = ("tls", "init", "--name", "127.0.0.1", "--state-dir", str(site.csms))
    assert (await tapwatt("csms", *words))[0] == 0
    return site


async def test_one_line_brings_a_charger_in(tmp_path: Path) -> None:
    """Identity, address, key and authority; what was there is kept, secrets are the owner's."""
    site = await prepared(tmp_path)
    async with running(site.csms, accept_unknown=False) as central:
        await central.http.put("/api/chargers/CP-1", json={"profile": 2})
        line = await site.line(central)
        status, out, complained = await site.enrol(line)
        assert (status, complained) == (0, ""), out
        assert "accepts CP-1, in security profile 2" in out
        key = line.partition("key=")[2].partition("&")[0]
        assert key not in out
        told = site.file.read_text()
        assert f'password = "{key}"' in told
        ca = line.partition("ca=")[2]
        assert f'ca_file = "{tmp_path / f"central-ca-{ca[:12]}.pem"}"' in told
        assert site.file.stat().st_mode & 0o007 == 0
        assert (tmp_path / "edge.toml.before").read_text() == FIRST
        again, out, _ = await site.enrol(line, "--json")
        found = json.loads(out)
        assert (again, found["in"], found["id"]) == (0, True, "CP-1")
        revoked = ("charger", "key", "CP-1", "--revoke", "--state-dir", str(site.csms))
        assert (await tapwatt("csms", *revoked))[0] == 0
        status, out, _ = await site.enrol(line)
        assert status == 1
        assert "does not take our password" in out


def shown_by(made: Bench) -> str:
    """The password of the line as it stands."""
    line = made.central.connection
    assert line is not None
    assert line.request is not None
    _, _, credentials = line.request.headers["Authorization"].partition(" ")
    return base64.b64decode(credentials).decode().partition(":")[2]


async def test_after_an_enrolment_the_controller_comes_up_with_the_new_key(tmp_path: Path) -> None:
    """Whatever key the central system has set by then; while the controller runs it is refused."""
    file, state = tmp_path / "edge.toml", tmp_path / "d"
    async with bench(tmp_path) as made:
        url = made.central.url
        file.write_text(f'[station]\nid = "CP-1"\n[csms]\nurl = "{url}"\npassword = "{"f" * 20}"\n')
        line = f"tapwatt:enrol?id=CP-1&url={url}&key={'n' * 20}"
        words = ("edge", "enrol", line, "--config", str(file), "--state-dir", str(state))
        made.start(config=file)
        await until(lambda: made.central.payloads("BootNotification"))
        assert shown_by(made) == "f" * 20
        change = {"key": "AuthorizationKey", "value": "o" * 20}
        assert await made.central.command("1", "ChangeConfiguration", change) == {
            "status": "Accepted"
        }
        await until(lambda: shown_by(made) == "o" * 20)
        status, _, complained = await tapwatt(*words)
        assert (status, "in use by another daemon" in complained) == (2, True)
        assert made.daemon is not None
        assert end(made.daemon) == 0
        assert (await tapwatt(*words))[0] == 0
        made.central.calls.clear()
        made.start(config=file)
        await until(lambda: made.central.payloads("BootNotification"))
        assert shown_by(made) == "n" * 20


async def test_somebody_in_between_is_not_believed(tmp_path: Path) -> None:
    """He has a certificate for the name, of an authority of his own: nothing is written."""
    site = await prepared(tmp_path)
    async with running(site.csms) as central:
        await central.http.put("/api/chargers/CP-1", json={})
        line = await site.line(central)
    shutil.rmtree(site.csms / "tls")
    (site.csms / "tls").mkdir()
    mallory = authority("Mallory")
    certificate, key = signed_by(mallory, "csms", hosts=("127.0.0.1",)).save(tmp_path, "mallory")
    certificate.write_text(certificate.read_text() + mallory.pem)
    options: dict[str, Any] = {"tls_certificate": certificate, "tls_key": key}
    async with running(site.csms, **options) as central:
        old = line.partition("url=")[2].partition("&")[0]
        status, _, complained = await site.enrol(line.replace(old, central.addresses.ocpp))
        assert status == 2
        assert "somebody stands between" in complained
        assert site.file.read_text() == FIRST
        assert site.authorities() == []


async def test_what_cannot_work_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """In clear over the network, beside a certificate, in a running controller's place."""
    site = Site(tmp_path)
    line = f"tapwatt:enrol?id=CP-1&url=ws://192.0.2.1:9000/ocpp&key={'ab' * 20}"
    status, _, complained = await site.enrol(line)
    assert (status, "not encrypted" in complained) == (2, True)
    site.file.write_text(FIRST.replace("[csms]", '[csms]\ncertificate = "x.pem"'))
    status, _, complained = await site.enrol(line.replace("192.0.2.1", "127.0.0.1"))
    assert (status, "profile 3 needs no key" in complained) == (2, True)
    site.file.write_text(FIRST)
    status, out, _ = await site.enrol(line.replace("192.0.2.1", "127.0.0.1"), "--no-check")
    assert (status, "not checked" in out) == (0, True)
