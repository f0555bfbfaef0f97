"""`tapwatt edge …`: what an installer can mend is one sentence and status 2."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from edge.cli import main
from edge.core.key_table import TABLE
from tests.cli.listening import listening

SOUND = """
hardware = "real"
[connectors.1.evse]
kind = "gpio"
coil = 17
plug = 22
[buses.rs485]
kind = "rtu"
port = "/dev/ttyUSB0"
[connectors.1.meter]
kind = "modbus"
bus = "rs485"
model = "sdm120"
unit = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edge.toml"


def test_a_sound_configuration_is_said_to_be_sound(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--quick` it opens nothing and starts nothing."""
    file.write_text(SOUND, encoding="utf-8")
    assert main(["edge", "config", "check", "--quick", "--config", str(file)]) == 0
    assert capsys.readouterr().out == "the configuration is sound\n"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('[csms]\nulr = "ws://x"\n', ["[csms]", "ulr", "url"]),
        ('[connectors.1.evse]\nkind = "gpoi"\n', ["gpoi", 'mean "gpio"']),
        ('[connectors.1.evse]\nkind = "gpio"\ncoli = 17\n', ["coli", 'mean "coil"']),
        (
            "[connectors.1.evse]\nkind='gpio'\ncoil=17\n[power_good]\nkind='gpio'\npni=18\n",
            ["[power_good]", "pni", 'mean "pin"'],
        ),
        (
            "[connectors.1]\nevse={kind='gpio',coil=17}\ntemperature={kind='w1',devise='x'}\n",
            ["connectors.1.temperature", "devise", 'mean "device"'],
        ),
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


def test_a_default_price_that_could_not_be_shown_is_said_to_be_none(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over OCPP it would be Rejected; the installer is told how it should look."""
    file.write_text(SOUND + '[ocpp]\nDefaultPrice = "cheap"\n', encoding="utf-8")
    words = ["edge", "config", "check", "--quick", "--config", str(file)]
    assert main(words) == 2
    assert "priceText" in capsys.readouterr().err
    assert main([*words, "-o", 'ocpp.DefaultPrice={"priceText": "free"}']) == 2
    file.write_text(SOUND + '[ocpp]\nDefaultPrice = \'{"priceText": "free"}\'\n', encoding="utf-8")
    assert main(words) == 0


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


@pytest.mark.parametrize(
    ("words", "answer", "status", "said"),
    [
        ([], {"status": "Accepted", "data": None}, 0, "Accepted\n"),
        (["--data", "d"], {"status": "Rejected", "data": "n\x1b"}, 1, 'Rejected "n\\u001b"\n'),
        (["--json"], {"status": "Accepted"}, 0, '{"status": "Accepted"}\n'),
        (["--message", "m"], {"error": "no line"}, 2, "tapwatt: no line\n"),
    ],
)
def test_a_transfer_tells_its_answer_and_whether_it_was_accepted(
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    answer: dict[str, object],
    status: int,
    said: str,
) -> None:
    """R-7-11: a script can go by the exit status."""
    with tempfile.TemporaryDirectory() as directory:
        thread, asked = listening(Path(directory) / "control.sock", answer)
        assert main(["edge", "transfer", "org.example", *words, "--state-dir", directory]) == status
        thread.join(5)
    heard = capsys.readouterr()
    assert heard.out + heard.err == said
    wanted = {"--message": "message", "--data": "data"}
    given = {wanted[word]: words[1] for word in words[:1] if word in wanted}
    assert asked == [
        {"op": "transfer", "vendor": "org.example", "message": None, "data": None} | given
    ]


def asked(words: list[str], answer: dict[str, object], status: int = 0) -> list[object]:
    """What `tapwatt edge …` asks the daemon."""
    with tempfile.TemporaryDirectory() as directory:
        thread, heard = listening(Path(directory) / "control.sock", answer)
        assert main(["edge", *words, "--state-dir", directory]) == status
        thread.join(5)
    return heard


@pytest.mark.parametrize(
    ("released", "said"),
    [(["rcd"], "released: rcd\n"), ([], "nothing was latched\n")],
)
def test_safety_09_a_release_tells_what_was_latched(
    capsys: pytest.CaptureFixture[str], released: list[str], said: str
) -> None:
    """Safety 9, 12: somebody has looked."""
    assert asked(["release", "2"], {"released": released}) == [{"op": "release", "connector": 2}]
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(("word", "limit_a"), [("10.5", 10.5), ("off", None)])
def test_safety_16_a_limit_is_given_or_taken_back(word: str, limit_a: float | None) -> None:
    """Safety 16: the manager says it again, or none flows."""
    told = {"op": "limit", "connector": 1, "limit_a": limit_a, "for_s": 30.0}
    assert asked(["limit", "1", word, "--for-s", "30"], {"limit_a": limit_a}) == [told]


def test_a_limit_that_is_no_number_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is asked."""
    assert main(["edge", "limit", "1", "much"]) == 2
    assert "much is no number of amperes" in capsys.readouterr().err


def test_the_installed_controller_is_asked_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Who looks after an installed station names no directory; systemd's word still wins."""
    monkeypatch.setattr("edge.cli.edge.INSTALLED", tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert main(["edge", "status"]) == 2
    assert f"{tmp_path}/control.sock" in capsys.readouterr().err
    monkeypatch.setenv("STATE_DIRECTORY", "/nowhere")
    assert main(["edge", "status"]) == 2
    assert "/nowhere/control.sock" in capsys.readouterr().err
