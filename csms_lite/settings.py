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
    """Address to listen on; beyond the loopback it needs a certificate, or *insecure*."""
    ocpp_port: Port = 9000
    http_port: Port = 8080
    heartbeat_s: Annotated[int, Field(ge=10, le=86_400)] = 60
    """Heartbeat interval told to stations."""
    accept_unknown: bool = False
    """Let unknown chargers in at once; else they are noted in the inbox for an operator, and on the
    loopback wait as Pending. Beyond it this needs *insecure*."""
    insecure: bool = False
    """Listen beyond the loopback without TLS: for networks that nobody else is in."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) of both ports; with it chargers come by wss and people by https."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    client_ca: Path | None = None
    """Who signs the certificates of chargers (PEM), for security profile 3."""
    ocpp_plain_port: Port | None = None
    """One more port for chargers, without TLS, while they move from profile 1 to 2."""
    ocpp_url: str | None = None
    """Where chargers reach us, for their settings sheets, when it is not where we listen."""
    ping_every_s: Annotated[float, Field(gt=0, le=3600)] = 20
    """How often a socket is pinged; a pong is a sign of life."""
    stale_late_s: Annotated[float, Field(ge=0, le=86_400)] = 90
    """A socket silent for so long beyond the next expected heartbeat is STALE."""
    offline_after_s: Annotated[float, Field(gt=0, le=86_400)] = 300
    """A stale socket is closed, and a connector counts as unavailable, after this silence."""
    broken_after_beats: Annotated[int, Field(ge=1, le=100)] = 3
    """A station that misses so many heartbeats in a row is Broken."""
    alert_offline_after_s: Annotated[float, Field(gt=0, le=7 * 86_400)] = 900
    """A station silent for so long raises an alert."""
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
