"""Sentences in the reader's language: Flask-Babel's functions, with types."""

from __future__ import annotations

import flask_babel
from flask_babel import lazy_gettext

__all__ = ["gettext", "lazy_gettext", "ngettext"]


def gettext(message: str, **values: object) -> str:
    """Gives a sentence, filled with `values` where it names them as `%(name)s`."""
    return str(flask_babel.gettext(message, **values))


def ngettext(singular: str, plural: str, number: int, **values: object) -> str:
    """Gives a sentence for a number, which it may name as `%(num)s`."""
    return str(flask_babel.ngettext(singular, plural, number, **values))
