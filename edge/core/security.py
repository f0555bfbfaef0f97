"""Machine `security`: the profile and the key by which the station is let in, and the way back.

A new key or profile takes effect by a reconnect. What worked before is kept until the central
system has let us in with the new one, so that a slip of either side locks nobody out.
What the line is suspected of goes into the security log.
Source: security whitepaper ed. 3, A00, A01, A05; ruling 38.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from edge.core import keys
from edge.core.access import WITH_CERTIFICATE, WITH_KEY, WITH_TLS, Access
from edge.core.draft import Draft
from edge.core.effects import UseAccess
from edge.core.events import DialRefused, FramesRefused, LinkUp
from edge.core.facts import KeyChanged, SecurityNoticed
from edge.core.records import ConfigurationChanged, FallbackKept
from edge.core.state import ChargePoint
from edge.core.vocabulary import CertificateUse, SecurityEvent

KEY: Final = "AuthorizationKey"
PROFILE: Final = "SecurityProfile"


def attempts(state: ChargePoint) -> tuple[Access, ...]:
    """The ways in, in the order in which they are tried, over and over.

    A new profile has two chances before the old one has its turn: the central system may still be
    changing over.
    """
    old, profile = state.station.security.old_profile, keys.number(state, PROFILE)
    profiles = (profile,) if old is None else (profile, profile, old)
    return tuple(way for each in profiles for way in _ways(state, each))


def _ways(state: ChargePoint, profile: int) -> tuple[Access, ...]:
    """With the new key or certificate, then with the one that worked before."""
    if profile in WITH_KEY:
        old_key = state.station.security.old_key
        key = keys.text(state, KEY) or None
        passwords = (key,) if old_key is None else (key, old_key)
        return tuple(Access(profile=profile, key=password) for password in passwords)
    if profile == WITH_CERTIFICATE:
        kept = state.station.credentials.kept
        shown = tuple(one for one in (kept.own, kept.old) if one is not None)
        ways = tuple(Access(profile=profile, credential=one) for one in shown)
        has_file = state.setup.has_certificate or not shown
        return (*ways, Access(profile=profile)) if has_file else ways
    return (Access(profile=profile),)


def on_link_up(draft: Draft, event: LinkUp) -> None:
    """We are in: with the new, or with the old profile, which then stands again (A05.FR.08)."""
    access = event.access
    if access is None:
        return
    kept = replace(draft.station.security, admitted=access, suspected=frozenset())
    if kept.old_profile is not None:
        if access.profile == kept.old_profile:
            _return_to(draft, kept.old_profile)
        kept = replace(kept, old_profile=None)
    if access.profile in WITH_KEY and access.key == (keys.text(draft.state, KEY) or None):
        kept = replace(kept, old_key=None)
    changed = kept.fallback != draft.station.security.fallback
    draft.put_station(security=kept)
    if changed:
        _write(draft)
        draft.do(UseAccess(attempts=attempts(draft.state), reconnect=False))


def _return_to(draft: Draft, profile: int) -> None:
    value = str(profile)
    draft.put_station(configuration={**draft.station.configuration, PROFILE: value})
    draft.write(ConfigurationChanged(key=PROFILE, value=value))
    _note_change(draft, PROFILE)


def _note_change(draft: Draft, key: str) -> None:
    """That it was changed is logged, never its value (A01.FR.11)."""
    event = SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS
    draft.tell(SecurityNoticed(event=event, info=f"{key} was changed"))


def _write(draft: Draft) -> None:
    old_profile, old_key = draft.station.security.fallback
    draft.write(FallbackKept(profile=old_profile, key=old_key))


def may_take(draft: Draft, name: str, value: str) -> bool:
    """Whether *value* fits what else is set; asked before *name* is changed."""
    return name not in CONDITIONS or CONDITIONS[name](draft, value)


def _may_raise(draft: Draft, value: str) -> bool:
    """Only upwards, and only where what it needs is here and valid (A05.FR.01-04)."""
    wanted = int(value)
    return (
        wanted > keys.number(draft.state, PROFILE)
        and not (wanted in WITH_KEY and not keys.text(draft.state, KEY))
        and not (wanted in WITH_TLS and not _has_root(draft))
        and not (wanted == WITH_CERTIFICATE and not _has_certificate(draft))
    )


def _has_root(draft: Draft) -> bool:
    """Of the installer's file only that it is there is known here."""
    installed = draft.station.certificates.of(CertificateUse.CENTRAL_SYSTEM_ROOT)
    return draft.state.setup.has_root or any(one.not_after > draft.at.wall for one in installed)


def _has_certificate(draft: Draft) -> bool:
    own = draft.station.credentials.kept.own
    valid = own is not None and own.not_before <= draft.at.wall < own.not_after
    return draft.state.setup.has_certificate or valid


CONDITIONS: Final[Mapping[str, Callable[[Draft, str], bool]]] = {PROFILE: _may_raise}
"""Keys whose value depends on more than its form."""


def on_key(draft: Draft, fact: KeyChanged) -> None:
    """Reconnect with the new key or profile, once the answer is out; keep the old until then."""
    if fact.key in (KEY, PROFILE):
        _note_change(draft, fact.key)
    security = draft.station.security
    admitted = security.admitted
    if fact.key == KEY and keys.number(draft.state, PROFILE) in WITH_KEY:
        worked = admitted.key if admitted is not None else security.old_key or fact.was or None
        _renew(draft, old_key=worked)
    elif fact.key == PROFILE:
        _renew(draft, old_profile=int(fact.was))


def _renew(draft: Draft, **old: Any) -> None:
    draft.put_station(security=replace(draft.station.security, **old))
    _write(draft)
    draft.do(UseAccess(attempts=attempts(draft.state), reconnect=True))


def on_dial_refused(draft: Draft, event: DialRefused) -> None:
    """Once per suspicion until we are let in: the line is dialled again every few minutes."""
    security = draft.station.security
    if event.suspicion is not None and event.suspicion not in security.suspected:
        suspected = security.suspected | {event.suspicion}
        draft.put_station(security=replace(security, suspected=suspected))
        draft.tell(SecurityNoticed(event=event.suspicion, info=event.why))


def on_frames_refused(draft: Draft, event: FramesRefused) -> None:
    """The link says it rarely, with how many there were."""
    draft.tell(SecurityNoticed(event=event.suspicion, info=f"{event.count} messages"))
