"""What can be set, by environment (`TAPWATT_CSMS_…`) or on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """All settings with their defaults; port 0 takes any free one."""

    model_config = SettingsConfigDict(env_prefix="TAPWATT_CSMS_", frozen=True)

    state_dir: Path = Path("state/csms")
    """Where the database and the token live; made with mode 0700."""
    host: str = "127.0.0.1"
    """Address to listen on; there is no TLS yet, so leave it on the loopback."""
    ocpp_port: Port = 9000
    http_port: Port = 8080
    heartbeat_s: Annotated[int, Field(ge=10, le=86_400)] = 60
    """Heartbeat interval told to stations."""
    accept_unknown: bool = True
    """Let unknown chargers in at once; else they wait as Pending for an operator."""
    refuse_concurrent: bool = False
    """Answer ConcurrentTx when a tag that charges elsewhere begins another transaction."""
    access_policy: Literal["closed", "open", "free"] = "closed"
    """Who may charge at stations without a policy of their own: those with a known card; those
    with an unknown one, too; everybody, blocked or not."""
    timezone: str = "UTC"
    """Zone in which the days, weeks and months of budgets begin, such as Asia/Jakarta."""
    local_lists: bool = True
    """Keep the local list of each charger in step with the cards, unless it is switched off there;
    what is on a charger when this is switched off stays there."""
    strict_subprotocol: bool = False
    """Refuse the handshake without ocpp1.6 by HTTP 400 instead of completing and closing it."""
    ready_fd: Annotated[int, Field(ge=0)] | None = None
    """File descriptor that gets one JSON line with the addresses when both ports listen."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as failure:
            raise ValueError(
                f"there is no time zone {name!r}: see timedatectl list-timezones"
            ) from (failure)
        return name
