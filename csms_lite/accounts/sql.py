"""Every statement on accounts, their sign-ins, keys, second factors, mail codes and identities."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, bindparam, delete, exists, func, insert, null, or_, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from csms_lite.accounts.rules import Account, Key, SignIn
from csms_lite.gate import Role
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import (
    accounts,
    api_keys,
    identities,
    mail_codes,
    recovery_codes,
    second_factors,
    sign_ins,
    user_pushes,
)

_HAS_FACTOR: Final = exists().where(
    second_factors.c.account_id == accounts.c.account_id,
    second_factors.c.confirmed_at_ms.is_not(None),
)
_ACCOUNT: Final = tuple(
    _HAS_FACTOR.label(name) if name == "has_factor" else accounts.c[name]
    for name in Account._fields
)
_HERE: Final = accounts.c.deleted_at_ms.is_(None)
_ONE: Final = and_(accounts.c.account_id == bindparam("of_account"), _HERE)

IS_CLOSED: Final = or_(accounts.c.is_disabled.is_(True), accounts.c.deleted_at_ms.is_not(None))
"""Of an account whose cards open nothing any more, wherever they are judged or listed."""
by_id: Final = Prepared(select(*_ACCOUNT).where(_ONE))
by_email: Final = Prepared(select(*_ACCOUNT).where(accounts.c.email_key == bindparam("key"), _HERE))
password_of_email: Final = Prepared(
    select(accounts.c.account_id, accounts.c.password_hash).where(
        accounts.c.email_key == bindparam("key"), _HERE
    )
)
password_of: Final = Prepared(select(accounts.c.password_hash).where(_ONE))
page: Final = Prepared(
    select(*_ACCOUNT)
    .where(
        accounts.c.account_id > bindparam("after"),
        or_(bindparam("any_role") == 1, accounts.c.role == bindparam("of_role")),
        or_(
            bindparam("search") == "",
            func.instr(func.lower(accounts.c.email), bindparam("in_email")) > 0,
            func.instr(func.lower(accounts.c.name), bindparam("in_name")) > 0,
            func.instr(func.lower(accounts.c.surname), bindparam("in_surname")) > 0,
        ),
        _HERE,
    )
    .order_by(accounts.c.account_id)
    .limit(bindparam("count"))
)
admins: Final = Prepared(
    select(func.count())
    .select_from(accounts)
    .where(accounts.c.role == str(Role.ADMIN), accounts.c.is_disabled == bindparam("off"), _HERE)
)
add: Final = Prepared(
    insert(accounts)
    .values(
        email_key=bindparam("email_key"),
        email=bindparam("email"),
        name=bindparam("name"),
        surname=bindparam("surname"),
        language=bindparam("language"),
        role=bindparam("role"),
        password_hash=bindparam("password_hash"),
        is_verified=bindparam("is_verified"),
        is_disabled=bindparam("is_disabled"),
        token_version=1,
        created_at_ms=bindparam("now_ms"),
        changed_at_ms=bindparam("changed_ms"),
    )
    .returning(accounts.c.account_id)
)
change: Final = Prepared(
    update(accounts)
    .where(_ONE)
    .values(
        email_key=bindparam("new_email_key"),
        email=bindparam("new_email"),
        name=bindparam("new_name"),
        surname=bindparam("new_surname"),
        language=bindparam("new_language"),
        role=bindparam("new_role"),
        is_verified=bindparam("new_is_verified"),
        is_disabled=bindparam("new_is_disabled"),
        token_version=bindparam("new_token_version"),
        changed_at_ms=bindparam("now_ms"),
    )
)
set_password: Final = Prepared(
    update(accounts)
    .where(_ONE)
    .values(
        password_hash=bindparam("new_hash"),
        token_version=accounts.c.token_version + 1,
        changed_at_ms=bindparam("now_ms"),
    )
)
end_all: Final = Prepared(
    update(accounts).where(_ONE).values(token_version=accounts.c.token_version + 1)
)
forget_person: Final = Prepared(
    update(accounts)
    .where(_ONE)
    .values(
        email_key=null(),
        email=null(),
        name="",
        surname="",
        password_hash=null(),
        role=str(Role.USER),
        is_disabled=True,
        token_version=accounts.c.token_version + 1,
        changed_at_ms=bindparam("now_ms"),
        deleted_at_ms=bindparam("gone_ms"),
    )
)

_GOOD: Final = sign_ins.c.token_version == accounts.c.token_version
_BOTH: Final = sign_ins.join(accounts, sign_ins.c.account_id == accounts.c.account_id)

bearer: Final = Prepared(
    select(*_ACCOUNT)
    .select_from(_BOTH)
    .where(
        sign_ins.c.sign_in_id == bindparam("sign_in_id"),
        sign_ins.c.account_id == bindparam("of_account"),
        accounts.c.token_version == bindparam("token_version"),
        _GOOD,
        _HERE,
    )
)
begin: Final = Prepared(
    insert(sign_ins)
    .values(
        account_id=bindparam("account_id"),
        family_hash=bindparam("family_hash"),
        secret_hash=bindparam("secret_hash"),
        token_version=bindparam("token_version"),
        address=bindparam("address"),
        device=bindparam("device"),
        provider=bindparam("provider"),
        created_at_ms=bindparam("now_ms"),
        used_at_ms=bindparam("used_ms"),
    )
    .returning(sign_ins.c.sign_in_id)
)
by_family: Final = Prepared(
    select(
        sign_ins.c.sign_in_id, sign_ins.c.secret_hash, sign_ins.c.used_at_ms, sign_ins.c.account_id
    )
    .select_from(_BOTH)
    .where(sign_ins.c.family_hash == bindparam("family_hash"), _GOOD, _HERE)
)
rotate: Final = Prepared(
    update(sign_ins)
    .where(sign_ins.c.sign_in_id == bindparam("of_sign_in"))
    .values(
        secret_hash=bindparam("new_secret_hash"),
        address=bindparam("new_address"),
        used_at_ms=bindparam("now_ms"),
    )
)
sign_ins_of: Final = Prepared(
    select(*(sign_ins.c[name] for name in SignIn._fields))
    .select_from(_BOTH)
    .where(
        sign_ins.c.account_id == bindparam("of_account"),
        sign_ins.c.used_at_ms > bindparam("after_ms"),
        _GOOD,
    )
    .order_by(sign_ins.c.used_at_ms.desc(), sign_ins.c.sign_in_id.desc())
)
end: Final = Prepared(
    delete(sign_ins).where(
        sign_ins.c.sign_in_id == bindparam("of_sign_in"),
        sign_ins.c.account_id == bindparam("of_account"),
    )
)
end_every: Final = Prepared(
    delete(sign_ins).where(sign_ins.c.account_id == bindparam("of_account"))
)
_newest = (
    select(sign_ins.c.sign_in_id)
    .where(sign_ins.c.account_id == bindparam("kept_account"))
    .order_by(sign_ins.c.used_at_ms.desc(), sign_ins.c.sign_in_id.desc())
    .limit(bindparam("keep"))
)
make_room: Final = Prepared(
    delete(sign_ins).where(
        sign_ins.c.account_id == bindparam("of_account"), sign_ins.c.sign_in_id.not_in(_newest)
    )
)
_OUTSIDE: Final = sign_ins.c.provider == bindparam("of_provider")
vouched_for: Final = Prepared(
    select(identities.c.subject)
    .where(
        identities.c.provider == bindparam("of_provider"),
        identities.c.subject > bindparam("after"),
        identities.c.account_id.in_(select(sign_ins.c.account_id).where(_OUTSIDE)),
    )
    .order_by(identities.c.subject)
    .limit(bindparam("count"))
)
end_outside: Final = Prepared(
    delete(sign_ins).where(
        sign_ins.c.account_id == bindparam("of_account"),
        sign_ins.c.created_at_ms < bindparam("before_ms"),
        _OUTSIDE,
    )
)
forget_old: Final = Prepared(delete(sign_ins).where(sign_ins.c.used_at_ms <= bindparam("until_ms")))

_KEY: Final = tuple(api_keys.c[name] for name in Key._fields)

key_by_prefix: Final = Prepared(
    select(
        api_keys.c.key_id,
        api_keys.c.secret_hash,
        api_keys.c.scopes,
        api_keys.c.expires_at_ms,
        api_keys.c.used_at_ms,
        *_ACCOUNT,
    )
    .join_from(api_keys, accounts, api_keys.c.account_id == accounts.c.account_id)
    .where(api_keys.c.prefix == bindparam("prefix"), _HERE)
)
keys_of: Final = Prepared(
    select(*_KEY)
    .where(api_keys.c.account_id == bindparam("of_account"))
    .order_by(api_keys.c.key_id)
)
add_key: Final = Prepared(
    insert(api_keys)
    .values(
        account_id=bindparam("account_id"),
        prefix=bindparam("prefix"),
        secret_hash=bindparam("secret_hash"),
        name=bindparam("name"),
        scopes=bindparam("scopes"),
        created_at_ms=bindparam("now_ms"),
        expires_at_ms=bindparam("expires_at_ms"),
    )
    .returning(*_KEY)
)
key_used: Final = Prepared(
    update(api_keys)
    .where(api_keys.c.key_id == bindparam("of_key"))
    .values(used_at_ms=bindparam("now_ms"))
)
remove_key: Final = Prepared(
    delete(api_keys).where(
        api_keys.c.key_id == bindparam("of_key"), api_keys.c.account_id == bindparam("of_account")
    )
)
remove_keys: Final = Prepared(
    delete(api_keys).where(api_keys.c.account_id == bindparam("of_account"))
)

factor: Final = Prepared(
    select(
        second_factors.c.secret, second_factors.c.confirmed_at_ms, second_factors.c.last_step
    ).where(second_factors.c.account_id == bindparam("of_account"))
)
begin_factor: Final = Prepared(
    insert(second_factors).values(
        account_id=bindparam("account_id"), secret=bindparam("secret"), last_step=0
    )
)
factor_used: Final = Prepared(
    update(second_factors)
    .where(second_factors.c.account_id == bindparam("of_account"))
    .values(
        last_step=bindparam("new_step"),
        confirmed_at_ms=func.coalesce(second_factors.c.confirmed_at_ms, bindparam("now_ms")),
    )
)
remove_factor: Final = Prepared(
    delete(second_factors).where(second_factors.c.account_id == bindparam("of_account"))
)
add_recovery_code: Final = Prepared(
    insert(recovery_codes).values(
        code_hash=bindparam("code_hash"), account_id=bindparam("account_id")
    )
)
use_recovery_code: Final = Prepared(
    delete(recovery_codes).where(
        recovery_codes.c.code_hash == bindparam("hash"),
        recovery_codes.c.account_id == bindparam("of_account"),
    )
)
remove_recovery_codes: Final = Prepared(
    delete(recovery_codes).where(recovery_codes.c.account_id == bindparam("of_account"))
)

_CODE: Final = and_(
    mail_codes.c.purpose == bindparam("of_purpose"), mail_codes.c.address_key == bindparam("of_key")
)

code: Final = Prepared(
    select(
        mail_codes.c.account_id,
        mail_codes.c.code_hmac,
        mail_codes.c.expires_at_ms,
        mail_codes.c.tries_left,
    ).where(_CODE)
)
code_by_token: Final = Prepared(
    select(
        mail_codes.c.purpose,
        mail_codes.c.address_key,
        mail_codes.c.account_id,
        mail_codes.c.token_expires_at_ms,
    ).where(mail_codes.c.token_hash == bindparam("token_hash"))
)
add_code: Final = Prepared(
    insert(mail_codes).values(
        purpose=bindparam("purpose"),
        address_key=bindparam("address_key"),
        account_id=bindparam("account_id"),
        code_hmac=bindparam("code_hmac"),
        token_hash=bindparam("token_hash"),
        expires_at_ms=bindparam("expires_at_ms"),
        token_expires_at_ms=bindparam("token_expires_at_ms"),
        tries_left=bindparam("tries_left"),
    )
)
count_wrong: Final = Prepared(
    update(mail_codes).where(_CODE).values(tries_left=mail_codes.c.tries_left - 1)
)
forget_code: Final = Prepared(delete(mail_codes).where(_CODE))
forget_codes: Final = Prepared(
    delete(mail_codes).where(mail_codes.c.token_expires_at_ms <= bindparam("now_ms"))
)
forget_codes_of: Final = Prepared(
    delete(mail_codes).where(mail_codes.c.account_id == bindparam("of_account"))
)

identity: Final = Prepared(
    select(identities.c.account_id, identities.c.told_at_ms).where(
        identities.c.provider == bindparam("of_provider"),
        identities.c.subject == bindparam("of_subject"),
    )
)
_new_identity = sqlite_insert(identities).values(
    provider=bindparam("provider"),
    subject=bindparam("subject"),
    account_id=bindparam("account_id"),
    told_at_ms=bindparam("told_at_ms"),
)
add_identity: Final = Prepared(
    _new_identity.on_conflict_do_update(
        index_elements=[identities.c.provider, identities.c.subject],
        set_={"account_id": _new_identity.excluded.account_id},
    )
)
identity_told: Final = Prepared(
    update(identities)
    .where(
        identities.c.provider == bindparam("of_provider"),
        identities.c.subject == bindparam("of_subject"),
    )
    .values(told_at_ms=bindparam("at_ms"))
)
webhook_seen: Final = Prepared(
    sqlite_insert(user_pushes)
    .values(webhook_id=bindparam("webhook_id"), at_ms=bindparam("now_ms"))
    .on_conflict_do_nothing()
)
forget_webhooks: Final = Prepared(
    delete(user_pushes).where(user_pushes.c.at_ms <= bindparam("until_ms"))
)
take_over: Final = Prepared(
    update(accounts)
    .where(_ONE)
    .values(
        password_hash=null(),
        is_verified=True,
        token_version=accounts.c.token_version + 1,
        changed_at_ms=bindparam("now_ms"),
    )
)
