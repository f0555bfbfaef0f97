"""A file is carried over real HTTP(S) and FTP(S) lines, cut and resumed, or refused."""

from __future__ import annotations

import base64
import hashlib
import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from edge.drivers.carrier.__main__ import Job, carry
from edge.drivers.carrier.places import NotCarried, Rules, find_place, is_allowed
from tests.drivers.file_servers import Shelf, certificate, ftp_server, web_server

CONTENT = random.Random(7).randbytes(300_000)
ALL = ["HTTP", "HTTPS", "FTP", "FTPS"]
Serve = Callable[..., AbstractContextManager[Shelf]]
LINES = [("http", web_server), ("ftp", ftp_server)]


def fetch(location: str, target: Path, **changes: Any) -> None:
    changes = {"protocols": ALL, "private_addresses": True, "stall_s": 2.0, **changes}
    look = changes.pop("look", None)
    job = Job(op="fetch", location=location, path=str(target), **changes)
    carry(job, lambda _: None, **({"look": look} if look else {}))


def deliver(location: str, source: Path, **changes: Any) -> None:
    changes = {"protocols": ALL, "private_addresses": True, "stall_s": 2.0, **changes}
    job = Job(op="deliver", location=location, path=str(source), name="log 1.gz", **changes)
    carry(job, lambda _: None)


def refusal(act: Callable[..., None], *arguments: Any, **options: Any) -> NotCarried:
    with pytest.raises(NotCarried) as caught:
        act(*arguments, **options)
    return caught.value


def path_of(scheme: str) -> str:
    return "/dir/image.bin" if scheme.startswith("http") else "dir/image.bin"


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_a_file_comes_whole(scheme: str, serve: Serve, tmp_path: Path) -> None:
    """Chapter 8: HTTP and FTP."""
    with serve(Shelf(files={path_of(scheme): CONTENT})) as shelf:
        fetch(f"{scheme}://127.0.0.1:{shelf.port}/dir/image.bin", tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["image"]


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_a_cut_download_goes_on_where_it_broke_off(
    scheme: str, serve: Serve, tmp_path: Path
) -> None:
    """8.1: the part that is here is not fetched again, and the whole is what was sent."""
    shelf = Shelf(files={path_of(scheme): CONTENT}, cut_after=150_000)
    with serve(shelf):
        location = f"{scheme}://127.0.0.1:{shelf.port}/dir/image.bin"
        assert refusal(fetch, location, tmp_path / "image").kind == "other"
        assert not (tmp_path / "image").exists()
        fetch(location, tmp_path / "image")
    assert shelf.offsets[0] == 0
    assert 0 < shelf.offsets[1] <= 150_000
    assert (tmp_path / "image").read_bytes() == CONTENT


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(
    scheme: str, serve: Serve, tmp_path: Path
) -> None:
    """Two halves of two versions are no firmware."""
    shelf = Shelf(files={path_of(scheme): CONTENT}, cut_after=150_000)
    with serve(shelf):
        location = f"{scheme}://127.0.0.1:{shelf.port}/dir/image.bin"
        refusal(fetch, location, tmp_path / "image")
        shelf.files[path_of(scheme)] = CONTENT[::-1]
        shelf.etag = '"v2"'
        fetch(location, tmp_path / "image")
    assert shelf.offsets == [0, 0]
    assert (tmp_path / "image").read_bytes() == CONTENT[::-1]


def test_a_part_of_another_file_is_not_gone_on_with(tmp_path: Path) -> None:
    """A new order has a new location."""
    shelf = Shelf(files={"/a": CONTENT, "/b": CONTENT[::-1]}, cut_after=150_000)
    with web_server(shelf):
        refusal(fetch, f"http://127.0.0.1:{shelf.port}/a", tmp_path / "image")
        fetch(f"http://127.0.0.1:{shelf.port}/b", tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == CONTENT[::-1]


def test_a_part_longer_than_the_file_is_dropped(tmp_path: Path) -> None:
    """416: begin anew."""
    shelf = Shelf(files={"/a": CONTENT}, cut_after=150_000)
    with web_server(shelf):
        location = f"http://127.0.0.1:{shelf.port}/a"
        refusal(fetch, location, tmp_path / "image")
        shelf.files["/a"] = b"short"
        fetch(location, tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == b"short"


def test_https_and_ftps_check_whom_they_talk_to(tmp_path: Path) -> None:
    """TLS: the host's certificate by a trusted authority, or nothing."""
    cert, context = certificate(tmp_path)
    source = tmp_path / "log"
    source.write_bytes(CONTENT)
    with (
        web_server(Shelf(files={"/a": CONTENT}), context) as web,
        ftp_server(Shelf(files={"a": CONTENT}), context) as ftp,
    ):
        for scheme, shelf in (("https", web), ("ftps", ftp)):
            location = f"{scheme}://localhost:{shelf.port}"
            fetch(f"{location}/a", tmp_path / scheme, ca_file=str(cert))
            assert (tmp_path / scheme).read_bytes() == CONTENT
            deliver(f"{location}/up", source, ca_file=str(cert))
            stranger = refusal(fetch, f"{location}/a", tmp_path / "x")
            assert "certificate" in str(stranger).lower()
            named = f"{scheme}://127.0.0.1:{shelf.port}/a"
            assert refusal(fetch, named, tmp_path / "x", ca_file=str(cert)).kind == "other"
    assert "PROT P" in ftp.seen
    assert web.files["/up/log%201.gz"] == ftp.files["up/log 1.gz"] == CONTENT


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_an_upload_arrives_under_its_name(scheme: str, serve: Serve, tmp_path: Path) -> None:
    """5.9: the location is a directory."""
    source = tmp_path / "log"
    source.write_bytes(CONTENT)
    with serve(Shelf()) as shelf:
        deliver(f"{scheme}://127.0.0.1:{shelf.port}/logs/here/", source)
    (arrived,) = shelf.files.items()
    assert arrived[0].strip("/").replace("%20", " ") == "logs/here/log 1.gz"
    assert hashlib.sha256(arrived[1]).digest() == hashlib.sha256(CONTENT).digest()


def test_a_signed_address_is_used_as_it_is(tmp_path: Path) -> None:
    """A store's signed URL names the object itself; another path would break the signature."""
    source = tmp_path / "log"
    source.write_bytes(b"words")
    with web_server(Shelf()) as shelf:
        deliver(f"http://127.0.0.1:{shelf.port}/bucket/x?sig=a%2Fb", source)
    assert shelf.files == {"/bucket/x?sig=a%2Fb": b"words"}


def test_logins_are_used(tmp_path: Path) -> None:
    """8.1: user:password@ in the location."""
    basic = "Basic " + base64.b64encode(b"u:p w").decode()
    with (
        web_server(Shelf(files={"/a": CONTENT}, login=basic)) as web,
        ftp_server(Shelf(files={"a": CONTENT}, login="p w")) as ftp,
    ):
        for scheme, shelf in (("http", web), ("ftp", ftp)):
            fetch(f"{scheme}://u:p%20w@127.0.0.1:{shelf.port}/a", tmp_path / scheme)
            wrong = f"{scheme}://u:x@127.0.0.1:{shelf.port}/a"
            assert refusal(fetch, wrong, tmp_path / "x").kind == "denied"


@pytest.mark.parametrize(
    ("status", "kind"), [(403, "denied"), (400, "malformed"), (405, "unsupported"), (500, "other")]
)
def test_a_far_end_that_refuses_is_quoted(status: int, kind: str, tmp_path: Path) -> None:
    """N01.FR.10: the reason as precise as possible."""
    source = tmp_path / "log"
    source.write_bytes(CONTENT)
    with web_server(Shelf(status=status)) as shelf:
        refused = refusal(deliver, f"http://127.0.0.1:{shelf.port}/", source)
    assert (refused.kind, str(status) in str(refused)) == (kind, True)


@pytest.mark.parametrize(
    ("status", "kind"), [(553, "denied"), (502, "unsupported"), (452, "other")]
)
def test_an_ftp_server_that_refuses_is_quoted(status: int, kind: str, tmp_path: Path) -> None:
    """The same over FTP."""
    source = tmp_path / "log"
    source.write_bytes(CONTENT)
    with ftp_server(Shelf(status=status)) as shelf:
        assert refusal(deliver, f"ftp://127.0.0.1:{shelf.port}/", source).kind == kind


def test_a_redirect_within_the_host_is_followed_one_elsewhere_is_not(tmp_path: Path) -> None:
    """Security 3.3: nobody sends us on to our own network."""
    source = tmp_path / "log"
    source.write_bytes(CONTENT)
    with web_server(Shelf(files={"/new": CONTENT})) as shelf, web_server(Shelf()) as other:
        here = f"http://127.0.0.1:{shelf.port}/old"
        shelf.redirect = "/new"
        fetch(here, tmp_path / "image")
        shelf.redirect = "/new"
        deliver(here, source)
        assert shelf.files["/new"] == CONTENT
        elsewhere = (
            f"http://127.0.0.1:{other.port}/new",
            "http://169.254.169.254/latest/meta-data",
            "https://127.0.0.1/new",
            "file:///etc/passwd",
        )
        for trap in elsewhere:
            shelf.redirect = trap
            assert refusal(fetch, here, tmp_path / "x").kind == "denied"
        shelf.redirect = "http://127.0.0.1:x/"
        assert refusal(fetch, here, tmp_path / "x").kind == "other"
    assert other.seen == []


def test_redirects_come_to_an_end(tmp_path: Path) -> None:
    """A circle is no place."""

    class Circle(Shelf):
        @property
        def redirect(self) -> str:
            return "/again"

        @redirect.setter
        def redirect(self, _: str | None) -> None:
            pass

    with web_server(Circle()) as shelf:
        refused = refusal(fetch, f"http://127.0.0.1:{shelf.port}/a", tmp_path / "x")
    assert "without end" in str(refused)
    assert len(shelf.seen) == 4


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_too_large_a_file_is_refused(scheme: str, serve: Serve, tmp_path: Path) -> None:
    """Limits: the announced size, before the first byte."""
    with serve(Shelf(files={path_of(scheme): CONTENT})) as shelf:
        location = f"{scheme}://127.0.0.1:{shelf.port}/dir/image.bin"
        refused = refusal(fetch, location, tmp_path / "image", size_max=100_000)
    assert refused.kind == "denied"
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    """Limits: a size that nobody announced counts as well."""
    with web_server(Shelf(files={"/a": CONTENT}, endless=True)) as shelf:
        location = f"http://127.0.0.1:{shelf.port}/a"
        refused = refusal(fetch, location, tmp_path / "image", size_max=1_000_000)
    assert refused.kind == "denied"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_a_server_that_says_nothing_is_left(scheme: str, serve: Serve, tmp_path: Path) -> None:
    """Limits: silence lasts `stall_s`."""
    shelf = Shelf(files={path_of(scheme): CONTENT}, stall=threading.Event())
    with serve(shelf):
        location = f"{scheme}://127.0.0.1:{shelf.port}/dir/image.bin"
        refused = refusal(fetch, location, tmp_path / "image", stall_s=0.2)
    assert refused.kind == "other"


def test_a_missing_file_and_a_dead_host_are_told(tmp_path: Path) -> None:
    """The reason reaches the log."""
    with web_server(Shelf()) as shelf, ftp_server(Shelf()) as ftp:
        assert "404" in str(refusal(fetch, f"http://127.0.0.1:{shelf.port}/a", tmp_path / "x"))
        assert "550" in str(refusal(fetch, f"ftp://127.0.0.1:{ftp.port}/a", tmp_path / "x"))
    for scheme in ("http", "ftp"):
        dead = refusal(fetch, f"{scheme}://127.0.0.1:{shelf.port}/a", tmp_path / "x")
        assert "127.0.0.1" in str(dead)


@pytest.mark.parametrize(("scheme", "serve"), LINES)
def test_a_name_is_looked_up_once_and_the_answer_is_where_we_connect(
    scheme: str, serve: Serve, tmp_path: Path
) -> None:
    """DNS rebinding: the second answer, wherever it points, is never asked for."""
    answers = ["127.0.0.1", "127.0.0.9"]

    def rebinding(_host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (answers.pop(0), port))]

    with serve(Shelf(files={path_of(scheme): CONTENT})) as shelf:
        location = f"{scheme}://firmware.example:{shelf.port}/dir/image.bin"
        fetch(location, tmp_path / "image", look=rebinding)
    assert answers == ["127.0.0.9"]
    assert (tmp_path / "image").read_bytes() == CONTENT
    if scheme == "http":
        assert shelf.seen[0].endswith(f" firmware.example:{shelf.port}")


def test_the_next_address_of_a_name_is_tried(tmp_path: Path) -> None:
    """A host may have an address that nobody answers at."""

    def two(_host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    with web_server(Shelf(files={"/a": CONTENT})) as shelf:
        fetch(f"http://two.example:{shelf.port}/a", tmp_path / "image", look=two)
    assert (tmp_path / "image").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%1"]
)
def test_a_name_with_one_address_inside_is_refused(address: str) -> None:
    """Security 3.3: the metadata service hides behind any name."""

    def mixed(_host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (each, port)) for each in ("93.184.216.34", address)]

    with pytest.raises(NotCarried) as caught:
        find_place("https://example.org/a", Rules(protocols=frozenset({"https"})), mixed)
    assert caught.value.kind == "denied"


@pytest.mark.parametrize(
    ("address", "outside", "inside"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("192.168.1.7", False, True),
        ("fd00::7", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("64:ff9b::a00:1", False, True),
        ("64:ff9b::5db8:d822", True, True),
        ("2002:7f00:1::1", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("255.255.255.255", False, False),
        ("240.0.0.1", False, False),
        ("100.64.0.1", False, False),
        ("nonsense", False, False),
    ],
)
def test_addresses_are_sorted_into_outside_inside_and_never(
    address: str, outside: bool, inside: bool
) -> None:
    """Private ones by explicit setting, link-local ones never, whatever they are wrapped in."""
    assert is_allowed(address, private=False) is outside
    assert is_allowed(address, private=True) is inside


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("file:///etc/passwd", "unsupported"),
        ("gopher://example.org/", "unsupported"),
        ("http://example.org/", "unsupported"),
        ("nonsense", "unsupported"),
        ("https:///no-host", "malformed"),
        ("https://example.org:99999/", "malformed"),
        ("https://example.org/a b", "malformed"),
        ("https://example.org/\r\nHost: x", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://example.org/" + "a" * 3000, "malformed"),
    ],
)
def test_locations_that_are_none_are_refused(location: str, kind: str) -> None:
    """Only what the installer allows (HTTPS and FTPS by default), and only URLs."""
    rules = Rules(protocols=frozenset({"https", "ftps"}))
    with pytest.raises(NotCarried) as caught:
        find_place(location, rules, lambda *_, **__: [])
    assert caught.value.kind == kind


def test_a_host_without_an_address_is_told() -> None:
    """A typing error in a name is the commonest of all."""

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise OSError("Name or service not known")

    rules = Rules(protocols=frozenset({"https"}))
    for look in (unknown, lambda *_, **__: []):
        with pytest.raises(NotCarried, match=r"example\.org has no address"):
            find_place("https://example.org/", rules, look)


def test_an_ftp_path_with_a_line_break_is_refused(tmp_path: Path) -> None:
    """%0d%0a would smuggle a command."""
    with ftp_server(Shelf()) as shelf:
        location = f"ftp://127.0.0.1:{shelf.port}/a%0d%0aDELE%20b"
        assert refusal(fetch, location, tmp_path / "x").kind == "malformed"
    assert not any("DELE" in line for line in shelf.seen)
