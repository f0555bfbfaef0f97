"""How the daemon would be let in: by its settings, and by what came over OCPP since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.config.loading import identity
from edge.config.settings import Settings
from edge.core.access import Access
from edge.core.certificates import trusted
from edge.core.restore import restore
from edge.core.security import attempts
from edge.core.setup import EvseTraits, Setup
from edge.drivers.journal import files, open_copy
from edge.drivers.ocpp_link import Settings as LinkSettings
from edge.drivers.ocpp_link import profile_of
from edge.drivers.registry import decode
from edge.errors import ConfigError
from edge.ports import Clock


async def ways_in(
    settings: Settings, state_dir: Path, clock: Clock
) -> tuple[Sequence[Access], Sequence[str]]:
    """The ways in, in the daemon's order, and the roots that were installed over OCPP.

    The journal is read from a copy. Raises `ConfigError` for one that does not fit the settings.
    """
    csms = decode(LinkSettings, settings.csms, "csms")
    async with open_copy(state_dir / files.NAME) as journal:
        saved = await journal.load()
    connectors = len(settings.connectors) or settings.simulated.connectors
    setup = Setup(
        identity=identity(settings.station, ""),
        traits=(EvseTraits(has_pilot=False),) * connectors,
        nonce="",
        kernel_boot="",
        defaults={"SecurityProfile": str(profile_of(csms)), **settings.ocpp},
        overrides=settings.overrides,
        has_root=csms.ca_file is not None,
        has_certificate=csms.certificate is not None,
    )
    try:
        state = restore(saved, setup, clock.now())
    except ValueError as mismatch:
        raise ConfigError(str(mismatch)) from mismatch
    return attempts(state), trusted(state)
