"""Checklist 5: the keys of the security whitepaper."""

from __future__ import annotations

from tests.spec.central import Central
from tests.spec.station import Station


def test_r_5_10_keys_of_the_whitepaper(point: Station, central: Central) -> None:
    """Readable, in the order asked."""
    point.booted()
    asked = [
        "AdditionalRootCertificateCheck",
        "CertificateSignedMaxChainSize",
        "CertificateStoreMaxLength",
        "CpoName",
        "SecurityProfile",
        "SupportedFileTransferProtocols",
    ]
    answer = central.call("GetConfiguration", key=asked)
    assert [each["key"] for each in answer["configurationKey"]] == asked
    assert answer.get("unknownKey", []) == []
