"""What the central system asks in the stories: a list, a change of it, a reservation, a limit."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.core.commands import AuthorizationData, ReserveNow, SendLocalList, SetChargingProfile
from edge.core.messages import IdTagInfo
from edge.core.profiles import Period, Profile, Schedule
from edge.core.vocabulary import (
    AuthorizationStatus,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    UpdateType,
)

TAG, OTHER = "04A2B1C3D4E580", "DEADBEEF"

LIST = SendLocalList(
    list_version=1,
    update_type=UpdateType.FULL,
    local_authorization_list=(
        AuthorizationData(id_tag=TAG, id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED)),
    ),
)
CHANGE = SendLocalList(
    list_version=2,
    update_type=UpdateType.DIFFERENTIAL,
    local_authorization_list=(
        AuthorizationData(id_tag=TAG),
        AuthorizationData(id_tag=OTHER, id_tag_info=IdTagInfo(status=AuthorizationStatus.BLOCKED)),
    ),
)
RESERVE = ReserveNow(
    connector_id=1,
    expiry_date=datetime(2099, 1, 1, tzinfo=UTC),
    id_tag=TAG,
    reservation_id=1,
)


def limit(
    limit_a: float, purpose: ProfilePurpose = ProfilePurpose.TX_DEFAULT, connector: int = 1
) -> SetChargingProfile:
    """This limit for a minute, none after it."""
    periods = (Period(start_period=0, limit=limit_a), Period(start_period=60, limit=32.0))
    return SetChargingProfile(
        connector_id=connector,
        cs_charging_profiles=Profile(
            charging_profile_id=len(purpose),
            stack_level=0,
            charging_profile_purpose=purpose,
            charging_profile_kind=ProfileKind.RELATIVE,
            charging_schedule=Schedule(
                charging_rate_unit=RateUnit.A, charging_schedule_period=periods
            ),
        ),
    )
