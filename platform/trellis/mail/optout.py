"""Who wants no more mail: by the link in each letter, or by one click of a mail program."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer

from trellis.db import clock, insert_into
from trellis.mail.tables import mail_optout

PATH: Final = "/mail/unsubscribe"
SALT: Final = "mail-optout"


def token_for(secret_key: str, address: str) -> str:
    """Gives what proves that somebody has a letter to this address."""
    return URLSafeSerializer(secret_key, salt=SALT).dumps(address.lower())


def address_in(secret_key: str, token: str) -> str | None:
    """Gives the address that a token is of; None for one that we did not make."""
    try:
        return str(URLSafeSerializer(secret_key, salt=SALT).loads(token))
    except BadSignature:
        return None


def opt_out(connection: sa.Connection, address: str) -> None:
    """Keeps an address from further mail."""
    row = {"address": address.lower(), "since": clock(connection)}
    connection.execute(insert_into(connection, mail_optout).values(row).on_conflict_do_nothing())


def opt_in(connection: sa.Connection, address: str) -> None:
    """Lets an address have mail again."""
    mine = mail_optout.c.address == address.lower()
    connection.execute(sa.delete(mail_optout).where(mine))


def wants_none(connection: sa.Connection, address: str) -> bool:
    """Says whether an address is kept from mail."""
    mine = mail_optout.c.address == address.lower()
    return connection.execute(sa.select(sa.exists().where(mine))).scalar_one()
