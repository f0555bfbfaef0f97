"""People: accounts, their sign-ins, the keys of their programs, their second factors."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table

from csms_lite.store.tables.metadata import metadata

accounts: Final = Table(
    "accounts",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("email_key", String(254), unique=True, comment="lower case; nobody's after deletion"),
    Column("email", String(254), comment="as it was given"),
    Column("name", String(100), nullable=False),
    Column("surname", String(100), nullable=False),
    Column("language", String(8), nullable=False),
    Column("role", String(8), nullable=False, comment="see csms_lite.gate"),
    Column("password_hash", String(128), comment="argon2id; none: no sign-in by password"),
    Column("is_verified", Boolean, nullable=False, comment="the address was shown to be theirs"),
    Column("is_disabled", Boolean, nullable=False),
    Column("token_version", Integer, nullable=False, comment="a step ends all sign-ins"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("deleted_at_ms", BigInteger, comment="then nothing here tells who it was"),
    sqlite_autoincrement=True,
)
sign_ins: Final = Table(
    "sign_ins",
    metadata,
    Column("sign_in_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False, index=True),
    Column(
        "family_hash", String(64), nullable=False, unique=True, comment="of the unchanging part"
    ),
    Column("secret_hash", String(64), nullable=False, comment="of the newest refresh token's rest"),
    Column("token_version", Integer, nullable=False, comment="good while it is the account's"),
    Column("address", String(45), comment="where it was last used"),
    Column("device", String(200), comment="what the browser or app calls itself"),
    Column("provider", String(20), comment="who vouched for them then; none: a password"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("key_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False, index=True),
    Column("prefix", String(16), nullable=False, unique=True, comment="names the key to people"),
    Column("secret_hash", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", String(1000), nullable=False, comment="TAG:read and TAG:write, by blanks"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("used_at_ms", BigInteger, comment="to the minute"),
    sqlite_autoincrement=True,
)
second_factors: Final = Table(
    "second_factors",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True),
    Column("secret", String(32), nullable=False, comment="base32: TOTP needs it as it is"),
    Column("confirmed_at_ms", BigInteger, comment="none: not in use yet"),
    Column("last_step", BigInteger, nullable=False, comment="a code is good once"),
)
recovery_codes: Final = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False, index=True),
)
mail_codes: Final = Table(
    "mail_codes",
    metadata,
    Column("purpose", String(8), primary_key=True),
    Column("address_key", String(254), primary_key=True, comment="the newest kills older ones"),
    Column("account_id", ForeignKey("accounts.account_id"), comment="none: nobody's address"),
    Column("code_hmac", String(64), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("expires_at_ms", BigInteger, nullable=False, comment="of the code"),
    Column("token_expires_at_ms", BigInteger, nullable=False),
    Column("tries_left", Integer, nullable=False),
)
identities: Final = Table(
    "identities",
    metadata,
    Column("provider", String(20), primary_key=True),
    Column("subject", String(128), primary_key=True, comment="as the provider names a person"),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False, index=True),
    Column("told_at_ms", BigInteger, nullable=False, comment="of the newest webhook"),
)
user_pushes: Final = Table(
    "user_pushes",
    metadata,
    Column("webhook_id", String(100), primary_key=True, comment="taken once"),
    Column("at_ms", BigInteger, nullable=False),
)
