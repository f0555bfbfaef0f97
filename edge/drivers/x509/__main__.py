"""`python -m edge.drivers.x509`: one question on standard input, its answer on standard output.

In: one JSON line, {"op": one of `OPS`, …}. Out: one JSON line, {"found": …} or {"unfit": sentence}.
What a stranger wrote is read here and nowhere else: a parser that eats memory or time harms this
process only, which is bounded in both and ends with its parent. Private keys pass standard output,
never arguments or files; a crash leaves no core.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.drivers.x509.chains import check_chain
from edge.drivers.x509.reading import Unfit, read_certificates
from edge.drivers.x509.requests import make_request
from edge.drivers.x509.roots import inspect_root
from edge.drivers.x509.seals import check_seal, check_signer

MEMORY_MAX: Final = 512 * 2**20  # bytes of address space; at work it takes 120 MiB of it
CPU_MAX_S: Final = 10
CPU_FILE_MAX_S: Final = 120  # digests 512 MiB at the 10 MB/s of a slow controller, twice over
PURPOSES: Final = {
    "station": ExtendedKeyUsageOID.CLIENT_AUTH,
    "firmware": ExtendedKeyUsageOID.CODE_SIGNING,
}
LINE_MAX: Final = 2**19  # 32 roots, a chain, and room for how JSON writes them


def _root(pem: str, at: str) -> dict[str, Any]:
    return inspect_root(pem, datetime.fromisoformat(at))


def _chain(
    *, pem: str, roots: list[str], files: list[str], purpose: str, at: str, ahead_s: float
) -> dict[str, Any]:
    trusted = [one for root in roots for one in read_certificates(root)]
    for file in files:
        trusted += x509.load_pem_x509_certificates(Path(file).read_bytes())
    chain = check_chain(
        pem,
        trusted,
        datetime.fromisoformat(at),
        purpose=PURPOSES[purpose],
        ahead_s=ahead_s,
    )
    return {
        "chain": chain.pem,
        "common_name": chain.common_name,
        "organisation": chain.organisation,
        "key_id": chain.key_id,
        "not_before": chain.not_before.isoformat(),
        "not_after": chain.not_after.isoformat(),
    }


def _seal(file: str, signature: str, signer: str, roots: list[str], at: str) -> dict[str, Any]:
    trusted = [one for root in roots for one in read_certificates(root)]
    key = check_signer(signer, trusted, datetime.fromisoformat(at))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_FILE_MAX_S, CPU_FILE_MAX_S))
    check_seal(Path(file), signature, key)
    return {}


def _ends(files: list[str]) -> dict[str, Any]:
    """When what is in each file ends: of roots the last, of a chain the first; `None`: unreadable.

    A file of roots may hold old ones beside the new: it serves as long as one of them does.
    """
    found: dict[str, Any] = {}
    for file in files:
        try:
            held = x509.load_pem_x509_certificates(Path(file).read_bytes())
        except (OSError, ValueError):
            found[file] = None
            continue
        chosen = max if all(_is_authority(one) for one in held) else min
        found[file] = chosen(one.not_valid_after_utc for one in held).isoformat()
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


OPS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "ends": _ends,
    "root": _root,
    "chain": _chain,
    "request": make_request,
    "seal": _seal,
}
"""What can be asked; the other members of the question are the function's arguments."""


def main() -> int:
    """Read the question, answer it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_FILE_MAX_S))
    question = json.loads(sys.stdin.readline(LINE_MAX))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer: dict[str, Any] = {"found": OPS[question.pop("op")](**question)}
    except Unfit as refusal:
        answer = {"unfit": str(refusal)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    return 0


def _end_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
