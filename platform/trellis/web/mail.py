"""`/mail/unsubscribe/<token>`: where the link in each letter leads, for whoever has the letter."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, render_template

from trellis.current import platform, public
from trellis.declared import declares
from trellis.mail.optout import PATH, address_in, opt_out

blueprint = Blueprint("mail", __name__)


@blueprint.get(f"{PATH}/<token>")
@public
@declares("", "")
def ask(token: str) -> str:
    """Asks whether the address is to have no more mail: programs follow links by themselves."""
    return render_template("mail_optout.html", address=address_of(token), is_out=False)


@blueprint.post(f"{PATH}/<token>")
@public
@declares("", "")
def leave(token: str) -> str:
    """Keeps the address from further mail; also the one click of a mail program (RFC 8058)."""
    address = address_of(token)
    platform().database.do(lambda connection: opt_out(connection, address))
    return render_template("mail_optout.html", address=address, is_out=True)


def address_of(token: str) -> str:
    """Gives the address that a token is of; answers 404 to one that we did not make."""
    found = address_in(platform().settings.secret_key, token)
    return found or abort(404)


def install(app: Flask) -> None:
    """Adds the pages. What stands in the letter is the token that forms have."""
    app.register_blueprint(blueprint)
    app.extensions["csrf"].exempt(blueprint)
