"""One connector as a value: a field for each machine, written by it alone.

Times written `..._at` or `..._until` as float are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from edge.core.cost_messages import Cost
from edge.core.events import Pilot, Trip
from edge.core.instant import Instant
from edge.core.messages import MeterValue
from edge.core.profiles import Profile
from edge.core.quantities import Reading
from edge.core.records import Latch
from edge.core.vocabulary import AvailabilityType, ConnectorStatus, ErrorCode, StopReason


class Phase(StrEnum):
    """Where a connector is in the life of a session."""

    RECOVERING = "recovering"  # a transaction was open when the last process ended
    IDLE = "idle"
    PREPARING = "preparing"  # plugged, or permitted, or both but not yet ready
    OPENING = "opening"  # plugged and permitted: lock and begin register are awaited
    CHARGING = "charging"  # the transaction runs, whether energy flows or not
    STOPPING = "stopping"  # the stop is written; contactor and end register are awaited
    FINISHING = "finishing"  # over, the plug is still in


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Somebody may start here, until *until*."""

    id_tag: str
    parent_id_tag: str | None
    until: float
    remote: bool = False
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Phase of one connector, and what the phase waits for.

    *until* is the phase's deadline; *asked*: the meter has been asked for the end register.
    *urgent*: this stop may break the load. *keeper* is the tag that may start again in FINISHING;
    *keeps_lock*: only it gets the cable back. *recovery* is how a session found open at the start
    ends, *resumable* whether it may go on instead.
    """

    phase: Phase = Phase.IDLE
    permit: Permit | None = None
    until: float | None = None
    asked: bool = False
    urgent: bool = False
    keeper: str | None = None
    keeper_parent: str | None = None
    keeps_lock: bool = False
    plugged_at: float | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    recovery: StopReason | None = None
    recovery_at: Instant | None = None
    resumable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """The open transaction. *transaction_id* is the central system's, once known.

    *told_at* is the newest moment that any message of it tells, *meter_serial* of the meter that
    it began with.
    """

    ref: int
    id_tag: str
    parent_id_tag: str | None
    begin_wh: int
    started_at: Instant
    told_at: Instant
    meter_serial: str | None = None
    transaction_id: int | None = None
    deauthorised: bool = False
    deauthorised_wh: int | None = None
    stop_reason: StopReason | None = None
    stopping_at: Instant | None = None
    stop_tag: str | None = None
    last_wh: int | None = None
    stop_values: tuple[MeterValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the last transaction of this process ended; machine `transaction` writes it too."""

    reason: StopReason
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """What the meter last said, and when samples are due."""

    last: Reading | None = None
    failed: str | None = None
    good_at: float | None = None
    sample_at: float | None = None
    aligned_at: float | None = None
    noted_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The inputs of the charging point as the driver last showed them.

    *rcd_trips*: when the residual current device tripped, in the last hour. *phases* is where a
    phase relay stands, `None` without one.
    """

    known: bool = False
    lost: str | None = None
    plugged: bool = False
    pilot: Pilot = Pilot.NONE
    contactor_closed: bool = False
    locked: bool | None = None
    phases: int | None = None
    tripped: frozenset[Trip] = frozenset()
    rearm_at: float | None = None
    rcd_trips: tuple[float, ...] = ()
    fault_since: float | None = None
    lock_failed: bool = False
    welded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contactor:
    """The order to the contactor, and how it comes to an end without breaking the load.

    *closings* and *hot_opens* count the wear of a lifetime, *written* as far as the journal has it.
    """

    ordered: bool = False
    offered_a: float = 0.0
    seen_closed: bool = False
    ramp_since: float | None = None
    low_since: float | None = None
    closed_at: float | None = None
    opened_at: float | None = None
    closings: int = 0
    hot_opens: int = 0
    written: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """A switch of phases under way *since*; the relay was told at *moved_at* and rests now.

    *is_committed*: the car of this session has had energy, or may have had before a restart.
    *rises*: when the way from one to three phases was begun, in the last hour.
    """

    since: float | None = None
    moved_at: float | None = None
    is_committed: bool = False
    rises: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether something *holds*; *since*: from then on the signs have said the opposite."""

    holds: bool = False
    since: float | None = None

    def heard(self, sign: bool | None, at: float, *, after_s: float, over_s: float) -> Verdict:
        """Hear a *sign*, `None` for neither yes nor no: who lasts long enough turns the verdict."""
        if sign is None or sign is self.holds:
            return self if self.since is None else Verdict(holds=self.holds)
        since = at if self.since is None else self.since
        if at - since >= (over_s if self.holds else after_s):
            return Verdict(holds=sign)
        return replace(self, since=since)


class Concern(StrEnum):
    """What the meter's readings are judged for."""

    OVER_VOLTAGE = "over_voltage"
    UNDER_VOLTAGE = "under_voltage"
    HIGH_VOLTAGE = "high_voltage"  # the warning before
    LOW_VOLTAGE = "low_voltage"
    OVER_CURRENT = "over_current"
    WELD_SUSPECTED = "weld_suspected"
    WELD_LIKELY = "weld_likely"
    WELD_CERTAIN = "weld_certain"
    NOTHING_FLOWS = "nothing_flows"  # though the contactor is closed and the car asks
    NO_LOAD = "no_load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """What the sensor last said, and when; *felt_c* follows it down only after a kelvin."""

    celsius: float | None = None
    felt_c: float | None = None
    seen_at: float | None = None
    warm_since: float | None = None
    too_hot: Verdict = field(default_factory=Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """What a local energy manager allows, until it has to say so again."""

    limit_a: float
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """A test of the residual current device, under way *since*; fired, it is given up at *until*.

    *pulse_at* is when its pulse was first shown, *tripped_at* the trip. With *rearm_at* the pulse
    is over, and the trip has to let go.
    """

    since: float
    until: float | None = None
    pulse_at: float | None = None
    tripped_at: float | None = None
    rearm_at: float | None = None

    @property
    def is_fired(self) -> bool:
        """Whether the pulse was ordered: what trips from then on is its doing."""
        return self.until is not None

    def has_tripped_within(self, seconds: float) -> bool:
        """Whether the trip came so soon after the pulse."""
        if self.pulse_at is None or self.tripped_at is None:
            return False
        return self.tripped_at <= self.pulse_at + seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RcdTest:
    """When the residual current device was last shown to trip, and the test that is under way.

    *tries* were begun since and came to no end; none begins before *again_at*.
    """

    passed_at: Instant | None = None
    tries: int = 0
    again_at: float | None = None
    running: SelfTest | None = None

    @property
    def trips(self) -> bool:
        """Whether a residual current trip is the test's doing now."""
        return self.running is not None and self.running.is_fired


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """In or out of service; *scheduled* waits for the connector to be free."""

    availability: AvailabilityType = AvailabilityType.OPERATIVE
    scheduled: AvailabilityType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the central system knows of a status, and what it should know."""

    reported: tuple[ConnectorStatus, ErrorCode, str | None] | None = None
    candidate: tuple[ConnectorStatus, ErrorCode, str | None] | None = None
    since: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocking:
    """An UnlockConnector call waits for the lock."""

    call_id: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bay:
    """One connector."""

    connector: Connector = field(default_factory=Connector)
    transaction: Transaction | None = None
    ended: Ended | None = None
    metering: Metering = field(default_factory=Metering)
    seen: Seen = field(default_factory=Seen)
    contactor: Contactor = field(default_factory=Contactor)
    phases: Phases = field(default_factory=Phases)
    verdicts: Mapping[Concern, Verdict] = field(default_factory=dict)
    temperature: Temperature = field(default_factory=Temperature)
    setpoint: Setpoint | None = None
    latches: frozenset[Latch] = frozenset()
    rcd_test: RcdTest = field(default_factory=RcdTest)
    service: Service = field(default_factory=Service)
    notice: Notice = field(default_factory=Notice)
    unlocking: Unlocking | None = None
    cost: Cost = field(default_factory=Cost)

    def is_of_another_meter(self, reading: Reading) -> bool:
        """Whether *reading* is of another meter than the running session's, by its serial number.

        Its register has nothing to do with the one that the session began with.
        """
        if self.transaction is None:
            return False
        own = self.transaction.meter_serial
        if own is None and self.metering.last is not None:
            own = self.metering.last.meter_serial  # an older journal, or one that learnt it late
        return own is not None and reading.meter_serial != own
