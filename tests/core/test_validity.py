"""Which certificates end, and which warning is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from edge.core.events import LinkUp
from edge.core.validity import OVER, due, endings
from edge.core.vocabulary import CertificateUse
from edge.core.x509 import Credential, CredentialsKept, Root
from tests.core.bench import NOON, setup
from tests.core.build import Rig


def after(days: float) -> datetime:
    return NOON + timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "warning"),
    [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0.1, 7), (0, OVER), (-9, OVER)],
)
def test_a_warning_is_due_at_60_30_and_7_days(days: float, warning: int | None) -> None:
    """Complaint 32: the day it ends is too late to be told."""
    assert due(after(days), NOON) == warning


def test_every_certificate_that_we_use_is_looked_at() -> None:
    """Files, the far end's, our own, and the roots that came over OCPP; the first to end leads."""
    rig = Rig(setup()).start()
    assert endings(rig.state, {}, NOON) == ()
    rig.step(LinkUp(at=rig.instant, ends_at=after(45)))
    own = Credential(chain="", key="", not_before=NOON, not_after=after(3))
    kept = replace(rig.state.station.credentials, kept=CredentialsKept(own=own))
    root = Root(
        use=CertificateUse.CENTRAL_SYSTEM_ROOT,
        pem="",
        fingerprint="ab" * 32,
        hashes=(),
        not_after=after(-1),
    )
    certificates = replace(rig.state.station.certificates, roots=(root,))
    station = replace(rig.state.station, credentials=kept, certificates=certificates)
    found = endings(replace(rig.state, station=station), {"ca_file": after(90)}, NOON)
    assert [(one.what, one.days_left, one.due) for one in found] == [
        ("the root abababababab (CentralSystemRootCertificate)", -1, OVER),
        ("our own certificate", 3, 7),
        ("the central system's certificate", 45, 60),
        ("ca_file", 90, None),
    ]
