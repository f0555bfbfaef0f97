"""What can be set, by environment (`TAPWATT_CSMS_…`) or on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
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
    smtp_host: str | None = None
    """Mail server that takes our mails; without one there are no codes by mail."""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the line to it is protected; `none` is for a server on this machine only."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    """By environment only: arguments can be read by everybody on the machine."""
    smtp_ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    mail_from: str | None = None
    """Address that mails come from."""
    public_url: str | None = None
    """Where people reach these pages, for links in mails: https://charge.example.org"""
    oidc_issuer: str | None = None
    """Sign-in with this OpenID Connect provider, as its ID tokens name it."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    firebase_project: str | None = None
    """Accept ID tokens of this Firebase project."""
    users_webhook_secret: SecretStr | None = None
    """Take pushed users, signed so: `whsec_` and 24 bytes or more in base64."""
    dev: bool = False
    """Start although variables of the Firebase emulator are set: never where people charge."""
    ready_fd: Annotated[int, Field(ge=0)] | None = None
    """File descriptor that gets one JSON line with the addresses when both ports listen."""
