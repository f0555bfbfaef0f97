"""What can be set, by environment (`TAPWATT_CSMS_…`) or on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """All settings with their defaults; port 0 takes any free one."""

    model_config = SettingsConfigDict(
        env_prefix="TAPWATT_CSMS_", frozen=True, use_attribute_docstrings=True
    )

    state_dir: Path = Path("state/csms")
    """Where the database and the token live; made with mode 0700."""
    host: str = "127.0.0.1"
    """Address to listen on; beyond the loopback it needs a certificate, or *insecure*."""
    ocpp_port: Port = 9000
    """Where chargers come in; 0 takes any free port."""
    http_port: Port = 8080
    """Where people and programs come in."""
    heartbeat_s: Annotated[int, Field(ge=10, le=86_400)] = 60
    """Heartbeat interval told to stations."""
    accept_unknown: bool = False
    """Let unknown chargers in at once; else they are noted in the inbox for an operator, and on the
    loopback wait as Pending. Beyond it this needs *insecure*."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of reverse proxies whose X-Forwarded-For says who calls; others' is ignored."""
    insecure: bool = False
    """Listen beyond the loopback without TLS: for networks that nobody else is in."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) of both ports; with it chargers come by wss and people by https.
    Without, the one that `tapwatt csms tls init` made, if it did."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    tls_names: tuple[str, ...] = ()
    """Names and addresses in the certificate that `tapwatt csms tls init` makes; the first is the
    one that chargers dial. Without any: those of this machine."""
    tls_days: Annotated[int, Field(ge=1, le=3650)] = 825
    """How long that certificate is valid."""
    tls_ca_days: Annotated[int, Field(ge=1, le=36_500)] = 3650
    """How long the local authority is."""
    client_ca: Path | None = None
    """Who signs the certificates of chargers (PEM), for security profile 3."""
    ocpp_plain_port: Port | None = None
    """One more port for chargers, without TLS, while they move from profile 1 to 2."""
    legacy_json_port: Port | None = None
    """One more port, for chargers that talk in JSON objects instead of OCPP; it has no TLS, and
    they are let in without a key."""
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
    public_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Where people and chargers reach the HTTP port: for links in mails and addresses of files."""
    file_mib: Annotated[int, Field(ge=1, le=1 << 20)] = 512
    """Largest file that a charger may bring, or an admin store."""
    files_mib: Annotated[int, Field(ge=1, le=1 << 24)] = 4096
    """Room for all files together."""
    uploads_kept_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """How long diagnostics and logs are kept; firmware stays until it is deleted."""
    station_ca_cert: Path | None = None
    """Certificate (PEM) of the authority that signs what stations ask for; without, nobody does."""
    station_ca_key: Path | None = None
    """Its key, PEM without a password."""
    station_cert_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """How long certificates of stations are valid."""
    sign_by_hand: bool = False
    """Tell stations to wait: an admin gives the chain. Without an authority and this: Rejected."""
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
    not_charging_after_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    """After how long a session that runs where nothing charges, as its connector tells, raises an
    alert and its status is asked for; 0: never. By itself that ends no session."""
    overstay_after_min: Annotated[int, Field(ge=0, le=10_080)] = 0
    """After how many minutes a cable that stays in after its session raises an alert; 0: never."""
    nominal_v: Annotated[float, Field(ge=50, le=500)] = 230
    """Mains voltage to neutral; a tenth more or less raises an alarm."""
    temperature_limit_c: Annotated[float, Field(ge=30, le=150)] = 80
    """Above which a charger's own temperature raises an alarm."""
    smtp_host: str | None = None
    """Mail server that takes our mails; without one there are no codes by mail."""
    smtp_port: Port = 587
    """Port of the mail server; 465 with `tls`."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the line to it is protected; `none` is for a server on this machine only."""
    smtp_user: str | None = None
    """Name at the mail server, if it asks for one."""
    smtp_password: SecretStr | None = None
    """By environment only: arguments can be read by everybody on the machine."""
    smtp_ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    mail_from: str | None = None
    """Address that mails come from."""
    oidc_issuer: str | None = None
    """Sign-in with this OpenID Connect provider, as its ID tokens name it."""
    oidc_client_id: str | None = None
    """What the provider calls this installation."""
    oidc_client_secret: SecretStr | None = None
    """Its secret there; by environment only."""
    firebase_project: str | None = None
    """Accept ID tokens of this Firebase project."""
    firebase_service_account: Path | None = None
    """Key file (JSON) of a service account of that project: people who are disabled or signed out
    there are so here too, within the hour. Needs `tapwatt[firebase]`."""
    users_webhook_secret: SecretStr | None = None
    """Take pushed users, signed so: `whsec_` and 24 bytes or more in base64."""
    dev: bool = False
    """Start although variables of the Firebase emulator are set: never where people charge."""
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
