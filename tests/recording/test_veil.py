"""Nothing that must stay secret gets into a recording, and equal things stay equal."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.access import Access
from edge.core.commands import ChangeConfiguration
from edge.core.effects import UseAccess, Write
from edge.core.events import CallReceived, TagPresented
from edge.core.file_commands import GetDiagnostics
from edge.core.records import ConfigurationChanged
from edge.core.state import tag_key
from edge.core.wishes import TransferAsked
from edge.core.x509 import Credential
from edge.recording import codec
from edge.recording.codec import Codec
from edge.recording.veil import SECRET_KEYS, Veil
from tests.core.bench import ALICE, BOB, NOON, at
from tests.recording.values import KINDS

VEIL = Veil(b"k" * 24)
PASSWORD = "0123456789ABCDEF0123456789ABCDEF"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\n"


def veiled(value: Any) -> str:
    return json.dumps(Codec(VEIL).encode(value), default=str)


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_cards_are_one_behind_the_veil_if_they_were_one(one: str, other: str) -> None:
    """CiString: case does not tell cards apart, here or there."""
    same = tag_key(one) == tag_key(other)
    assert (tag_key(VEIL.tag(one)) == tag_key(VEIL.tag(other))) is same
    assert tag_key(VEIL.tag(one)) == VEIL.tag(tag_key(one))


def test_an_alias_fits_where_a_tag_does() -> None:
    """IdToken has twenty characters (CiString20)."""
    assert re.fullmatch(r"CARD[0-9A-F]{12}", VEIL.tag(ALICE))
    assert VEIL.tag(ALICE) != VEIL.tag(BOB)


def test_another_process_has_other_aliases() -> None:
    """A UID is short: whoever knew the key could try them all."""
    assert Veil(b"other" * 4).tag(ALICE) != VEIL.tag(ALICE)


@given(st.text(max_size=40))
def test_a_secret_is_as_valid_behind_the_veil(text: str) -> None:
    """Length and make decide whether a key is taken: the decision must stay."""
    hidden = VEIL.secret(text)
    assert len(hidden) == len(text)
    digits = set("0123456789abcdefABCDEF")
    assert [letter in digits for letter in hidden] == [letter in digits for letter in text]
    assert hidden.isalnum() == text.isalnum()


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (TagPresented(at=at(1), id_tag=ALICE), ALICE),
        (
            CallReceived(
                at=at(1),
                call_id=1,
                command=ChangeConfiguration(key="authorizationkey", value=PASSWORD),
            ),
            PASSWORD,
        ),
        (Write(record=ConfigurationChanged(key="AuthorizationKey", value=PASSWORD)), PASSWORD),
        (UseAccess(attempts=(Access(profile=1, key=PASSWORD),), reconnect=True), PASSWORD),
        (
            UseAccess(
                attempts=(
                    Access(
                        credential=Credential(chain="", key=PEM, not_before=NOON, not_after=NOON)
                    ),
                ),
                reconnect=True,
            ),
            "MHcCAQ",
        ),
        (TransferAsked(at=at(1), number=1, vendor_id="V", data="my card is 1234"), "1234"),
        (
            CallReceived(
                at=at(1), call_id=1, command=GetDiagnostics(location="ftp://me:pass@host/a")
            ),
            "me:pass",
        ),
    ],
)
def test_no_secret_is_written(value: Any, secret: str) -> None:
    """AuthorizationKey, private keys, logins, cards, and what vendors tell each other."""
    assert secret in json.dumps(Codec().encode(value), default=str)
    assert secret not in veiled(value)


def test_other_settings_are_written() -> None:
    """A replay needs them."""
    said = Write(record=ConfigurationChanged(key="HeartbeatInterval", value="60"))
    assert Codec(VEIL).encode(said) == Codec().encode(said)


def test_a_private_key_where_none_belongs_is_swept_out() -> None:
    """In a chain, or in what an error tells."""
    line = json.dumps({"chain": f"abc{PEM}"})
    assert "MHcCAQ" not in VEIL.swept(line)
    assert json.loads(VEIL.swept(line)) == {"chain": "abc(private key)"}


def known() -> set[type]:
    """Every dataclass that a recording may hold."""
    found: set[type] = set()

    def dig(hint: Any) -> None:
        if isinstance(hint, type) and is_dataclass(hint) and hint not in found:
            found.add(hint)
            for inner in typing.get_type_hints(hint).values():
                dig(inner)
        for inner in typing.get_args(hint):
            dig(inner)

    for kind in KINDS:
        dig(kind)
    return found


def test_every_field_that_holds_a_card_is_veiled() -> None:
    """By its name: whoever adds one learns here that it needs an alias."""
    cards = codec._TAGS | codec._LISTED | codec._BY_TAG
    texts = {str, str | None, tuple[str, ...]}
    named = {
        f"{kind.__name__}.{field.name}"
        for kind in known()
        for field in fields(kind)
        if re.search(r"tag|token|keeper|uid|card", field.name)
        and typing.get_type_hints(kind)[field.name] in texts
        and field.name not in cards
    }
    assert named == set()


def test_every_secret_key_is_veiled() -> None:
    """AuthorizationKey is one, and a later one is by its kind."""
    assert "authorizationkey" in SECRET_KEYS
    assert "heartbeatinterval" not in SECRET_KEYS


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ('[2,"a","Heartbeat",{}]', '[2,"a","Heartbeat",{}]'),
        (f'[2,"a","X",{{"idTag":"{ALICE}"}}]', f'[2,"a","X",{{"idTag":"{VEIL.tag(ALICE)}"}}]'),
        (
            '[2,"a","X",{"a":[{"IdTag":"B","parentIdTag":"C"}]}]',
            f'[2,"a","X",{{"a":[{{"IdTag":"{VEIL.tag("B")}","parentIdTag":"{VEIL.tag("C")}"}}]}}]',
        ),
        ('[2,"a","X",{"data":"abc"}]', '[2,"a","X",{"data":"(3 characters)"}]'),
        (
            '[2,"a","X",{"location":"ftp://me:pass@host"}]',
            '[2,"a","X",{"location":"ftp://***@host"}]',
        ),
        ("rubbish", "(no JSON, 7 characters)"),
        (b"\xff\xfe", "(no JSON, 2 characters)"),
        ("[" * 60_000, "(no JSON, 60000 characters)"),
        ("[" + "1," * 40_000 + "1]", "(80003 characters)"),
        ("\n", "(no JSON, 1 characters)"),
    ],
)
def test_a_frame_shows_no_more_than_it_may(frame: str | bytes, shown: str) -> None:
    """Whoever writes frames is hostile: they have a bound and stay on their line."""
    assert VEIL.frame(frame) == shown


def test_a_password_in_a_frame_is_veiled() -> None:
    """ChangeConfiguration carries it in clear (whitepaper 7.2)."""
    frame = f'[2,"a","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{PASSWORD}"}}]'
    assert PASSWORD not in VEIL.frame(frame)
    assert VEIL.secret(PASSWORD) in VEIL.frame(frame)


def test_a_long_frame_is_cut() -> None:
    """The events hold all that counts."""
    shown = VEIL.frame(json.dumps([2, "a", "X", {"a": "b" * 50_000}]))
    assert len(shown) < 2100
    assert shown.endswith("characters)")


def test_every_mapping_by_card_is_veiled() -> None:
    """A role's card stands in the key: whoever maps texts to something says here by what."""
    by_setting = {"details", "defaults", "overrides", "configuration"}
    by_text = {
        field.name
        for kind in known()
        for field in fields(kind)
        if typing.get_origin(typing.get_type_hints(kind)[field.name]) is Mapping
        and typing.get_args(typing.get_type_hints(kind)[field.name])[0] is str
    }
    assert by_text == codec._BY_TAG | by_setting
