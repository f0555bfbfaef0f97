"""`tapwatt edge journal …`: what it prints, and what it asks the daemon for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from edge.cli import WRONG_USE, main
from tests.cli.listening import listening

KNOWN = {"at": "T1", "not_before": "T1", "not_after": "T1"}
BOUNDED = {"at": "T1", "not_before": "T1", "not_after": "T9"}
OPEN = {"at": "T1", "not_before": "T1", "not_after": None}


def message(seq: int, clock: str, **more: Any) -> dict[str, Any]:
    return {"seq": seq, "kind": "StopTransaction", "clock": clock, "attempts": 0, **more}


def asked(words: list[str], answer: dict[str, Any]) -> list[object]:
    """What the daemon is asked, if it gives *answer*."""
    with tempfile.TemporaryDirectory() as directory:
        thread, heard = listening(Path(directory) / "control.sock", answer)
        assert main(["edge", "journal", *words, "--state-dir", directory]) == 0
        thread.join(5)
    return heard


def test_the_list_says_between_which_moments_a_time_lies(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Delivery 2.4: stated bounds, also where the later one is not known yet."""
    dead = message(3, "known", code="Timeout", description="silent", **KNOWN)
    answer = {
        "count": 2,
        "outbox": [message(4, "awaited", **OPEN), message(5, "uncertain", **BOUNDED)],
        "dead_letter_count": 1001,
        "dead_letters": [{**dead, "attempts": 3}],
        "guessed": [{"ref": 7, "connector": 2, **BOUNDED}],
    }
    assert asked([], answer) == [{"op": "journal"}]
    assert capsys.readouterr().out.splitlines() == [
        "2 waiting",
        "       4  T1 to a time not known yet  StopTransaction    time awaited",
        "       5  T1 to T9  StopTransaction    time uncertain",
        "1001 dead letters",
        "       3  T1  StopTransaction    refused 3x  Timeout silent",
        "1 sessions at a time nobody knew for sure",
        "       7  T1 to T9  connector 2",
    ]


@pytest.mark.parametrize(("words", "seqs"), [(["3", "5"], [3, 5]), (["--all"], None)])
def test_resend_names_the_letters_or_means_all(
    words: list[str], seqs: list[int] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """One or the other has to be said."""
    answer = {"resent": [3, 4, 5], "left": 1}
    assert asked(["resend", *words], answer) == [{"op": "resend", "seqs": seqs}]
    assert capsys.readouterr().out == "3 wait again, 1 dead letters left\n"


@pytest.mark.parametrize("words", [[], ["3", "--all"]])
def test_resend_of_nothing_or_of_both_is_wrong_use(words: list[str]) -> None:
    """Nobody resends everything by mistake."""
    with pytest.raises(SystemExit) as ended:
        main(["edge", "journal", "resend", *words])
    assert ended.value.code == WRONG_USE


def test_an_export_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for an operator."""
    there = str(tmp_path / "no" / "file")
    assert main(["edge", "journal", "export", "--to", there]) == WRONG_USE
    assert "cannot be written" in capsys.readouterr().err
