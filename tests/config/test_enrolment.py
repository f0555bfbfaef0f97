"""An enrolment line is understood or refused; edge.toml keeps its author's words."""

from __future__ import annotations

import json
import tomllib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csms_lite.enrol_line import enrol_line
from edge.config.enrolment import LINE_MOST, changed, read_line
from edge.errors import ConfigError

KEY = "00112233445566778899aabbccddeeff00112233"
CA = "ab" * 32
GOOD = {"id": "CP-1", "url": "wss://csms.example:9000/ocpp", "key": KEY}

TOML = """# our garage
hardware = "real"

[station] # who we are
id = "OLD"          # the sticker
vendor = "V"

[csms]
url = 'ws://127.0.0.1:9000/ocpp'   # the station's id is appended
ping_timeout_s = 30

[connectors.1.evse]
kind = "gpio"
url = "not that one"
"""


def line(**parts: str) -> str:
    return f"tapwatt:enrol?{urlencode(GOOD | parts)}"


def test_both_ends_mean_the_same_line() -> None:
    """What the central system prints is what the charging point reads."""
    said = read_line(enrol_line("CP-1", "wss://[fd00::1]:9000/ocpp/", KEY, CA) + "\n")
    assert (said.station, said.url, said.key) == ("CP-1", "wss://[fd00::1]:9000/ocpp", KEY)
    assert said.fingerprint == CA
    assert said.address == ("fd00::1", 9000)
    assert read_line(line()).fingerprint is None
    assert read_line(line(url="wss://csms.example/ocpp")).address == ("csms.example", 443)
    assert read_line(line(url="ws://127.0.0.1/ocpp")).address == ("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("", "no enrolment line"),
        ("https://example.org/?id=1", "no enrolment line"),
        ("tapwatt:enrol", "no enrolment line"),
        (line() + "&" * LINE_MOST, "no enrolment line"),
        (line() + "&key=" + KEY, "does not know"),
        (line(more="x"), "does not know"),
        (line(id=""), "no id"),
        (line(id="a b"), "no id"),
        (line(id="x" * 49), "no id"),
        (line(url="https://csms.example/"), "no url"),
        (line(url="wss://user:secret@csms.example/"), "the address"),
        (line(url="wss:///ocpp"), "the address"),
        (line(url="wss://host:99999/ocpp"), "the address"),
        (line(url="wss://host:0/ocpp"), "the address"),
        (line(url="wss://[::1/ocpp"), "the address"),
        (line(url="wss://host/ocpp?x=1"), "the address"),
        (line(url="wss://host/ocpp#x"), "the address"),
        (line(url="ws://127.0.0.1/ocpp", ca=CA), "without TLS"),
        (line(key="short"), "no key"),
        (line(key="x" * 41), "no key"),
        (line(key=KEY[:-1] + "\n"), "no key"),
        (line(ca="12"), "no ca"),
        (line(ca=CA.upper()), "no ca"),
    ],
)
def test_a_line_that_is_none_is_refused_without_its_key(broken: str, said: str) -> None:
    """It is pasted from anywhere, and the sentence may land in a ticket."""
    with pytest.raises(ConfigError, match=said) as refused:
        read_line(broken)
    assert KEY not in str(refused.value)


def test_a_key_is_not_shown_by_what_prints_the_enrolment() -> None:
    """A traceback, a log, an assertion."""
    assert KEY not in repr(read_line(line()))


def test_only_the_values_change() -> None:
    """Comments, order and other tables are the installer's."""
    told = {"station": {"id": "CP-1"}, "csms": {"url": "wss://a/ocpp", "password": 'q"\\'}}
    done = changed(TOML, told)
    assert tomllib.loads(done)["csms"]["password"] == 'q"\\'
    assert done.splitlines()[:4] == TOML.splitlines()[:4]
    assert [one for one in TOML.splitlines() if one not in done.splitlines()] == [
        'id = "OLD"          # the sticker',
        "url = 'ws://127.0.0.1:9000/ocpp'   # the station's id is appended",
    ]
    assert changed(done, told) == done


def test_a_table_that_is_missing_is_added() -> None:
    """A file of two lines is one, too."""
    done = changed('hardware = "real"', {"station": {"id": "A"}, "csms": {"url": "b"}})
    assert tomllib.loads(done) == {"hardware": "real", "station": {"id": "A"}, "csms": {"url": "b"}}


@pytest.mark.parametrize(
    "text",
    [
        'csms = { url = "ws://x" }\n',
        'csms.url = "ws://x"\n',
        '[csms]\nurl = """\nws://x"""\n',
        'note = """\n[csms]\nurl = 1\n"""\n[csms]\nurl = "x"\n',
        '[csms]\nurl = "x"\n[csms.more]\na = 1\n[station]\nid = """\nurl = 2\n"""\n'.replace(
            "[csms]\n", "  [ 'csms' ]\n"
        ),
    ],
)
def test_what_cannot_be_changed_line_by_line_is_left_alone(text: str) -> None:
    """Better a sentence than a file that means something else."""
    with pytest.raises(ConfigError, match=r"set \[csms\] url"):
        changed(text, {"csms": {"url": "wss://new"}})


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)


@given(WORDS, st.dictionaries(st.sampled_from(["url", "other", "password"]), WORDS))
def test_any_value_arrives_as_it_was(value: str, before: dict[str, str]) -> None:
    """Quotes, backslashes, letters of any script: the file says what was meant, or is not made."""
    rows = "".join(
        f"{key} = {json.dumps(each, ensure_ascii=False)}\n" for key, each in before.items()
    )
    done = changed(f"[csms]\n{rows}", {"csms": {"url": value}})
    assert tomllib.loads(done)["csms"] == {**before, "url": value}
