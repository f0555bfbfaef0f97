"""People: accounts, sign-ins, keys, second factors, identities, mails, audit trail."""

from __future__ import annotations

import sqlalchemy
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create what people need."""
    _accounts()
    _sign_ins()
    _api_keys()
    _second_factors()
    _identities()
    _mail_codes()
    _outbox()
    _audit()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sqlalchemy.Column("account_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("email_key", sqlalchemy.String(length=254)),
        sqlalchemy.Column("email", sqlalchemy.String(length=254)),
        sqlalchemy.Column("name", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("surname", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("language", sqlalchemy.String(length=8), nullable=False),
        sqlalchemy.Column("role", sqlalchemy.String(length=8), nullable=False),
        sqlalchemy.Column("password_hash", sqlalchemy.String(length=128)),
        sqlalchemy.Column("is_verified", sqlalchemy.Boolean(), nullable=False),
        sqlalchemy.Column("is_disabled", sqlalchemy.Boolean(), nullable=False),
        sqlalchemy.Column("token_version", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("changed_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("deleted_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.PrimaryKeyConstraint("account_id", name="pk_accounts"),
        sqlalchemy.UniqueConstraint("email_key", name="uq_accounts_email_key"),
        sqlite_autoincrement=True,
    )


def _sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sqlalchemy.Column("sign_in_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("account_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("family_hash", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("secret_hash", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("token_version", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("address", sqlalchemy.String(length=45)),
        sqlalchemy.Column("device", sqlalchemy.String(length=200)),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("used_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_sign_ins_account_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("sign_in_id", name="pk_sign_ins"),
        sqlalchemy.UniqueConstraint("family_hash", name="uq_sign_ins_family_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_ins_account_id", "sign_ins", ["account_id"])


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sqlalchemy.Column("key_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("account_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("prefix", sqlalchemy.String(length=16), nullable=False),
        sqlalchemy.Column("secret_hash", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("name", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("scopes", sqlalchemy.String(length=1000), nullable=False),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("expires_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("used_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_api_keys_account_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sqlalchemy.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"])


def _second_factors() -> None:
    op.create_table(
        "second_factors",
        sqlalchemy.Column("account_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("secret", sqlalchemy.String(length=32), nullable=False),
        sqlalchemy.Column("confirmed_at_ms", sqlalchemy.BigInteger()),
        sqlalchemy.Column("last_step", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_second_factors_account_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("account_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        sqlalchemy.Column("code_hash", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("account_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_recovery_codes_account_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("code_hash", name="pk_recovery_codes"),
    )
    op.create_index("ix_recovery_codes_account_id", "recovery_codes", ["account_id"])


def _identities() -> None:
    op.create_table(
        "identities",
        sqlalchemy.Column("provider", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("subject", sqlalchemy.String(length=128), nullable=False),
        sqlalchemy.Column("account_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("told_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_identities_account_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("provider", "subject", name="pk_identities"),
    )
    op.create_index("ix_identities_account_id", "identities", ["account_id"])
    op.create_table(
        "user_pushes",
        sqlalchemy.Column("webhook_id", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("webhook_id", name="pk_user_pushes"),
    )


def _mail_codes() -> None:
    op.create_table(
        "mail_codes",
        sqlalchemy.Column("purpose", sqlalchemy.String(length=8), nullable=False),
        sqlalchemy.Column("address_key", sqlalchemy.String(length=254), nullable=False),
        sqlalchemy.Column("account_id", sqlalchemy.Integer()),
        sqlalchemy.Column("code_hmac", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("token_hash", sqlalchemy.String(length=64), nullable=False),
        sqlalchemy.Column("expires_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("token_expires_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("tries_left", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_mail_codes_account_id"
        ),
        sqlalchemy.PrimaryKeyConstraint("purpose", "address_key", name="pk_mail_codes"),
        sqlalchemy.UniqueConstraint("token_hash", name="uq_mail_codes_token_hash"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sqlalchemy.Column("mail_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("address", sqlalchemy.String(length=254), nullable=False),
        sqlalchemy.Column("template", sqlalchemy.String(length=20), nullable=False),
        sqlalchemy.Column("language", sqlalchemy.String(length=8), nullable=False),
        sqlalchemy.Column("values_json", sqlalchemy.Text()),
        sqlalchemy.Column("state", sqlalchemy.String(length=8), nullable=False),
        sqlalchemy.Column("tries", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("created_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("due_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("expires_at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("reply", sqlalchemy.String(length=200)),
        sqlalchemy.PrimaryKeyConstraint("mail_id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_state_due_at_ms", "outbox", ["state", "due_at_ms"])
    op.create_index("ix_outbox_address_state", "outbox", ["address", "state"])


def _audit() -> None:
    op.create_table(
        "audit",
        sqlalchemy.Column("entry_id", sqlalchemy.Integer(), nullable=False),
        sqlalchemy.Column("at_ms", sqlalchemy.BigInteger(), nullable=False),
        sqlalchemy.Column("actor", sqlalchemy.String(length=100), nullable=False),
        sqlalchemy.Column("actor_id", sqlalchemy.Integer()),
        sqlalchemy.Column("address", sqlalchemy.String(length=45)),
        sqlalchemy.Column("action", sqlalchemy.String(length=40), nullable=False),
        sqlalchemy.Column("account_id", sqlalchemy.Integer()),
        sqlalchemy.Column("details_json", sqlalchemy.Text(), nullable=False),
        sqlalchemy.PrimaryKeyConstraint("entry_id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_account_id_entry_id", "audit", ["account_id", "entry_id"])
