"""What the central system asks in the stories: a list, a change of it, a reservation."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.core.commands import AuthorizationData, ReserveNow, SendLocalList
from edge.core.messages import IdTagInfo
from edge.core.vocabulary import AuthorizationStatus, UpdateType

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
