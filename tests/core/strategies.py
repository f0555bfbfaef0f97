"""What hypothesis says and asks in the central system's and the drivers' place."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from edge.core.commands import (
    AuthorizationData,
    CancelReservation,
    ChangeAvailability,
    ChangeConfiguration,
    ClearCache,
    Command,
    ExtendedTriggerMessage,
    GetConfiguration,
    GetLocalListVersion,
    IncomingTransfer,
    RemoteStartTransaction,
    RemoteStopTransaction,
    ReserveNow,
    SendLocalList,
    TriggerMessage,
    UnlockConnector,
)
from edge.core.cost_messages import (
    COST_VENDOR,
    ChargingPrice,
    CostState,
    RunningCost,
    SetUserPrice,
    Triggers,
)
from edge.core.messages import (
    CallError,
    IdTagInfo,
    NoAnswer,
)
from edge.core.vocabulary import (
    AuthorizationStatus,
    AvailabilityType,
    ConnectorStatus,
    UpdateType,
)
from tests.core.bench import ALICE, BOB, NOON

CONNECTORS = 2
connectors = st.integers(1, CONNECTORS)
tags = st.sampled_from([ALICE, BOB, "04C0FFEEC0FFEE"])
infos = st.builds(
    IdTagInfo,
    status=st.sampled_from(AuthorizationStatus),
    parent_id_tag=st.sampled_from([None, "FLEET", "OTHER"]),
)
TRIGGERS = (
    "BootNotification",
    "Heartbeat",
    "StatusNotification",
    "MeterValues",
    "FirmwareStatusNotification",
    "DiagnosticsStatusNotification",
    "Nonsense",
)
KEYS = {
    "AllowOfflineTxForUnknownId": ("true", "false"),
    "AuthorizeRemoteTxRequests": ("true", "false"),
    "ClockAlignedDataInterval": ("0", "1", "7"),
    "ConnectionTimeOut": ("1", "30"),
    "HeartbeatInterval": ("0", "5"),
    "LocalAuthListEnabled": ("true", "false"),
    "LocalPreAuthorize": ("true", "false"),
    "MaxEnergyOnInvalidId": ("0", "300"),
    "MeterValueSampleInterval": ("0", "1", "13"),
    "MinimumStatusDuration": ("0", "4"),
    "StopTransactionOnInvalidId": ("true", "false"),
    "StopTxnSampledData": ("", "Energy.Active.Import.Register"),
    "TransactionMessageAttempts": ("1", "2"),
    "TransactionMessageRetryInterval": ("0", "3"),
    "Nobody": ("1",),
}
changes = st.sampled_from(sorted(KEYS)).flatmap(
    lambda key: st.builds(
        ChangeConfiguration, key=st.just(key), value=st.sampled_from((*KEYS[key], "-1"))
    )
)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        RemoteStartTransaction, id_tag=tags, connector_id=st.sampled_from([None, 0, 1, 2, 3])
    ),
    st.builds(RemoteStopTransaction, transaction_id=st.integers(4710, 4713)),
    st.builds(
        ChangeAvailability,
        connector_id=st.integers(0, 3),
        type=st.sampled_from(AvailabilityType),
    ),
    changes,
    st.builds(GetConfiguration, key=st.sampled_from([(), ("HeartbeatInterval", "Nobody")])),
    st.builds(UnlockConnector, connector_id=st.integers(0, 3)),
    st.just(ClearCache()),
    st.builds(
        SendLocalList,
        list_version=st.integers(-1, 5),
        update_type=st.sampled_from(UpdateType),
        local_authorization_list=st.lists(
            st.builds(AuthorizationData, id_tag=tags, id_tag_info=st.none() | infos), max_size=3
        ).map(tuple),
    ),
    st.just(GetLocalListVersion()),
    st.builds(
        ReserveNow,
        connector_id=st.integers(0, 3),
        expiry_date=st.sampled_from([0, 110, 160, 600]).map(
            lambda seconds: NOON + timedelta(seconds=seconds)
        ),
        id_tag=tags,
        parent_id_tag=st.sampled_from([None, "FLEET"]),
        reservation_id=st.integers(1, 3),
    ),
    st.builds(CancelReservation, reservation_id=st.integers(1, 4)),
    *(
        st.builds(
            kind,
            requested_message=st.sampled_from(TRIGGERS),
            connector_id=st.sampled_from([None, 0, 1, 3]),
        )
        for kind in (TriggerMessage, ExtendedTriggerMessage)
    ),
    st.just(IncomingTransfer(vendor_id="Nobody")),
    st.builds(
        IncomingTransfer,
        vendor_id=st.just(COST_VENDOR),
        message_id=st.just("SetUserPrice"),
        said=st.builds(SetUserPrice, price_text=st.just("x"), id_token=st.none() | tags),
    ),
    st.builds(
        IncomingTransfer,
        vendor_id=st.just(COST_VENDOR),
        message_id=st.just("RunningCost"),
        said=st.builds(
            RunningCost,
            transaction_id=st.integers(4710, 4713),
            timestamp=st.just(NOON),
            cost=st.just(Decimal(1)),
            state=st.sampled_from(CostState),
            charging_price=st.just(ChargingPrice()),
            trigger_meter_value=st.builds(
                Triggers,
                at_time=st.none()
                | st.integers(0, 900).map(lambda seconds: NOON + timedelta(seconds=seconds)),
                at_energy_kwh=st.sampled_from([None, Decimal("0.1")]),
                at_power_kw=st.sampled_from([None, Decimal(2)]),
                at_cp_status=st.sampled_from([(), tuple(ConnectorStatus)]),
            ),
        ),
    ),
)
refusals = st.sampled_from([CallError(code="InternalError"), NoAnswer(timed_out=True)])
