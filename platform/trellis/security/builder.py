"""Flask-AppBuilder put into our application: its login, its roles, its session of its own."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.views import UtilView
from sqlalchemy.orm import scoped_session, sessionmaker

from trellis.config import Settings
from trellis.current import LOCALES, locale, zone
from trellis.db import make_engine
from trellis.security.api_keys import PREFIX
from trellis.security.manager import SecurityManager

ADMIN_ROLE = "admin"


class Builder(AppBuilder):
    """Registers what Trellis uses of Flask-AppBuilder: security, and no pages of records."""

    def _add_admin_views(self) -> None:
        self.add_view_no_menu(UtilView)
        self.sm.register_views()

    @property
    def get_url_for_index(self) -> str:
        """Gives our home page."""
        return "/"

    def get_url_for_locale(self, lang: str) -> str:
        """Gives the address that switches the language."""
        return f"/lang/{lang}"


def install_builder(app: Flask, settings: Settings, *, set_up: bool) -> Builder:
    """Puts Flask-AppBuilder into `app`.

    With `set_up` its tables and permission rows are made; otherwise it writes nothing at start, so
    that any number of processes can start at once.
    """
    app.config.update(
        APP_NAME="Trellis",
        AUTH_TYPE=1,
        AUTH_ROLE_ADMIN=ADMIN_ROLE,
        FAB_API_KEY_ENABLED=True,
        FAB_API_KEY_PREFIXES=[PREFIX],
        FAB_ADD_SECURITY_API=False,
        FAB_BASE_TEMPLATE="fab_base.html",
        FAB_CREATE_DB=set_up,
        FAB_UPDATE_PERMS=set_up,
        LANGUAGES={
            "en": {"flag": "gb", "name": "English"},
            "zh": {"flag": "cn", "name": "中文"},
        },
    )
    engine = make_engine(settings.database_url, settings.synchronous, autocommit=True)
    session = scoped_session(sessionmaker(engine))
    app.extensions["trellis_fab_engine"] = engine

    @app.teardown_appcontext
    def close(_error: BaseException | None) -> None:
        session.remove()

    with app.app_context():
        builder = Builder(app, session, security_manager_class=SecurityManager)
        builder.post_init()
    builder.sm.lm.login_view = f"{builder.sm.auth_view.endpoint}.login"
    babel = app.extensions["babel"]
    babel.locale_selector = locale
    babel.timezone_selector = lambda: zone().key
    app.jinja_env.globals["locales"] = LOCALES
    return builder
