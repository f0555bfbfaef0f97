"""Every verb of `tapwatt`: help with an example that parses, JSON where it prints, its status."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from edge.cli import SUMMARIES, _parser, main
from edge.cli.help import EXIT_STATUS, leaves

ROOT = Path(__file__).parents[2]

WITHOUT_JSON = {
    "edge run": "it prints nothing: its log goes to standard error",
    "edge journal export": "it writes JSON, an object per line",
    "edge privacy export": "it writes JSON",
    "csms run": "it prints nothing: its log goes to standard error",
    "csms export": "--format json",
    "sim serve": "it prints nothing",
    "sim chaos": "a play for people; --script takes it up again",
    "demo": "a play for people",
}
"""And what the simulated bay answers is JSON anyway."""

NOBODY_THERE = 2
OFFLINE_VERBS = (
    "edge run",
    "edge safe-off",
    "edge doctor",
    "edge enrol",
    "edge replay",
    "edge journal export",
    "csms run",
    "csms user add",
    "csms user list",
    "csms user role",
    "csms user password",
    "csms user disable",
    "csms doctor",
    "csms tls init",
    "demo",
)
"""Verbs that do something, or find out something, where no system has ever run."""


def every_verb() -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for command in SUMMARIES:
        path = f"tapwatt {command}"
        every = leaves(_parser([command]), "tapwatt")
        found |= {words: verb for words, verb in every if f"{words} ".startswith(f"{path} ")}
    return {path.removeprefix("tapwatt "): verb for path, verb in found.items() if " " in path}


VERBS = {path: verb for path, verb in every_verb().items() if verb.get_default("func") is not None}


def options(verb: argparse.ArgumentParser) -> set[str]:
    return {option for action in verb._actions for option in action.option_strings}


def example_of(verb: argparse.ArgumentParser) -> list[str]:
    line = (verb.epilog or "").splitlines()[1]
    program, *words = shlex.split(line, comments=True)
    assert program == "tapwatt"
    return words


def test_there_are_verbs_of_every_command() -> None:
    """Else the others would prove nothing."""
    assert {path.split()[0] for path in VERBS} == set(SUMMARIES)
    assert len(VERBS) > 70


@pytest.mark.parametrize("path", sorted(VERBS))
def test_a_verb_says_what_it_does_how_and_what_its_status_means(path: str) -> None:
    """An installer in the cold reads one screen."""
    told = VERBS[path].format_help()
    assert VERBS[path].description
    assert f"tapwatt {path}" in told
    assert "example:\n  tapwatt " in told
    for status, meaning in EXIT_STATUS.items():
        assert f"  {status:<4} {meaning}" in told


@pytest.mark.parametrize("path", sorted(VERBS))
def test_an_example_is_one_of_that_verb(path: str) -> None:
    """It is understood, by the very verb that shows it."""
    words = example_of(VERBS[path])
    assert words[: len(path.split())] == path.split()
    read = _parser(words).parse_args(words)
    assert read.func is not None


@pytest.mark.parametrize("path", sorted(VERBS))
def test_what_is_printed_can_be_had_as_json(path: str) -> None:
    """For programs; who has none says why."""
    has = "--json" in options(VERBS[path]) or path.startswith("sim ")
    assert has is not (path in WITHOUT_JSON and not path.startswith("sim "))


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path, verb in VERBS.items()
        if "--state-dir" in options(verb) and path not in OFFLINE_VERBS
    ),
)
def test_where_nothing_runs_it_is_one_sentence_and_2(
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No traceback, nothing on standard output that a program would take for an answer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.toml").write_text("")
    words = [*example_of(VERBS[path]), "--state-dir", str(tmp_path / "none")]
    try:
        status = main(words)
    except SystemExit as ended:
        pytest.fail(f"{words}: {ended.code}")
    said = capsys.readouterr()
    assert (status, said.out) == (NOBODY_THERE, ""), said.err
    sentence = said.err.splitlines()[-1]
    assert sentence.startswith("tapwatt")
    assert "Traceback" not in said.err


def test_the_readme_has_the_same_table() -> None:
    """One table, wherever it is read."""
    rows = re.findall(r"^\| `(\d+)` \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {int(status): meaning for status, meaning in rows} == EXIT_STATUS


def test_an_unknown_word_is_wrong_use() -> None:
    """Argparse's own status is ours."""
    with pytest.raises(SystemExit) as ended:
        main(["edge", "statsu"])
    assert ended.value.code == 2
