"""`tapwatt edge cards` and `tapwatt edge privacy`: what they ask, and what they print."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edge.app.privacy import names
from edge.cli import WRONG_USE, main
from tests.cli.listening import listening

UID = "04A2B1C3D4E580"


def asked(words: list[str], answer: dict[str, Any], status: int = 0) -> list[object]:
    """What the daemon is asked, if it gives *answer*."""
    with tempfile.TemporaryDirectory() as directory:
        thread, heard = listening(Path(directory) / "control.sock", answer)
        assert main(["edge", *words, "--state-dir", directory]) == status
        thread.join(5)
    return heard


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (["add", UID, "--role", "owner"], {"role": "owner", "uid": UID, "alias": None}),
        (["add", "--alias", "HX"], {"role": "guest", "uid": None, "alias": "HX"}),
        (["block", UID], {"role": "blocked", "uid": UID, "alias": None}),
        (["remove", UID], {"role": None, "uid": UID, "alias": None}),
    ],
)
def test_a_change_of_roles_names_card_and_role(
    words: list[str], request_: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """One verb of the socket for all of them."""
    answer = {"id_tag": UID, "role": request_["role"]}
    assert asked(["cards", *words], answer) == [{"op": "card", **request_}]
    assert capsys.readouterr().out == f"{UID}: {request_['role'] or 'no role'}\n"


def test_the_next_tap_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Who stands there is told what to do."""
    answer = {"id_tag": UID, "role": "admin"}
    heard = asked(["cards", "add", "--next-tap", "--role", "admin"], answer)
    assert heard == [{"op": "learn", "role": "admin"}]
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{UID}: admin\n", "lay the card on the reader …\n")


def test_the_list_says_who_gave_the_role(capsys: pytest.CaptureFixture[str]) -> None:
    """What stands in the configuration is taken away there."""
    cards = [
        {"id_tag": UID, "role": "owner", "here": True},
        {"id_tag": "DEADBEEF", "role": "admin", "here": False},
    ]
    for left_s, said in ((None, "set-up is closed"), (90, "set-up is open for 90 s")):
        asked(["cards", "list"], {"cards": cards, "setup_left_s": left_s})
        assert capsys.readouterr().out.splitlines() == [
            "04A2B1C3D4E580        owner",
            "DEADBEEF              admin  (configuration)",
            said,
        ]
    asked(["cards", "list", "--json"], {"cards": [], "setup_left_s": None})
    assert json.loads(capsys.readouterr().out) == {"cards": [], "setup_left_s": None}


def test_erase_says_what_stays_by_its_status_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A script sees that it must come again."""
    words = ["privacy", "erase", UID]
    assert asked(words, {"kept": ["1 sessions run"]}, 1) == [
        {"op": "erase", "uid": UID, "alias": None}
    ]
    asked(words, {"kept": []})
    assert capsys.readouterr().out.splitlines() == ["kept: 1 sessions run", "nothing of it is left"]


def test_export_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Page by page, as one document."""
    page = {"sessions": [{"ref": 1}], "next": None, "cache": []}
    assert asked(["privacy", "export", UID], page) == [
        {"op": "held", "uid": UID, "alias": None, "after": 0}
    ]
    assert json.loads(capsys.readouterr().out) == {"cache": [], "sessions": [{"ref": 1}]}


def test_alias_is_what_the_daemon_would_call_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No daemon is needed, but the key of its first start is."""
    words = ["edge", "privacy", "alias", UID, "--state-dir", str(tmp_path)]
    assert main(words) == WRONG_USE
    made = names("hashed", tmp_path)
    assert main(words) == 0
    assert capsys.readouterr().out == f"{made.of(UID)}\n"
