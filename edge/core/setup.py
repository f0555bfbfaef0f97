"""What the installer decided: fixed for the life of the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from edge.core.card_roles import Role
from edge.core.messages import BootNotification


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseTraits:
    """What one charging point can know and do (ruling 3)."""

    has_pilot: bool
    has_plug_sense: bool = True
    has_lock: bool = False
    rated_a: float = 32.0
    phases: int = 1
    nominal_v: float = 230.0
    meter_refresh_s: float = 0.0
    has_temperature: bool = False
    has_rcd_test: bool = False
    switches_phases: bool = False  # between one and all of its phases, by a relay


class UnsignedFirmware(StrEnum):
    """Whether UpdateFirmware, which nothing signs, is obeyed (ruling 18)."""

    AUTO = "auto"  # only in security profile 0, with no manufacturer's root
    ALLOW = "allow"
    REFUSE = "refuse"


class PhaseSwitching(StrEnum):
    """When the phase relay may move (safety 23)."""

    SESSIONS = "sessions"  # before a session's first energy only: no car sees phases come or go
    SESSION = "session"  # amid a session, too: for cars that are known to bear it


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Choices the standard leaves to the owner, in seconds unless named otherwise.

    *meter_lost_go_on_s*: how long a session goes on unmeasured (safety 13); 0: not at all. A
    session that draws nothing for *idle_stop_s*, or lasts *max_duration_s*, ends where nothing else
    ends it (ruling 3), and everywhere with *ends_idle_sessions*. A phase relay goes from one to
    three at most *phase_switches_an_hour*: once a quarter, as prices and forecasts come.
    """

    resume_after_power_cut: bool = False
    resume_after_restart_within_s: float = 60.0
    authorize_within_s: float = 5.0
    meter_within_s: float = 2.0
    stop_within_s: float = 6.0
    fault_hold_s: float = 180.0
    start_stop_dead_time_s: float = 10.0
    stop_start_dead_time_s: float = 5.0
    reclose_delay_s: float = 5.0
    soft_reset_within_s: float = 10.0
    boot_retry_s: float = 60.0
    transfer_within_s: float = 3600.0
    install_within_s: float = 1800.0
    transfer_retry_s: int = 60
    meter_lost_go_on_s: float = 0.0
    idle_stop_s: float = 600.0
    max_duration_s: float = 86_400.0
    ends_idle_sessions: bool = False
    rcd_trips_an_hour: int = 3  # more than these, and somebody has to look (safety 12)
    rcd_test_every_s: float = 86_400.0  # and after each session, where there is a test coil
    phase_switching: PhaseSwitching = PhaseSwitching.SESSIONS
    phase_pause_s: float = 10.0
    phase_switches_an_hour: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What supply, load and heat may do before we warn or stop: `[bounds]`.

    Voltages are in per cent off the nominal one: EN 50160 wants 95 % of a week within 10 %, all of
    it above -15 %. Over-current is judged as EVerest does it (safety 14); heat as OpenEVSE does
    (safety 15). A car has five seconds to follow a lower offer: *over_current_after_s* is longer.
    *without_sensor_a* holds while a configured sensor is silent; *setpoint_expired_a* once a local
    energy manager has let its word run out (safety 16).
    """

    voltage_warn_percent: float = 10.0
    voltage_warn_after_s: float = 30.0
    voltage_stop_percent: float = 15.0
    voltage_stop_after_s: float = 3.0
    voltage_clear_after_s: float = 30.0
    over_current_percent: float = 10.0
    over_current_noise_a: float = 0.5
    over_current_after_s: float = 7.0
    derate_from_c: float = 65.0
    stop_at_c: float = 70.0
    without_sensor_a: float = 10.0
    setpoint_expired_a: float = 0.0


class AfterDamage(StrEnum):
    """Whether the station charges with a journal that replaces a damaged one."""

    CHARGE = "charge"  # the new one is sound, and what was lost is told: no driver is stranded
    REFUSE = "refuse"  # until somebody has looked at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What the owner wants of the journal: `[journal]` of the configuration.

    With less room than *free_least_mib* on its disk, or more than *most_waiting* messages in it,
    samples that wait are thinned.
    """

    after_damage: AfterDamage = AfterDamage.CHARGE
    free_least_mib: int = 16  # four times what the write-ahead log takes
    most_waiting: int = 100_000  # messages: a month offline, with two connectors charging all day


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The station as installed.

    *traits* and *readers* count from connector 1 and reader 0. *defaults* are OCPP keys from the
    configuration file, *overrides* those of `-o`, which are never persisted. *nonce* is 24 random
    hex digits, new for every process: message ids are made of it and a counter, so that none is
    ever used twice (OCPP-J errata 3.1). *kernel_boot* is the kernel's boot id. *has_root* and
    *has_certificate*: the installer gave files to check the central system by, and to show it.
    *common_name* is what certificates call this station: its serial number. *maker_roots*, PEM, are
    the installer's word on whom firmware comes from, *card_roles* (keys in lower case) on cards.
    """

    identity: BootNotification
    traits: tuple[EvseTraits, ...]
    nonce: str
    kernel_boot: str
    readers: tuple[tuple[int, ...], ...] = ()
    transfer_protocols: tuple[str, ...] = ("FTPS", "HTTPS")
    defaults: Mapping[str, str] = field(default_factory=dict, repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict, repr=False)
    has_root: bool = False
    has_certificate: bool = False
    common_name: str = ""
    policy: Policy = field(default_factory=Policy)
    bounds: Bounds = field(default_factory=Bounds)
    keeping: Keeping = field(default_factory=Keeping)
    unsigned_firmware: UnsignedFirmware = UnsignedFirmware.AUTO
    maker_roots: tuple[str, ...] = ()
    card_roles: Mapping[str, Role] = field(default_factory=dict, repr=False)
