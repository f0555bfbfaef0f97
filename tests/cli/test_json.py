"""`--json` prints one JSON value and nothing else, with the status that words would have had."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edge.app.privacy import KEY
from edge.cli import main
from edge.core.key_table import TABLE
from tests.cli.listening import listening


@pytest.mark.parametrize(
    ("words", "answer", "status"),
    [
        (["journal", "resend", "--all"], {"resent": [1, 2], "left": 0}, 0),
        (["journal", "accept"], {"accepted": False}, 0),
        (["journal", "--json"], {"count": 0}, 0),
        (["cards", "add", "--next-tap"], {"id_tag": "X", "role": "guest"}, 0),
        (["cards", "block", "04A2"], {"id_tag": "X", "role": "blocked"}, 0),
        (["cards", "remove", "04A2"], {"id_tag": "X", "role": None}, 0),
        (["privacy", "erase", "04A2"], {"kept": []}, 0),
        (["privacy", "erase", "04A2"], {"kept": ["1 session runs"]}, 1),
        (["release", "1"], {"released": ["weld"]}, 0),
        (["limit", "1", "10"], {"limit_a": 10}, 0),
        (["stop"], {"ok": True}, 0),
    ],
)
def test_what_the_controller_answers_is_passed_on(
    words: list[str], answer: dict[str, Any], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it came: names are the controller's."""
    with tempfile.TemporaryDirectory() as directory:
        thread, _ = listening(Path(directory) / "control.sock", answer)
        said = [*words, *(["--json"] if "--json" not in words else [])]
        assert main(["edge", *said, "--state-dir", directory]) == status
        thread.join(5)
    assert json.loads(capsys.readouterr().out) == answer


def test_configuration_is_told_to_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check, explain, reference and the first file."""
    file = tmp_path / "edge.toml"
    where = ["--config", str(file), "--json"]

    def told(status: int, *words: str) -> Any:
        assert main(["edge", "config", *words]) == status
        return json.loads(capsys.readouterr().out)

    assert told(0, "init", "--json", "--out", str(file)) == {"file": str(file)}
    assert told(0, "check", "--quick", *where)["sound"] is True
    file.write_text(file.read_text().replace("feedback = 27", "feedback = 17"))
    wrong = told(1, "check", "--quick", *where)
    assert wrong["sound"] is False
    assert wrong["findings"][0]["remedy"]
    assert told(0, "explain", "HeartbeatInterval", "--json")["key"] == "HeartbeatInterval"
    assert [row["key"] for row in told(0, "reference", "--json")] == [key.name for key in TABLE]


def test_an_alias_is_told_to_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no controller."""
    (tmp_path / KEY).write_bytes(b"k" * 32)
    words = ["edge", "privacy", "alias", "04A2B1C3", "--state-dir", str(tmp_path)]
    assert main(words) == 0
    alias = capsys.readouterr().out.strip()
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"alias": alias}


def test_the_central_systems_settings_and_findings_are_told_to_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`settings` and `doctor`; the token of one that never ran is wrong use."""
    assert main(["csms", "settings", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["TAPWATT_CSMS_HEARTBEAT_S"]["default"] == "60"
    where = ["--state-dir", str(tmp_path / "none"), "--json"]
    assert main(["csms", "doctor", *where]) == 1
    assert json.loads(capsys.readouterr().out)[0]["grade"] == "wrong"
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "token").write_text("secret\n")
    assert main(["csms", "token", *where]) == 0
    assert json.loads(capsys.readouterr().out) == {"token": "secret"}
