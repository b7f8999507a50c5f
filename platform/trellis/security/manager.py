"""Flask-AppBuilder's security manager, answering from snapshots instead of SQL."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_appbuilder.security.sqla.models import ApiKey, User
from flask_jwt_extended import get_current_user, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_login import LoginManager
from jwt.exceptions import PyJWTError

from trellis.current import load_account, platform
from trellis.security.access import Account
from trellis.security.api import SecurityApi
from trellis.security.sessions import STAMP, brings_token
from trellis.security.views import LoginView, RolePages

logger = logging.getLogger(__name__)

api_keys: sa.Table = ApiKey.__table__

# How exactly the last use of an API key is written down: each writing is a commit.
USE_RESOLUTION = timedelta(minutes=10)


class SecurityManager(FabSecurityManager):
    """Logs people in and answers permission checks. A check costs no SQL.

    Its own pages for users are off: users are records (`security.users`).
    """

    authdbview = LoginView
    security_api = SecurityApi
    rolemodelview = RolePages
    userstatschartview = None

    def create_db(self) -> None:
        """Makes the two roles that Flask-AppBuilder counts on; the tables are there already."""
        if current_app.config["FAB_CREATE_DB"]:
            self.add_role(self.auth_role_admin)
            self.add_role(self.auth_role_public)

    def register_views(self) -> None:
        """Registers login, tokens, and for administrators the pages of roles and groups."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)
        self.appbuilder.add_view_no_menu(self.rolemodelview)
        self.appbuilder.add_view_no_menu(self.groupmodelview)
        if self.is_auth_limited:
            limit = self.limiter.limit(self.auth_rate_limit, methods=["POST"], key_func=login_key)
            limit(self.auth_view.blueprint)
            limit(current_app.blueprints[self.security_api.__name__])

    def create_login_manager(self, app: object) -> LoginManager:
        """Gives Flask-Login's manager, which knows sessions and tokens."""
        manager: LoginManager = super().create_login_manager(app)
        manager.request_loader(self.load_from_token)
        manager.session_protection = None
        return manager

    def create_jwt_manager(self, app: object) -> object:
        """Gives the manager of tokens; each token carries the stamp of the password."""
        manager = super().create_jwt_manager(app)
        manager.additional_claims_loader(stamp_of)
        return manager

    def load_user(self, pk: int | str) -> Account | None:
        """Gives who a session belongs to; None when she is locked or has a new password."""
        account = load_account(int(pk))
        if account is None or session.get(STAMP) != account.stamp:
            return None
        return account

    def load_user_jwt(self, _header: object, claims: dict[str, object]) -> Account | None:
        """Gives who a token belongs to; None when she is locked or has a new password."""
        subject = str(claims["sub"])
        account = load_account(int(subject)) if subject.isdecimal() else None
        if account is None or claims.get(STAMP) != account.stamp:
            return None
        g.user = account
        return account

    def load_from_token(self, _request: object) -> Account | None:
        """Gives who sends an API key or a token in the header `Authorization`."""
        if not brings_token(request):
            return None
        api_key = self.extract_api_key_from_request()
        if api_key is not None:
            return self.validate_api_key(api_key)
        try:
            verify_jwt_in_request()
        except (JWTExtendedException, PyJWTError):
            return None
        account: Account = get_current_user()
        return account

    def validate_api_key(self, api_key_string: str) -> Account | None:
        """Gives the owner of an API key.

        The keyed hash of 256 random bits says enough; the slow one that Flask-AppBuilder also
        keeps takes 100 ms on every request.
        """
        lookup = self._compute_lookup_hash(api_key_string)
        found = sa.select(api_keys).where(api_keys.c.lookup_hash == lookup)
        with platform().database.read() as connection:
            key = connection.execute(found).one_or_none()
        now = datetime.now()  # noqa: DTZ005  # as Flask-AppBuilder keeps times
        if key is None or not key.active or key.revoked_on is not None:
            return None
        if key.expires_on is not None and key.expires_on < now:
            return None
        if key.last_used_on is None or now - key.last_used_on > USE_RESOLUTION:
            with platform().database.write() as connection:
                used = sa.update(api_keys).where(api_keys.c.id == key.id)
                connection.execute(used.values(last_used_on=now))
        account = load_account(key.user_id)
        g._api_key_user = account is not None
        return account

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Checks a password; nobody gets in whose user record is locked or gone."""
        user: User | None = super().auth_user_db(username, password)
        if user is not None and load_account(user.id) is None:
            logger.info("login refused: account %s is not active", user.id)
            return None
        return user

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Says no: nothing of Flask-AppBuilder is public here."""
        return False

    def _has_view_access(self, user: Account, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in user.permissions

    def _get_user_permission_view_menus(
        self, user: Account | None, permission_name: str, view_menus_name: Sequence[str]
    ) -> set[str]:
        if user is None:
            return set()
        return {view for permission, view in user.permissions if permission == permission_name}


def stamp_of(identity: str) -> dict[str, str]:
    """Gives what a token for an account says besides its id."""
    account = load_account(int(identity))
    return {STAMP: account.stamp} if account else {}


def login_key() -> str:
    """Gives whose tries to log in are counted together: an address and a user name."""
    body = request.get_json(silent=True) if request.is_json else request.form
    name = body.get("username") if isinstance(body, Mapping) else None
    return f"{request.remote_addr}/{str(name).lower()}"
