"""The configuration keys: one row each, from which validation and the reference page come.

Source: OCPP 1.6 ed. 2 chapter 9; errata 3.80-3.84, 3.88, 3.90, 3.91; security whitepaper ed. 3, 7;
OCA application note "OCPP & California Pricing Requirements".
"""

from __future__ import annotations

from typing import Final

from edge.core import key_kinds as kinds
from edge.core import profiles, x509

TABLE: Final = (
    kinds.fact(
        "AdditionalRootCertificateCheck",
        kinds.Kind.FLAG,
        "false",
        "A new root is signed by the old.",
        "W 7.1",
    ),
    kinds.flag(
        "AllowOfflineTxForUnknownId", "false", "Unknown tags may start while offline.", "S 9.1.1"
    ),
    kinds.flag(
        "AuthorizationCacheEnabled", "true", "Remember what Authorize said of tags.", "S 9.1.2"
    ),
    kinds.Key(
        name="AuthorizationKey",
        kind=kinds.Kind.SECRET,
        default="",
        meaning="Password of HTTP Basic: 32-40 hexadecimal digits, or 16-40 characters.",
        source="W 7.2",
        access=kinds.Accessibility.SECRET,
    ),
    kinds.flag(
        "AuthorizeRemoteTxRequests", "false", "Ask Authorize before a remote start.", "S 9.1.3"
    ),
    kinds.number(
        "CertificateSignedMaxChainSize",
        x509.MOST_CHAIN,
        "Characters of a certificate chain that we take.",
        "W 7.3",
    ),
    kinds.number(
        "CertificateStoreMaxLength", x509.MOST_ROOTS, "Root certificates that have room.", "W 7.4"
    ),
    kinds.number(
        "ChargeProfileMaxStackLevel",
        profiles.MOST_STACK_LEVEL,
        "Highest stackLevel of a charging profile.",
        "S 9.4.1",
    ),
    kinds.fact(
        "ChargingScheduleAllowedChargingRateUnit",
        kinds.Kind.LIST,
        "Current,Power",
        "Schedules may be in A (Current) and W (Power).",
        "S 9.4.2; E 3.88",
    ),
    kinds.number(
        "ChargingScheduleMaxPeriods",
        profiles.MOST_PERIODS,
        "Periods in one charging schedule.",
        "S 9.4.3",
    ),
    kinds.seconds(
        "ClockAlignedDataInterval", "0", "Between clock-aligned samples, 0 = none.", "S 9.1.5"
    ),
    kinds.seconds("ConnectionTimeOut", "60", "From Preparing to giving up.", "S 9.1.6", least=1),
    kinds.Key(
        name="ConnectorPhaseRotation",
        kind=kinds.Kind.ROTATION,
        default="",
        meaning="Phase order by connector, 0 is the main meter; for whoever balances phases.",
        source="S 9.1.7",
    ),
    kinds.fact(
        "ConnectorPhaseRotationMaxLength",
        kinds.Kind.NUMBER,
        "",
        "Items in ConnectorPhaseRotation: one per connector, and the main meter.",
        "S 9.1.8",
    ),
    kinds.fact(
        "ConnectorSwitch3to1PhaseSupported",
        kinds.Kind.FLAG,
        "",
        "Every three-phase connector switches to one phase amid a transaction.",
        "S 9.4.4; E 4.28",
    ),
    kinds.Key(
        name="CpoName",
        kind=kinds.Kind.TEXT,
        default="",
        meaning="Who runs this station, as its certificate says.",
        source="W 7.5",
        most=x509.MOST_NAME,
    ),
    kinds.flag("CustomDisplayCostAndPrice", "true", "Cost messages are shown.", "OCA costs 3.1"),
    kinds.Key(
        name="DefaultPrice",
        kind=kinds.Kind.TEXT,
        default="",
        meaning="What anybody pays, in JSON: priceText, priceTextOffline, chargingPrice.",
        source="OCA costs 3.1.1",
    ),
    kinds.count(
        "NumberOfDecimalsForCostValues", "2", "Of a cost as it is shown.", "OCA costs 3.1", most=6
    ),
    kinds.number(
        "GetConfigurationMaxKeys", kinds.MOST_KEYS_ASKED, "Keys in one GetConfiguration.", "S 9.1.9"
    ),
    kinds.seconds(
        "HeartbeatInterval",
        "300",
        "Silence before a Heartbeat, 0 = none.",
        "S 9.1.10",
        most=kinds.MOST_SILENCE_S,
    ),
    kinds.flag("LocalAuthListEnabled", "true", "Whether the local list is used.", "S 9.2.1"),
    kinds.limit("LocalAuthListMaxLength", kinds.MOST_LISTED, "Tags in the local list.", "S 9.2.2"),
    kinds.flag("LocalAuthorizeOffline", "true", "Known tags may start while offline.", "S 9.1.12"),
    kinds.flag("LocalPreAuthorize", "false", "Known tags start without asking.", "S 9.1.13"),
    kinds.number(
        "MaxChargingProfilesInstalled",
        profiles.MOST_INSTALLED,
        "Charging profiles held at a time.",
        "S 9.4.5",
    ),
    kinds.count(
        "MaxEnergyOnInvalidId",
        "0",
        "What a tag found invalid may still draw.",
        "S 9.1.14",
        most=kinds.MOST_NUMBER,
        unit="Wh",
    ),
    kinds.seconds(
        "MessageTimeout", "30", "For an answer to a request of ours.", "E 3.83", least=1, most=600
    ),
    kinds.listed(
        "MeterValuesAlignedData",
        kinds.ENERGY,
        "Sampled at clock-aligned times; empty: the energy register.",
        "S 9.1.15",
    ),
    kinds.longest("MeterValuesAlignedData", "S 9.1.16"),
    kinds.listed(
        "MeterValuesSampledData",
        f"{kinds.ENERGY},Power.Active.Import",
        "Sampled during a transaction; empty: the energy register.",
        "S 9.1.17",
    ),
    kinds.longest("MeterValuesSampledData", "S 9.1.18"),
    kinds.seconds(
        "MeterValueSampleInterval",
        "60",
        "Between samples of a transaction, 0 = none.",
        "S 9.1.19",
    ),
    kinds.seconds("MinimumStatusDuration", "0", "A status must last to be told.", "S 9.1.20"),
    kinds.fact(
        "NumberOfConnectors", kinds.Kind.NUMBER, "", "Connectors of this station.", "S 9.1.21"
    ),
    kinds.choice(
        "ReserveConnectorZeroSupported", "true", "Reservations of any connector.", "S 9.3.1"
    ),
    kinds.count(
        "ResetRetries",
        "1",
        "Times to try again to restart the process.",
        "S 9.1.22",
        most=kinds.MOST_RESETS,
        unit="times",
    ),
    kinds.count("SecurityProfile", "0", "0-3; over OCPP it only goes up.", "W 7.6", most=3),
    kinds.limit(
        "SendLocalListMaxLength", kinds.MOST_SENT, "Entries in one SendLocalList.", "S 9.2.3"
    ),
    kinds.limit(
        "StopTransactionMaxMeterValues",
        kinds.MOST_STOP_VALUES,
        "Meter values in a StopTransaction, the first and the last included.",
        "E 3.91",
        least=2,
    ),
    kinds.choice(
        "StopTransactionOnEVSideDisconnect",
        "true",
        "Unplugged at the car ends the transaction.",
        "S 9.1.23; E 3.80",
    ),
    kinds.flag(
        "StopTransactionOnInvalidId", "true", "Stop when the tag proves invalid.", "S 9.1.24"
    ),
    kinds.listed("StopTxnAlignedData", "", "Clock-aligned, sent with StopTransaction.", "S 9.1.25"),
    kinds.longest("StopTxnAlignedData", "S 9.1.26"),
    kinds.listed("StopTxnSampledData", "", "Sampled, sent with StopTransaction.", "S 9.1.27"),
    kinds.longest("StopTxnSampledData", "S 9.1.28"),
    kinds.fact(
        "SupportedFeatureProfiles",
        kinds.Kind.LIST,
        ",".join(kinds.FEATURE_PROFILES),
        "OCPP's feature profiles that are built.",
        "S 9.1.29",
    ),
    kinds.number(
        "SupportedFeatureProfilesMaxLength",
        len(kinds.FEATURE_PROFILES),
        "Items in SupportedFeatureProfiles.",
        "S 9.1.30; E 3.81",
    ),
    kinds.fact(
        "SupportedFileTransferProtocols",
        kinds.Kind.LIST,
        "",
        "What [transfer] protocols allows.",
        "E 3.90",
    ),
    kinds.count(
        "TransactionMessageAttempts",
        "3",
        "Refusals before a transaction message is put aside.",
        "S 9.1.31",
        least=1,
        most=kinds.MOST_ATTEMPTS,
        unit="times",
    ),
    kinds.seconds(
        "TransactionMessageRetryInterval",
        "60",
        "Before it is sent again, times the attempts made.",
        "S 9.1.32",
    ),
    kinds.flag(
        "UnlockConnectorOnEVSideDisconnect",
        "true",
        "Unplugged at the car unlocks; reads false where there is no lock.",
        "S 9.1.33; E 3.84",
    ),
    kinds.seconds("WebSocketPingInterval", "30", "Between pings, 0 = none.", "S 9.1.34"),
)
