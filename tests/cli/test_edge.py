"""`tapwatt edge …`: what an installer can mend is one sentence and status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main
from edge.core.key_table import TABLE

SOUND = """
hardware = "real"
[connectors.1.evse]
kind = "gpio"
coil = 17
plug = 22
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edge.toml"


def test_a_sound_configuration_is_said_to_be_sound(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`config check` opens nothing and starts nothing."""
    file.write_text(SOUND, encoding="utf-8")
    assert main(["edge", "config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == "the configuration is sound\n"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('[csms]\nulr = "ws://x"\n', ["[csms]", "ulr", "url"]),
        ('[connectors.1.evse]\nkind = "gpoi"\n', ["gpoi", 'mean "gpio"']),
        ('[connectors.1.evse]\nkind = "gpio"\ncoli = 17\n', ["coli", 'mean "coil"']),
        ('[stations]\nid = "x"\n', ["stations", 'mean "station"']),
    ],
)
def test_a_driver_s_own_table_is_checked_too(
    file: Path, capsys: pytest.CaptureFixture[str], broken: str, words: list[str]
) -> None:
    """Unknown keys stop the start with a suggestion, whoever reads them."""
    head = 'hardware = "real"\n' if "connectors" in broken else ""
    file.write_text(head + broken, encoding="utf-8")
    assert main(["edge", "config", "check", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tapwatt: ")
    assert said.count("\n") == 1
    for word in words:
        assert word in said


def test_explaining_a_key_names_the_layer_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    """The option wins."""
    words = ["edge", "config", "explain", "HeartbeatInterval", "-o", "ocpp.HeartbeatInterval=7"]
    assert main(words) == 0
    assert " * -o" in capsys.readouterr().out


def test_the_reference_lists_every_key_with_its_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    """Made from the table that validation reads."""
    assert main(["edge", "config", "reference"]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert head.count("|") == rule.count("|") == 7
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [key.name for key in TABLE]
    assert (
        "| ConnectionTimeOut | integer 1-86400 s | read, write | `60`"
        " | From Preparing to giving up. | S 9.1.6 |"
    ) in rows


@pytest.mark.parametrize("verb", ["status", "journal", "stop"])
def test_asking_a_daemon_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """No traceback for an operator."""
    assert main(["edge", verb, "--state-dir", str(tmp_path)]) == 2
    assert "nobody listens" in capsys.readouterr().err
