"""`tapwatt page deploy`: a site for any host, the same each time, and nothing of others harmed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge.cli import main
from edge.hmi.files import HEADERS, find_pages, read_pages
from edge.hmi.site import origins

DATABASE = "https://town-default-rtdb.europe-west1.firebasedatabase.app"
URL = "https://charge.example.org/town/"


def deploy(directory: Path, *more: str, url: str = URL, station: str = "K7PLM2QX") -> int:
    feed = () if "--csms" in more else ("--firebase", DATABASE)
    words = ["page", "deploy", str(directory), "--url", url, "--station", station]
    return main([*words, *feed, *more])


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_site_is_written_whole_and_the_same_each_time(tmp_path: Path) -> None:
    """Front, live page, every module they load, and the QR code."""
    site = tmp_path / "a" / "site"
    assert deploy(site, "--name", "Town Hall", "--connector", "1=Type 2, 22 kW") == 0
    first = contents(site)
    assert set(read_pages(find_pages())) | {"live.html", "qr.svg", "_headers"} == set(first)
    assert json.loads(first["config.json"]) == {
        "feed": "firebase",
        "database": DATABASE,
        "station": "K7PLM2QX",
        "name": "Town Hall",
        "connectors": {"1": "Type 2, 22 kW"},
        "url": "https://charge.example.org/town/live.html",
        "qr": "qr.svg",
    }
    assert deploy(site, "--name", "Town Hall", "--connector", "1=Type 2, 22 kW") == 0
    assert contents(site) == first
    assert deploy(site, "--csms", "https://csms.example.org:8443") == 0
    config = json.loads(contents(site)["config.json"])
    assert (config["feed"], config["source"]) == ("csms", "https://csms.example.org:8443")


def test_a_site_may_lie_in_any_folder_and_reaches_its_feed_alone(tmp_path: Path) -> None:
    """Relative addresses; the policy stands in the page, for hosts that send no headers."""
    deploy(tmp_path)
    for name in ("index.html", "live.html"):
        page = (tmp_path / name).read_text("utf-8")
        assert re.findall(r'(?:href|src)="(?!\./)', page) == []
        (policy,) = re.findall(r'Security-Policy" content="([^"]*)"', page)
        region = "https://*.europe-west1.firebasedatabase.app"
        assert policy.startswith("default-src 'self'; ")
        assert policy.endswith(f"connect-src 'self' {DATABASE} {region}")
    assert "data-view" not in page
    sent = (tmp_path / "_headers").read_text("utf-8")
    assert all(f"  {name}: {value}" in sent for name, value in HEADERS.items())


@pytest.mark.parametrize(
    ("database", "reached"),
    [
        ("https://a.firebaseio.com", ["https://a.firebaseio.com", "https://*.firebaseio.com"]),
        ("http://127.0.0.1:9000", ["http://127.0.0.1:9000"]),
        ("https://firebaseio.com.evil.example", ["https://firebaseio.com.evil.example"]),
    ],
)
def test_a_database_may_send_its_stream_from_a_neighbour(database: str, reached: list[str]) -> None:
    """Firebase redirects streams within its domain; nobody else's domain is opened."""
    assert origins(database) == reached


@pytest.mark.parametrize("there", ["index.html", "notes.txt"])
def test_what_is_no_site_of_ours_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    """A mistyped folder costs nothing."""
    (tmp_path / there).write_text("mine")
    assert deploy(tmp_path) == 2
    assert "holds something else" in capsys.readouterr().err
    assert contents(tmp_path) == {there: b"mine"}
    assert deploy(tmp_path / there) == 2
    assert "is a file" in capsys.readouterr().err


def test_a_repository_of_the_host_s_is_fine(tmp_path: Path) -> None:
    """Names that begin with a dot are the host's and git's."""
    (tmp_path / ".git").mkdir()
    assert deploy(tmp_path) == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--url", "http://charge.example.org"], "write https://"),
        (["--url", "charge.example.org"], "write an address such as"),
        (["--url", "https://a.example/?q=1"], "write an address such as"),
        (["--url", "https://a.example:port"], "write an address such as"),
        (["--url", "https://a.example/" + "x" * 500], "write an address such as"),
        (["--firebase", "https://a.firebaseio.com/x.json"], "end it behind the host"),
        (["--firebase", "https://a.firebaseio.com; script-src *"], "write an address such as"),
        (["--csms", "http://10.0.0.5:8080"], "write https://"),
        (["--station", "a/b"], "public code"),
        (["--name", ""], "--name"),
        (["--connector", "Type 2"], "number and plug"),
        (["--connector", "1="], "number and plug"),
    ],
)
def test_what_cannot_be_meant_gets_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    """Before anything is written."""
    assert deploy(tmp_path / "site", *more) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_scripts_read_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json."""
    assert deploy(tmp_path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["live"] == "https://charge.example.org/town/live.html"
    assert set(told["files"]) == set(contents(tmp_path))
    assert told["bytes"] == sum(map(len, contents(tmp_path).values()))
