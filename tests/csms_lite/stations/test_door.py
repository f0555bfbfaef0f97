"""Who is let in, as a table: what is shown against what is needed."""

from __future__ import annotations

import pytest

from csms_lite.errors import Unacceptable
from csms_lite.stations.door import Door, Entry, HouseRules, Knock, Refusal, Waiting, judge
from csms_lite.stations.keys import Key, as_bytes, digest, matching

OPEN = HouseRules(is_loopback=False, accept_unknown=True)
LOOPBACK = HouseRules(is_loopback=True, accept_unknown=False)
ABROAD = HouseRules(is_loopback=False, accept_unknown=False)
OLD, NEW = "00112233445566778899aabbccddeeff00112233", "ff" * 20
SALT = "5a" * 16
KEYS = (Key(1, SALT, digest(as_bytes(OLD), SALT)), Key(2, SALT, digest(as_bytes(NEW), SALT)))

NOTHING = Knock(identity="CP-1")
PLAIN = Knock(identity="CP-1", username="CP-1", password=OLD.encode())
WRONG = Knock(identity="CP-1", username="CP-1", password=b"00" * 20)
OTHER = Knock(identity="CP-1", username="CP-2", password=OLD.encode())
SECURE = Knock(identity="CP-1", is_tls=True, username="CP-1", password=bytes.fromhex(NEW))
OWN = Knock(identity="CP-1", is_tls=True, certificate_name="CP-1")
FOREIGN = Knock(identity="CP-1", is_tls=True, certificate_name="CP-2")
NAMELESS = Knock(identity="CP-1", is_tls=True, certificate_name="")


def door(profile: int | None, came: int = 0, keys: tuple[Key, ...] = KEYS) -> Door:
    return Door(1, profile, came, keys)


@pytest.mark.parametrize(
    ("knock", "known", "house", "verdict"),
    [
        (NOTHING, None, OPEN, Entry(0)),
        (PLAIN, None, ABROAD, Refusal.UNKNOWN),
        (OWN, None, ABROAD, Refusal.UNKNOWN),
        # profile 0 is what an operator has set, or nobody has decided and this machine is alone
        (NOTHING, door(0), ABROAD, Entry(0)),
        (NOTHING, door(None, keys=()), LOOPBACK, Entry(0)),
        (PLAIN, door(None, keys=()), LOOPBACK, Entry(0)),
        (NOTHING, door(None, keys=()), ABROAD, Refusal.NO_KEY),
        (NOTHING, door(None, keys=()), OPEN, Entry(0)),
        (NOTHING, door(None), LOOPBACK, Refusal.NO_KEY),
        (PLAIN, door(1, keys=()), ABROAD, Refusal.WRONG_KEY),
        # profile 1: the key, with the id as name; all that are valid
        (PLAIN, door(1), ABROAD, Entry(1, 1)),
        (PLAIN, door(0), ABROAD, Entry(1, 1)),
        (WRONG, door(0), ABROAD, Refusal.WRONG_KEY),
        (WRONG, door(1), ABROAD, Refusal.WRONG_KEY),
        (OTHER, door(1), ABROAD, Refusal.OTHER_NAME),
        (NOTHING, door(1), ABROAD, Refusal.NO_KEY),
        # profile 2: the key over TLS; once come so, never lower again (TC_083)
        (SECURE, door(1), ABROAD, Entry(2, 2)),
        (PLAIN, door(2), ABROAD, Refusal.TOO_LOW),
        (PLAIN, door(1, came=2), ABROAD, Refusal.TOO_LOW),
        (NOTHING, door(0, came=1), ABROAD, Refusal.NO_KEY),
        (PLAIN, door(1, came=2), OPEN, Refusal.TOO_LOW),
        # profile 3: a certificate of its own name, and nothing else will do (TC_087)
        (OWN, door(3), ABROAD, Entry(3)),
        (OWN, door(1), ABROAD, Entry(3)),
        (FOREIGN, door(0), ABROAD, Refusal.OTHER_CERTIFICATE),
        (NAMELESS, door(3), ABROAD, Refusal.OTHER_CERTIFICATE),
        (SECURE, door(3), ABROAD, Refusal.TOO_LOW),
    ],
)
def test_the_door_opens_for_what_is_needed(
    knock: Knock, known: Door | None, house: HouseRules, verdict: Entry | Refusal
) -> None:
    """Security whitepaper, profiles 0 to 3."""
    assert judge(knock, known, house) == verdict


def test_a_stranger_waits_on_this_machine_only() -> None:
    """Beyond it nobody learns that an id is not known."""
    assert isinstance(judge(NOTHING, None, LOOPBACK), Waiting)
    assert judge(NOTHING, None, ABROAD) is Refusal.UNKNOWN


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        (OLD.encode(), 1),
        (OLD.upper().encode(), 1),
        (bytes.fromhex(OLD), 1),
        (bytes.fromhex(NEW), 2),
        (NEW.encode()[:-2], None),
        (b"", None),
    ],
)
def test_a_key_is_the_same_in_bytes_and_in_digits(shown: bytes, number: int | None) -> None:
    """Stations send either (OCPP-J 6.2.2, ruling 38)."""
    found = matching(shown, KEYS)
    assert (found.number if found else None) == number


def test_plain_words_of_the_field_are_keys_too() -> None:
    """16 characters that are no hexadecimal digits are taken as they are."""
    kept = (Key(1, SALT, digest(as_bytes("sixteen letters!"), SALT)),)
    assert matching(b"sixteen letters!", kept) is not None


@pytest.mark.parametrize("key", ["short", "x" * 41, "schlüssel-schlüssel", "tab\tin a key of 20"])
def test_what_cannot_be_a_key_is_refused(key: str) -> None:
    """Too short is guessed, too long is not sent by OCPP."""
    with pytest.raises(Unacceptable, match="16 to 40"):
        as_bytes(key)
