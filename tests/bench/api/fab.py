"""Flask-AppBuilder's own REST API over the plain tables, as its documentation sets one up.

Started by `servers` as `tests.bench.api.fab:make`.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder, ModelRestApi
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_sqlalchemy import SQLAlchemy

from tests.bench.api.data import FIELDS
from tests.bench.api.tables import ACCOUNT, DEAL, PERSON

SHOWN = [*FIELDS, "created_at", "account.name"]
TAKEN = [*FIELDS, "account", "owner"]
USER, PASSWORD = "admin", "bench-password"


def make() -> Flask:
    """Makes the application, its tables and its one user."""
    app = Flask("fab")
    app.config.update(
        SECRET_KEY="only for measuring, nothing is kept behind it",
        SQLALCHEMY_DATABASE_URI=os.environ["BENCH_URL"],
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 16},
        FAB_ADD_SECURITY_API=False,
        AUTH_RATE_LIMITED=False,
    )
    database = SQLAlchemy()
    database.init_app(app)
    with app.app_context():
        builder = AppBuilder(app, database.session)
        for api in apis():
            builder.add_api(api)
        if builder.sm.find_user(USER) is None:
            role = builder.sm.find_role("Admin")
            builder.sm.add_user(USER, "A", "B", "a@b.example", role, PASSWORD)
    return app


def apis() -> list[type[Any]]:
    """Gives the API of deals; its models are mapped to the plain tables."""
    from flask_appbuilder import Model
    from sqlalchemy.orm import relationship

    class Person(Model):  # type: ignore[misc]  # Flask-AppBuilder is not typed
        __table__ = PERSON.to_metadata(Model.metadata)

        def __repr__(self) -> str:
            return str(self.name)

    class Account(Model):  # type: ignore[misc]  # likewise
        __table__ = ACCOUNT.to_metadata(Model.metadata)

        def __repr__(self) -> str:
            return str(self.name)

    class Deal(Model):  # type: ignore[misc]  # likewise
        __table__ = DEAL.to_metadata(Model.metadata)
        account = relationship(Account, lazy="joined")
        owner = relationship(Person)

    class DealApi(ModelRestApi):  # type: ignore[misc]  # likewise
        resource_name = "deal"
        datamodel = SQLAInterface(Deal)
        list_columns = show_columns = SHOWN
        add_columns = edit_columns = TAKEN
        max_page_size = 100

    return [DealApi]
