"""What an enrolment leaves behind when the power is cut in the middle of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.cli import enrol
from edge.config.enrolment import Enrolment
from edge.config.loading import load

PEMS = {"a" * 64: "the first authority\n", "b" * 64: "the second authority\n"}


def line(fingerprint: str) -> Enrolment:
    url = f"wss://{fingerprint[0]}.example/ocpp"
    return Enrolment(station="CP-1", url=url, key="k" * 20, fingerprint=fingerprint)


@pytest.mark.parametrize("left", range(3))
def test_address_and_authority_change_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """Whichever file is the last to be written: old address and old authority, both as they were.

    What the file before names is there, too: going back to it needs nothing else.
    """
    monkeypatch.setattr(
        "edge.drivers.pinned_root.fetch_root", lambda _host, _port, known, _within: PEMS[known]
    )
    file = tmp_path / "edge.toml"
    file.write_text('[station]\nid = "CP-1"\n[csms]\nurl = "wss://old.example/ocpp"\n')
    enrol._write([file], line("a" * 64))
    whole, real = file.read_text(), os.replace
    written: list[str] = []

    def cut(draft: str, path: Path) -> None:
        if len(written) == left:
            raise KeyboardInterrupt
        written.append(draft)
        real(draft, path)

    with monkeypatch.context() as power:
        power.setattr(os, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            enrol._write([file], line("b" * 64))
    assert file.read_text() == whole
    assert Path(load([file]).csms["ca_file"]).read_text() == PEMS["a" * 64]
    enrol._write([file], line("b" * 64))
    assert Path(load([file]).csms["ca_file"]).read_text() == PEMS["b" * 64]
    before = load([file.with_name("edge.toml.before")])
    assert Path(before.csms["ca_file"]).read_text() == PEMS["a" * 64]
