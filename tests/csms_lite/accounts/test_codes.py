"""Codes and links by mail: an address verified, a password replaced, and nothing given away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from csms_lite.accounts.codes import Purpose, sealer
from csms_lite.errors import SettingsError
from tests.csms_lite.accounts.house import PASSWORD, House, housed
from tests.csms_lite.mail.smtp_server import SmtpServer, smtp_server

NEW = "another good password"
ANA: dict[str, Any] = {
    "email": "ana@example.org",
    "name": "Ana",
    "surname": "Muster",
    "password": PASSWORD,
}


class Post:
    """A house whose mails arrive."""

    def __init__(self, house: House, server: SmtpServer) -> None:
        self.house = house
        self.server = server

    async def newest(self) -> EmailMessage:
        """Deliver what waits, and give the last mail."""
        await self.house.office.postman.deliver_due()
        return self.server.taken[-1]

    async def code(self) -> str:
        found = re.search(r"^\d{6}$", text_of(await self.newest()), re.MULTILINE)
        assert found is not None
        return found.group()

    async def token(self) -> str:
        found = re.search(r"/auth/reset#([0-9a-f]{64})", text_of(await self.newest()))
        assert found is not None
        return found.group(1)

    async def ask_reset(self, email: str = "ana@example.org", **more: Any) -> httpx.Response:
        return await self.house.client(**more).post("/api/auth/reset", json={"email": email})

    async def answer(self, **body: Any) -> int:
        body = {"password": NEW, **body}
        answer = await self.house.client().post("/api/auth/reset/answer", json=body)
        return answer.status_code

    async def login(self, password: str) -> int:
        self.house.clock.forward(12)
        body = {"email": "ana@example.org", "password": password}
        return (await self.house.client().post("/api/auth/login", json=body)).status_code


def text_of(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content()).replace("\r\n", "\n")


@asynccontextmanager
async def posted(folder: Path, **settings: Any) -> AsyncIterator[Post]:
    async with (
        smtp_server() as server,
        housed(
            folder,
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_security="none",
            mail_from="charge@example.org",
            public_url="https://charge.example.org/",
            **settings,
        ) as house,
    ):
        yield Post(house, server)


async def test_registering_sends_a_code_that_verifies(tmp_path: Path) -> None:
    """A18: six digits by mail, good once."""
    async with posted(tmp_path) as post:
        answer = await post.house.client().post("/api/auth/register", json=ANA)
        ana = post.house.client(answer.json()["access_token"])
        code = await post.code()
        typed = f" {code[:3]} {code[3:]} "
        done = await ana.post("/api/users/me/verification/answer", json={"code": typed})
        assert (done.status_code, done.json()["is_verified"]) == (200, True)
        assert (await ana.get("/api/users/me")).json()["first"] is None
        again = await ana.post("/api/users/me/verification")
        assert again.status_code == 409


async def test_a_code_is_tried_five_times(tmp_path: Path) -> None:
    """Then the right one is wrong as well, and a new one is needed."""
    async with posted(tmp_path) as post:
        answer = await post.house.client().post("/api/auth/register", json=ANA)
        ana = post.house.client(answer.json()["access_token"])
        code = await post.code()
        wrong = "000000" if code != "000000" else "111111"
        tried = [wrong] * 5 + [code]
        for one in tried:
            refused = await ana.post("/api/users/me/verification/answer", json={"code": one})
            assert refused.status_code == 403
        post.house.clock.forward(60)
        assert (await ana.post("/api/users/me/verification")).status_code == 202
        fresh = await post.code()
        done = await ana.post("/api/users/me/verification/answer", json={"code": fresh})
        assert done.status_code == 200


async def test_a_code_is_good_for_ten_minutes_and_only_the_newest(tmp_path: Path) -> None:
    """An old mail opens nothing."""
    async with posted(tmp_path) as post:
        answer = await post.house.client().post("/api/auth/register", json=ANA)
        ana = post.house.client(answer.json()["access_token"])
        codes = [await post.code()]
        post.house.clock.forward(60)
        await ana.post("/api/users/me/verification")
        codes.append(await post.code())
        assert codes[0] != codes[1]
        old = await ana.post("/api/users/me/verification/answer", json={"code": codes[0]})
        assert old.status_code == 403
        post.house.clock.forward(600)
        late = await ana.post("/api/users/me/verification/answer", json={"code": codes[1]})
        assert late.status_code == 403


async def test_a_code_is_for_one_address_and_one_purpose(tmp_path: Path) -> None:
    """Not for an address changed since, not for a password, not for somebody else."""
    async with posted(tmp_path) as post:
        answer = await post.house.client().post("/api/auth/register", json=ANA)
        ana = post.house.client(answer.json()["access_token"])
        code = await post.code()
        assert await post.answer(email="ana@example.org", code=code) == 403
        bob = ANA | {"email": "bob@example.org"}
        answer = await post.house.client().post("/api/auth/register", json=bob)
        stranger = post.house.client(answer.json()["access_token"])
        tried = await stranger.post("/api/users/me/verification/answer", json={"code": code})
        assert tried.status_code == 403
        body = {"email": "new@example.org", "password": PASSWORD}
        assert (await ana.put("/api/users/me/email", json=body)).status_code == 200
        tried = await ana.post("/api/users/me/verification/answer", json={"code": code})
        assert tried.status_code == 403


@pytest.mark.parametrize("by", ["link", "code"])
async def test_a_forgotten_password_is_replaced_once(tmp_path: Path, by: str) -> None:
    """D18-D20: the old one and every sign-in end, and the mail is used up, code and link."""
    async with posted(tmp_path) as post:
        await post.house.add("ana@example.org")
        ana = post.house.client((await post.house.sign_in("ana@example.org"))["access_token"])
        assert (await post.ask_reset("ANA@example.org")).status_code == 202
        token, code = await post.token(), await post.code()
        proof = {"token": token} if by == "link" else {"email": "ana@example.org", "code": code}
        assert await post.answer(**proof, password="short") == 422
        assert await post.answer(**proof) == 200
        assert (await ana.get("/api/users/me")).status_code == 401
        assert await post.answer(token=token) == 403
        assert await post.answer(email="ana@example.org", code=code) == 403
        assert [await post.login(PASSWORD), await post.login(NEW)] == [401, 200]
        trail = (await post.house.host.get("/api/audit")).json()
        assert trail[0]["action"] == "password_changed"
        assert trail[0]["actor"].endswith("by mail")


async def test_the_old_mailbox_opens_nothing_after_a_change_of_address(tmp_path: Path) -> None:
    """Who still reads it must not get the account back by a link from before."""
    async with posted(tmp_path) as post:
        ana = await post.house.as_("ana@example.org")
        await post.ask_reset()
        token, code = await post.token(), await post.code()
        body = {"email": "new@example.org", "password": PASSWORD}
        assert (await ana.put("/api/users/me/email", json=body)).status_code == 200
        assert await post.answer(token=token) == 403
        assert await post.answer(email="ana@example.org", code=code) == 403


async def test_two_uses_of_a_link_at_once_are_one(tmp_path: Path) -> None:
    """The transaction decides."""
    async with posted(tmp_path) as post:
        await post.house.add("ana@example.org")
        await post.ask_reset()
        token = await post.token()
        done = await asyncio.gather(post.answer(token=token), post.answer(token=token))
        assert sorted(done) == [200, 403]


async def test_a_link_is_good_for_half_an_hour(tmp_path: Path) -> None:
    """Longer than the code, which is easier to guess; the newest kills it."""
    async with posted(tmp_path) as post:
        await post.house.add("ana@example.org")
        await post.ask_reset()
        first = await post.token()
        post.house.clock.forward(60)
        await post.ask_reset()
        second, code = await post.token(), await post.code()
        assert await post.answer(token=first) == 403
        post.house.clock.forward(1739)
        assert await post.answer(email="ana@example.org", code=code) == 403
        assert await post.answer(token=second) == 200
        post.house.clock.forward(60)
        await post.ask_reset()
        third = await post.token()
        post.house.clock.forward(1800)
        assert await post.answer(token=third) == 403


async def test_nobody_learns_who_has_an_account(tmp_path: Path) -> None:
    """Same answer, same rows, same limits; only no mail, and no code that works."""
    async with posted(tmp_path) as post:
        await post.house.add("ana@example.org")
        off = await post.house.add("off@example.org")
        await post.house.host.patch(f"/api/users/{off}", json={"is_disabled": True})
        answers = [await post.ask_reset(f"{name}@example.org") for name in ("ana", "bob", "off")]
        assert {one.status_code for one in answers} == {202}
        assert len({one.text for one in answers}) == 1
        await post.newest()
        assert [mail["To"] for mail in post.server.taken] == ["ana@example.org"]
        soon = [await post.ask_reset(f"{name}@example.org") for name in ("ana", "bob")]
        assert [one.status_code for one in soon] == [429, 429]
        assert soon[0].text == soon[1].text


async def test_mails_are_limited_by_mailbox_and_by_address(tmp_path: Path) -> None:
    """A17: one a minute and five an hour to anybody, twenty an hour from anywhere."""
    async with posted(tmp_path) as post:
        answers = []
        for number in range(6):
            answers.append((await post.ask_reset(address=f"192.0.2.{number}")).status_code)
            post.house.clock.forward(60)
        assert answers == [202] * 5 + [429]
        answers = []
        for number in range(21):
            one = await post.ask_reset(f"{number}@example.org", address="198.51.100.1")
            answers.append(one.status_code)
        assert answers == [202] * 20 + [429]


async def test_codes_are_guessed_thirty_times_an_hour_by_one_address(tmp_path: Path) -> None:
    """Over however many mailboxes."""
    async with posted(tmp_path) as post:
        answers = [await post.answer(email=f"{n}@example.org", code="000000") for n in range(31)]
        assert answers == [403] * 30 + [429]


async def test_without_a_mail_server_the_routes_say_so(house: House) -> None:
    """503 with what to set, whether there is an account or not; registration works."""
    answer = await house.client().post("/api/auth/register", json=ANA)
    assert answer.status_code == 201
    ana = house.client(answer.json()["access_token"])
    for refused in (
        await ana.post("/api/users/me/verification"),
        await house.client().post("/api/auth/reset", json={"email": "ana@example.org"}),
        await house.client().post("/api/auth/reset", json={"email": "bob@example.org"}),
    ):
        assert refused.status_code == 503
        assert "SMTP_HOST" in refused.json()["detail"]


async def test_an_address_that_its_server_refuses_is_told_to_its_owner(tmp_path: Path) -> None:
    """He mistyped it at registration, and waits for a code that cannot come."""
    async with posted(tmp_path) as post:
        post.server.answers("RCPT", "550 no such user")
        answer = await post.house.client().post("/api/auth/register", json=ANA)
        ana = post.house.client(answer.json()["access_token"])
        await post.house.office.postman.deliver_due()
        post.house.clock.forward(60)
        told = await ana.post("/api/users/me/verification")
        assert told.status_code == 409
        assert "550 no such user" in told.json()["detail"]


async def test_the_page_of_a_link_tells_the_token_to_nobody(house: House) -> None:
    """No referrer, no cache, nothing inline; the token is after the # and never sent."""
    page = await house.client().get("/auth/reset")
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "style=" not in page.text
    assert re.findall(r"<script(.*?)>(.*?)</script>", page.text) == [
        (' src="/auth/reset.js" defer', "")
    ]
    script = await house.client().get("/auth/reset.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "location.hash" in script.text


async def test_neither_code_nor_token_is_kept_as_it_is(tmp_path: Path) -> None:
    """After the mail has gone, the database does not have them."""
    async with posted(tmp_path) as post:
        await post.house.add("ana@example.org")
        await post.ask_reset()
        token, code = await post.token(), await post.code()
        found = await post.house.store.read(_texts)
        assert token not in found
        assert not re.search(rf"\b{code}\b", found)


def _texts(db: Any) -> str:
    rows = [db.exec_driver_sql(f"SELECT * FROM {table}").all() for table in TABLES]
    return str(rows)


TABLES = ("mail_codes", "outbox", "audit")


def test_a_seal_differs_by_purpose_address_and_key() -> None:
    """So that no code can be moved to another row, and the database alone is no help."""
    seals = {
        sealer(key)(purpose, address, "123456")
        for key in (b"a" * 32, b"b" * 32)
        for purpose in Purpose
        for address in ("a@x.org", "b@x.org")
    }
    assert len(seals) == 8


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"smtp_host": "smtp.example.org"}, "mail_from and public_url"),
        ({"mail_from": "Charge <charge@example.org>"}, "one plain address"),
        ({"smtp_security": "none"}, "127.0.0.1 only"),
        ({"smtp_ca_file": "missing.pem"}, "smtp_ca_file"),
    ],
)
async def test_half_a_mail_server_stops_the_start(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    """The installer learns which setting, not the first driver."""
    given: dict[str, Any] = {"smtp_host": "smtp.example.org"}
    if "smtp_host" not in settings:
        given |= {"mail_from": "charge@example.org", "public_url": "https://x.org"} | settings
    with pytest.raises(SettingsError, match=said):
        async with housed(tmp_path, **given):
            pass
