"""How often one may try: by address, by account, over all, and in bounded memory."""

from __future__ import annotations

import pytest

from csms_lite.accounts.limits import MAX_BUCKETS, Limit, Rate, SignInLimits
from csms_lite.errors import TooMany
from tests.csms_lite.accounts.house import PASSWORD, HandClock, House


def taken(limit: Limit, key: str = "") -> bool:
    """Whether a try was let through."""
    try:
        limit.take(key)
    except TooMany:
        return False
    return True


def test_a_limit_lets_so_many_through_and_says_when_again() -> None:
    """Five at once, then one every twelve seconds; a refused try costs nothing."""
    clock = HandClock()
    limit = Limit(clock, "tries", Rate(5, 60))
    assert [taken(limit) for _ in range(7)] == [True] * 5 + [False] * 2
    with pytest.raises(TooMany, match="try again in 12 s") as refused:
        limit.take()
    assert refused.value.retry_after_s == 12
    clock.forward(11)
    assert not taken(limit)
    clock.forward(1)
    assert [taken(limit), taken(limit)] == [True, False]
    assert taken(limit, "another")


def test_a_limit_forgets_whom_it_has_not_seen_for_long() -> None:
    """Memory is bounded whatever names are tried."""
    limit = Limit(HandClock(), "tries", Rate(1, 60))
    for number in range(MAX_BUCKETS + 1):
        assert taken(limit, str(number))
    assert len(limit._buckets) == MAX_BUCKETS
    assert not taken(limit, "1")
    assert taken(limit, "0")


def test_one_address_cannot_use_up_what_all_share() -> None:
    """Its own limit comes first and is not counted against the others."""
    limits = SignInLimits(HandClock())
    for number in range(400):
        try:
            limits.take("192.0.2.1", f"{number}@example.org")
        except TooMany:
            continue
    limits.take("192.0.2.2", "ana@example.org")


def test_names_come_no_faster_than_all_may_try() -> None:
    """Else somebody could have a name forgotten, and try it anew."""
    limits = SignInLimits(HandClock())
    for number in range(400):
        try:
            limits.take(f"192.0.2.{number}", f"{number}@example.org")
        except TooMany:
            continue
    assert len(limits._by_account._buckets) == 300


async def test_a_password_is_guessed_five_times_a_minute(house: House) -> None:
    """From however many addresses; the right one must wait as well. The answer says how long."""
    await house.add("ana@example.org")

    async def tried(number: int, password: str) -> int:
        answer = await house.client(address=f"192.0.2.{number}").post(
            "/api/auth/login", json={"email": "Ana@example.org", "password": password}
        )
        if answer.status_code == 429:
            assert answer.headers["retry-after"] == "12"
            assert answer.json()["title"] == "Too many requests"
        return answer.status_code

    assert [await tried(one, "guess") for one in range(5)] == [401] * 5
    assert await tried(6, "guess") == 429
    assert await tried(7, PASSWORD) == 429
    house.clock.forward(12)
    assert await tried(8, PASSWORD) == 200


async def test_one_address_tries_twenty_accounts_a_minute(house: House) -> None:
    """Spraying one password over many names is slow as well, by either route."""
    answers = []
    for number in range(21):
        name = f"{number}@example.org"
        if number % 2:
            sent = house.client().post("/api/auth/login", json={"email": name, "password": "guess"})
        else:
            sent = house.client().post(
                "/api/auth/token", data={"username": name, "password": "guess"}
            )
        answers.append((await sent).status_code)
    assert answers == [401] * 20 + [429]


async def test_new_accounts_are_made_ten_an_hour_by_one_address(house: House) -> None:
    """Else somebody fills the table."""
    answers = []
    for number in range(11):
        body = {"email": f"{number}@x.org", "name": "N", "surname": "S", "password": PASSWORD}
        answers.append((await house.client().post("/api/auth/register", json=body)).status_code)
    assert answers == [201] * 10 + [429]
