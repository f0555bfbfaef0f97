"""What can be set, by environment (`TAPWATT_CSMS_…`) or on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
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
    strict_subprotocol: bool = False
    """Refuse the handshake without ocpp1.6 by HTTP 400 instead of completing and closing it."""
    open_registration: bool = True
    """Let anybody make an account of the role USER; else an ADMIN adds them."""
    second_factor_for_staff: bool = False
    """Let ADMIN and OPERATOR do nothing before they have set up a second factor."""
    trigger_when_watched: bool = True
    """Ask chargers for readings while somebody watches a session; off for metered links."""
    start_within_s: Annotated[int, Field(ge=30, le=900)] = 300
    """How long a start that a charger accepted may wait for its cable before it is failed."""
    session_expiry_h: Annotated[int, Field(ge=1, le=8760)] = 24
    """After how many hours without news a running session is shown as overdue; never closed."""
    nominal_v: Annotated[float, Field(ge=50, le=500)] = 230
    """Mains voltage to neutral; a tenth more or less raises an alarm."""
    temperature_limit_c: Annotated[float, Field(ge=30, le=150)] = 80
    """Above which a charger's own temperature raises an alarm."""
    ready_fd: Annotated[int, Field(ge=0)] | None = None
    """File descriptor that gets one JSON line with the addresses when both ports listen."""
    log_days: Annotated[int, Field(ge=1, le=36_500)] = 60
    """How long the log keeps frames; what heartbeats say is forgotten after a day."""
    log_transaction_days: Annotated[int, Field(ge=0, le=36_500)] = 1100
    """How long it keeps frames that begin or end transactions, for disputes; 0: for ever."""
    log_max_mb: Annotated[int, Field(ge=10, le=10_000_000)] = 10_000
    """How large the log may become; beyond it the oldest frames go, of whatever age."""
    log_slow_ms: Annotated[int, Field(ge=1, le=600_000)] = 2000
    """From when on an answer counts as slow."""
    event_origins: tuple[str, ...] = ()
    """Pages of other hosts that may follow events over the WebSocket, as `https://host`."""
    webhook_http: bool = False
    """Let webhooks go to http:// addresses, which anybody on the way can read."""
    webhook_private: bool = False
    """Let webhooks go to addresses of this machine and of private networks."""
