"""Finds sentences that claim what we must not: IEC 61851 conformity, calibration law, certificates.

How it decides, sentence by sentence (safety.md row 25, issue 5.10):
* A *verdict*, such as "certified" or "eichrechtskonform", is a claim in itself; a word such as
  "conforms", "konform", "compliant" is one beside a *norm* (61851, calibration law, MID, OIML).
  A verdict is let pass only where a negation stands shortly before it (in Hindi: behind it), so
  that the sentence denies it: "nothing here is certified", but not "certified, no exceptions".
* A *norm* without a verdict is let pass where it is named as a source: by "source", "quoted",
  "table", "state", "see", or in brackets behind the fact that it gives; and where it is denied.

Of a program its strings and comments are read, of a words file its values, of all else its lines.
"""

from __future__ import annotations

import html
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

NORM: Final = re.compile(
    r"61851|eichrecht|eichgesetz|calibration[ -]law|legal metrology|2014/32|oiml|\bPTB\b|\bMID\b"
    r"|métrologie légale|metrologia legale|hukum metrologi|metrologi legal|विधिक माप|माप विज्ञान",
    re.IGNORECASE,
)
VERDICT: Final = re.compile(
    r"\bcertified\b|\bcertification\b|type[ -]approv(?:ed|al)|calibration[ -]law[ -]compliant"
    r"|zertifizier(?:t|ung)|eichrechtskonform|mess- und eichrechts?konform|bauartzugelassen|geeicht"
    r"|certifiée?s?\b|homologuée?s?\b|omologat[oaie]\b|certifica(?:t[oai]\b|zione)"
    r"|bersertifikat|tersertifikasi|sertifikasi|प्रमाणित|प्रमाणन",
    re.IGNORECASE,
)
AGREES: Final = re.compile(
    r"\bconform|konform|\bcompl(?:y|ies|iant|iance)\b|\bmeets\b|\bfulfil|\bentspricht|\berfüllt"
    r"|\brispetta|\brespecte|\bsesuai|\bmemenuhi|अनुरूप|\baccording to\b|\bgemäß\b|\bselon\b"
    r"|\bsecondo\b",
    re.IGNORECASE,
)
NEGATION: Final = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|neither|nor|without|cannot|keine?[mnrs]?|nicht|nie|ohne"
    r"|nirgends|ne|n'est|n’est|pas|aucune?|jamais|sans|non|nessun[ao]?|mai|senza|tidak|bukan|belum"
    r"|tanpa)\b|नहीं|कोई",
    re.IGNORECASE,
)
SOURCE: Final = re.compile(
    r"\bsources?\b|\bquoted?\b|\bquotes\b|\btables?\b|\bstates?\b|\bsee\b|\([^()]*61851[^()]*\)",
    re.IGNORECASE,
)
DENIED_WITHIN: Final = 40  # characters: a clause, not the far end of a long sentence
HINDI: Final = re.compile(r"[\u0900-\u097f]")
SENTENCE: Final = re.compile(r"(?<=[.!?।;])\s+|\n\s*\n")


def claims(text: str) -> list[str]:
    """The sentences of *text* that claim something."""
    return [one for each in SENTENCE.split(text) if is_claim(one := " ".join(each.split()))]


def is_claim(sentence: str) -> bool:
    """Whether *sentence* says of us what nobody has examined."""
    norm = NORM.search(sentence)
    verdict = VERDICT.search(sentence) or (AGREES.search(sentence) if norm else None)
    if verdict is not None:
        return not _is_denied(sentence, verdict)
    return norm is not None and not (SOURCE.search(sentence) or _is_denied(sentence, norm))


def _is_denied(sentence: str, found: re.Match[str]) -> bool:
    before = sentence[max(0, found.start() - DENIED_WITHIN) : found.start()]
    behind = sentence[found.end() : found.end() + DENIED_WITHIN] if HINDI.search(sentence) else ""
    return bool(NEGATION.search(before) or NEGATION.search(behind))


def prose_of(path: Path) -> Iterator[str]:
    """The pieces of *path* that people read."""
    text = path.read_text(encoding="utf-8")
    match path.suffix:
        case ".py":
            yield from _python(text)
        case ".json":
            yield from _values(json.loads(text))
        case ".js" | ".html" | ".css" | ".svg":
            yield from re.split(r"[\"`<>\n]", html.unescape(text))
        case _:
            yield from text.splitlines()


def _python(text: str) -> Iterator[str]:
    """Each string, and each run of comments, as one piece."""
    comment: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comment.append(token.string.lstrip("# "))
        elif token.type != tokenize.NL:
            yield " ".join(comment)
            comment.clear()
        if token.type == tokenize.STRING:
            yield token.string.strip("\"'")


def _values(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _values(value)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value)
