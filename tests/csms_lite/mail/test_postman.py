"""Mails against a server that answers as servers do: taken, later, never, not from you."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from csms_lite.errors import NotSetUp
from csms_lite.mail import service
from csms_lite.mail.postman import Postman
from csms_lite.mail.rules import Mail, Reply, Stage, State, judge
from csms_lite.mail.smtp import MailServer, trust_of
from csms_lite.mail.text import compose
from csms_lite.store.thread import open_database
from csms_lite.store.writer import Store, open_store
from edge.sim.authority import make_authority
from tests.csms_lite.accounts.house import HandClock
from tests.csms_lite.inline import lay_empty_database
from tests.csms_lite.mail.smtp_server import SmtpServer, credentials, smtp_server

LASTS_MS = 300_000


class Office:
    """A store, a clock and a postman who knows a server."""

    def __init__(self, store: Store, clock: HandClock, path: Path) -> None:
        self.store = store
        self.clock = clock
        self._path = path

    def postman(self, server: SmtpServer, **more: Any) -> Postman:
        told: dict[str, Any] = {"security": "none", "sender": "charge@example.org", **more}
        mail = MailServer(host="127.0.0.1", port=server.port, **told)
        return Postman(self.store, self.clock, send=mail.send, sender=mail.sender)

    async def put(self, *, lasts_ms: int = LASTS_MS, address: str = "ana@example.org") -> int:
        return await self.store.do(
            service.put,
            address=address,
            template="verify",
            language="en",
            values={"name": "Ana", "code": "123456"},
            is_to_somebody=True,
            now_ms=self.clock.now_ms(),
            lasts_ms=lasts_ms,
        )

    def row(self, mail_id: int) -> tuple[str, int, str | None, str | None]:
        with sqlite3.connect(self._path) as db:
            found: tuple[str, int, str | None, str | None] = db.execute(
                "SELECT state, tries, values_json, reply FROM outbox WHERE mail_id = ?", (mail_id,)
            ).fetchone()
        return found


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Office]:
    clock = HandClock()
    path = folder / "c.db"
    lay_empty_database(path)
    async with open_store(path, clock=clock, open_database=open_database) as store:
        yield Office(store, clock, path)


async def test_a_mail_arrives_whole_and_its_secrets_are_forgotten(tmp_path: Path) -> None:
    """Text and HTML, an id of its own, no answer wanted from machines."""
    async with opened(tmp_path) as office, smtp_server() as server:
        mail = await office.put()
        postman = office.postman(server, user="me", password="secret")
        await postman.deliver_due()
        await postman.deliver_due()
        assert len(server.taken) == 1
        assert office.row(mail) == ("sent", 1, None, "")
    taken = server.taken[0]
    assert (taken["To"], taken["From"]) == ("ana@example.org", "charge@example.org")
    assert taken["Subject"] == "123456 is your code"
    assert taken["Auto-Submitted"] == "auto-generated"
    assert str(taken["Message-ID"]).endswith("@example.org>")
    kinds = {part.get_content_type(): part.get_content() for part in taken.iter_parts()}
    assert set(kinds) == {"text/plain", "text/html"}
    assert all("123456" in text for text in kinds.values())
    assert "http" not in kinds["text/html"].replace("<!doctype html>", "")
    assert credentials(server.commands) == "\0me\0secret"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("CONNECT", "421 busy"),
        ("RCPT", "450 mailbox busy"),
        ("RCPT", "451 local trouble"),
        ("BODY", "452 no room"),
        ("AUTH", "454 passing trouble"),
        ("MAIL", "421 going down"),
        ("BODY", "451 later"),
    ],
)
async def test_a_passing_trouble_is_tried_again_after_a_minute(
    tmp_path: Path, command: str, reply: str
) -> None:
    """4xx: later, and then it arrives once."""
    async with opened(tmp_path) as office, smtp_server() as server:
        mail = await office.put()
        server.answers(command, reply)
        postman = office.postman(server, user="me", password="secret")
        await postman.deliver_due()
        assert office.row(mail)[0] == "waiting"
        office.clock.forward(59)
        await postman.deliver_due()
        assert server.taken == []
        office.clock.forward(1)
        await postman.deliver_due()
        assert len(server.taken) == 1
        assert office.row(mail)[:2] == ("sent", 2)


async def test_a_server_that_is_away_is_a_passing_trouble(tmp_path: Path) -> None:
    """And a code that would come too late is dropped, with what was in it."""
    async with opened(tmp_path) as office:
        async with smtp_server() as server:
            pass
        mail = await office.put()
        postman = office.postman(server)
        await postman.deliver_due()
        assert office.row(mail)[0] == "waiting"
        postman.check()
        office.clock.forward(300)
        await postman.deliver_due()
        assert office.row(mail)[:3] == ("dropped", 1, None)


@pytest.mark.parametrize("code", [550, 551, 553, 554])
async def test_an_address_that_is_none_is_marked(tmp_path: Path, code: int) -> None:
    """For thirty days; others go on."""
    async with opened(tmp_path) as office, smtp_server() as server:
        bad = await office.put(address="gone@example.org")
        good = await office.put()
        server.answers("RCPT", f"{code} no such user")
        await office.postman(server).deliver_due()
        assert office.row(bad)[:3] == ("refused", 1, None)
        assert office.row(good)[0] == "sent"
        now_ms = office.clock.now_ms()
        said = await office.store.read(service.refusal, "gone@example.org", now_ms)
        assert said == f"{code} no such user"
        later_ms = now_ms + 31 * 86_400_000
        assert await office.store.read(service.refusal, "gone@example.org", later_ms) is None
        assert await office.store.read(service.refusal, "ana@example.org", now_ms) is None


@pytest.mark.parametrize(("command", "reply"), [("BODY", "552 too large"), ("BODY", "554 spam")])
async def test_a_mail_that_is_not_wanted_marks_no_address(
    tmp_path: Path, command: str, reply: str
) -> None:
    """It is this mail that was refused, for ever."""
    async with opened(tmp_path) as office, smtp_server() as server:
        mail = await office.put()
        server.answers(command, reply)
        await office.postman(server).deliver_due()
        assert office.row(mail)[:3] == ("failed", 1, None)
        said = await office.store.read(service.refusal, "ana@example.org", office.clock.now_ms())
        assert said is None


@pytest.mark.parametrize(
    ("command", "reply"),
    [("AUTH", "535 bad credentials"), ("AUTH", "534 too weak"), ("MAIL", "550 not you")],
)
async def test_what_the_installer_must_mend_stops_everything_and_loses_nothing(
    tmp_path: Path, command: str, reply: str
) -> None:
    """535 again and again would have the account locked; the mails wait for the next start."""
    async with opened(tmp_path) as office, smtp_server() as server:
        first, second = await office.put(), await office.put()
        server.answers(command, reply)
        postman = office.postman(server, user="me", password="wrong")
        await postman.deliver_due()
        office.clock.forward(120)
        tried = len(server.commands)
        await postman.deliver_due()
        assert len(server.commands) == tried
        with pytest.raises(NotSetUp, match="refuses us"):
            postman.check()
        assert [office.row(one)[0] for one in (first, second)] == ["waiting", "waiting"]
        await office.postman(server, user="me", password="right").deliver_due()
        assert len(server.taken) == 2


@pytest.mark.parametrize("command", ["CONNECT", "MAIL", "RCPT", "BODY"])
async def test_what_a_server_says_in_another_alphabet_is_kept(tmp_path: Path, command: str) -> None:
    """Some still answer in Latin-1, which no database takes as it comes."""
    async with opened(tmp_path) as office, smtp_server() as server:
        mail = await office.put()
        server.answers(command, "550 Empf\xe4nger unbekannt")
        await office.postman(server).deliver_due()
        _, tries, _, reply = office.row(mail)
    assert tries == 1
    assert reply is not None
    assert "nger unbekannt" in reply


async def test_the_daily_limit_pauses_until_tomorrow(tmp_path: Path) -> None:
    """5.4.5: nothing is sent before the next day in UTC, and then everything."""
    async with opened(tmp_path) as office, smtp_server() as server:
        day_ms = 86_400_000
        lasts_ms = 2 * day_ms
        first = await office.put(lasts_ms=lasts_ms)
        await office.put(lasts_ms=lasts_ms, address="bob@example.org")
        server.answers("BODY", "550 5.4.5 Daily user sending limit exceeded")
        postman = office.postman(server)
        await postman.deliver_due()
        assert (len(server.taken), office.row(first)[0]) == (0, "waiting")
        left_ms = day_ms - office.clock.now_ms() % day_ms
        office.clock.forward((left_ms - 1000) / 1000)
        await postman.deliver_due()
        assert server.taken == []
        office.clock.forward(1)
        await postman.deliver_due()
        assert len(server.taken) == 2


async def test_a_try_is_counted_before_it_is_made(tmp_path: Path) -> None:
    """A mail that fails by a bug of ours is not tried in a loop."""

    async def dies(*_: Any) -> Reply | None:
        raise KeyError("a bug")

    async with opened(tmp_path) as office, smtp_server() as server:
        mail = await office.put()
        postman = Postman(office.store, office.clock, send=dies, sender="a@example.org")
        await postman.deliver_due()
        assert office.row(mail)[:2] == ("waiting", 1)
        await office.postman(server).deliver_due()
        assert server.taken == []
        office.clock.forward(60)
        await office.postman(server).deliver_due()
        assert len(server.taken) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_the_line_is_encrypted_and_the_server_known(tmp_path: Path, security: str) -> None:
    """Whoever stands in between is told no password: neither a stranger nor one without TLS."""
    at = dt.datetime.now(dt.UTC)
    authority = make_authority(tmp_path, "ours", at)
    stranger = make_authority(tmp_path, "another", at)
    kind = "tls" if security == "tls" else "starttls"
    served = authority.server(tmp_path, host="127.0.0.1", at=at)
    async with opened(tmp_path) as office, smtp_server(**{kind: served}) as server:
        await office.put(lasts_ms=LASTS_MS * 10)
        told: dict[str, Any] = {"security": security, "user": "me", "password": "secret"}
        postman = office.postman(server, trust=trust_of(stranger.file), **told)
        await postman.deliver_due()
        assert not [one for one in server.commands if one.startswith("AUTH")]
        office.clock.forward(60)
        await office.postman(server, trust=trust_of(authority.file), **told).deliver_due()
        assert len(server.taken) == 1
        await office.put()
        async with smtp_server() as plain:
            await office.postman(plain, trust=trust_of(authority.file), **told).deliver_due()
            assert plain.taken == []
            assert not [one for one in plain.commands if one.startswith("AUTH")]


def mail(**more: Any) -> Mail:
    made = Mail(1, "ana@example.org", "reset", "de-CH", "{}", 1, 0, 0, LASTS_MS)
    return made._replace(**more)


def test_the_waits_grow() -> None:
    """1, 5, 15, 60 minutes, then every hour."""
    waits = [
        judge(Reply(451, "", Stage.DATA), mail(tries=tries), 0).due_at_ms for tries in range(1, 7)
    ]
    assert waits == [minutes * 60_000 for minutes in (1, 5, 15, 60, 60, 60)]
    assert judge(Reply(0, "time-out", Stage.CONNECT), mail(), 0).state is State.WAITING


def test_a_name_is_no_markup_and_no_header() -> None:
    """What somebody calls himself is text in both parts, whatever it looks like."""
    values = '{"name":"<img src=x onerror=alert(1)> $code","code":"1","link":"https://x.org/a#b"}'
    made = compose(mail(values_json=values), "charge@example.org")
    html = made.get_body(("html",))
    assert html is not None
    assert "<img" not in html.get_content()
    assert "&lt;img" in html.get_content()
    assert made["Subject"] == "Ein neues Passwort"


def test_every_template_has_both_parts_in_every_language() -> None:
    """The same words are filled in, so that none is forgotten in one of them."""
    folder = Path(__file__).parents[3] / "csms_lite/mail/templates"
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(
        f"{name}.{language}.{kind}"
        for name in ("verify", "reset")
        for language in ("en", "de")
        for kind in ("txt", "html")
    )
    for name, words in (("verify", ["name", "code"]), ("reset", ["name", "code", "link"])):
        for path in folder.glob(f"{name}.*"):
            assert all(f"${word}" in path.read_text() for word in words), path


async def test_a_mail_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    """A bug in one costs neither the others nor the process; it is tried again later."""
    async with opened(tmp_path) as here:
        taken: list[str] = []

        async def send(_message: Any, address: str) -> Reply | None:
            if address.startswith("odd"):
                raise RuntimeError("a bug")
            taken.append(address)
            return None

        odd = await here.put(address="odd@example.org")
        await here.put(address="ana@example.org")
        postman = Postman(here.store, here.clock, send=send, sender="charge@example.org")
        await postman.deliver_due()
        assert taken == ["ana@example.org"]
        assert here.row(odd)[:2] == ("waiting", 1)
