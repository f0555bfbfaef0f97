"""Passwords by argon2id, in a thread of their own: one costs some 40 ms and 19 MiB."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from csms_lite.errors import TooMany

T = TypeVar("T")

MAX_WAITING: Final = 50  # two seconds of work; whoever comes then would give up before his turn
WITHIN_S: Final = 10.0  # a machine so busy should rather say so

HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$bm9ib2R5IG5vYm9keSBubw$H4sIAAAAAAAAA8tIzcnJVyjPL8pJAQCFEUoNCwAAAAA"
)
"""A hash that nothing matches: an unknown name costs as much as a known one."""


class Passwords:
    """Makes and checks hashes, one at a time."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """Hash a password; raises `TooMany` when too many wait."""
        return await self._run(lambda: hash_password(password))

    async def match(self, stored: str | None, password: str) -> bool:
        """Say whether a password is the stored one's; equally slow when there is none."""
        return await self._run(lambda: is_password(stored, password))

    async def _run(self, job: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise TooMany("too many sign in at once: try again", retry_after_s=2)
        self._waiting += 1
        try:
            async with asyncio.timeout(WITHIN_S):
                return await asyncio.get_running_loop().run_in_executor(self._thread, job)
        except TimeoutError as failure:
            raise TooMany("this machine is too busy: try again", retry_after_s=5) from failure
        finally:
            self._waiting -= 1


@contextmanager
def password_thread() -> Iterator[Passwords]:
    """Give `Passwords` whose thread ends with the block."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2") as thread:
        yield Passwords(thread)


def hash_password(password: str) -> str:
    """Hash a password here and now: for the command line."""
    return HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Check a password here and now."""
    try:
        HASHER.verify(stored or NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
