"""Names that people gave, made safe."""

from __future__ import annotations

import pytest

from csms_lite.files.rules import NAME_LENGTH, clean_name, digest_of


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("diag.zip", "diag.zip"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        (".ssh", "ssh"),
        ('a"; filename="b.html', "a_filename_b.html"),
        ("a\r\nSet-Cookie: x", "a_Set-Cookie_x"),
        ("größe.bin", "gr_e.bin"),
        ("", "file"),
        ("/", "file"),
        ("..", "file"),
        ("x" * 300 + ".zip", "x" * (NAME_LENGTH - 4) + ".zip"),
    ],
)
def test_a_name_is_safe_to_show_and_to_save_under(given: str, clean: str) -> None:
    """No path, no header, no markup; the end of it stays, for its kind."""
    assert clean_name(given) == clean


def test_any_token_has_a_digest() -> None:
    """Half a surrogate pair in a path is an unknown address, not a crash."""
    assert digest_of("\ud800") != digest_of("")
