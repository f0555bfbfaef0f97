"""`tapwatt csms user …`, beside a central system that runs and without one."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.csms_lite.central import running
from tests.csms_lite.test_cli import ROOT, command

PASSWORD = "correct horse battery"


def user(state_dir: Path, *words: str, typed: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("user", words[0], "--state-dir", str(state_dir), *words[1:]),
        cwd=ROOT,
        input=typed + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_people_are_administered_without_the_central_system(tmp_path: Path) -> None:
    """Add, list, change the role, disable; the last administrator stays here too."""
    name = ["--name", "Ada", "--surname", "Lovelace"]
    added = user(tmp_path, "add", "ada@example.org", *name, "--role", "ADMIN")
    assert (added.returncode, added.stdout) == (
        0,
        "added 1\tADMIN\tada@example.org\tAda\tLovelace\n",
    )
    assert user(tmp_path, "add", "Ada@example.org", *name).returncode == 2
    refused = user(tmp_path, "role", "ada@example.org", "USER")
    assert refused.returncode == 2
    assert "last administrator" in refused.stderr
    assert user(tmp_path, "add", "bob@example.org", *name).returncode == 0
    assert user(tmp_path, "role", "bob@example.org", "VIEWER").returncode == 0
    assert user(tmp_path, "disable", "bob@example.org").stdout.endswith("disabled\n")
    assert user(tmp_path, "list").stdout.splitlines() == [
        "1\tADMIN\tada@example.org\tAda\tLovelace",
        "2\tVIEWER\tbob@example.org\tAda\tLovelace\tdisabled",
    ]
    assert "disabled" not in user(tmp_path, "disable", "bob@example.org", "--undo").stdout


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    """No traceback, and no account half made."""
    name = ["--name", "Ada", "--surname", "Lovelace"]
    for words, typed, said in (
        (["add", "ada", *name], PASSWORD, "mail address"),
        (["add", "ada@example.org", *name], "short", "10 to 128"),
        (["add", "ada@example.org", *name, "--role", "KING"], PASSWORD, "ADMIN, OPERATOR"),
        (["password", "ada@example.org"], PASSWORD, "no account"),
    ):
        ended = user(tmp_path, *words, typed=typed)
        assert ended.returncode == 2, words
        assert said in ended.stderr
        assert "Traceback" not in ended.stderr
    assert user(tmp_path, "list").stdout == ""


async def test_a_password_set_beside_the_running_system_counts_at_once(tmp_path: Path) -> None:
    """Two processes write one database; roles are read from it at every request."""
    async with running(tmp_path) as central:
        name = ["--name", "Ada", "--surname", "Lovelace"]
        assert user(tmp_path, "add", "ada@example.org", *name, "--role", "ADMIN").returncode == 0
        body = {"email": "ada@example.org", "password": PASSWORD}
        tokens = (await central.http.post("/api/auth/login", json=body)).json()
        ada = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await central.http.get("/api/audit", headers=ada)).status_code == 200
        new = "another good password"
        assert user(tmp_path, "password", "ada@example.org", typed=new).returncode == 0
        assert (await central.http.get("/api/audit", headers=ada)).status_code == 401
        assert (await central.http.post("/api/auth/login", json=body)).status_code == 401
        body["password"] = new
        assert (await central.http.post("/api/auth/login", json=body)).status_code == 200
        trail = (await central.http.get("/api/audit")).json()
        assert [one["action"] for one in trail] == ["password_changed", "account_added"]
        assert trail[0]["actor"].startswith("the command line of uid")
