"""Flask-AppBuilder's security manager, answering from snapshots instead of SQL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from flask import current_app, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_appbuilder.security.sqla.models import User
from flask_jwt_extended import get_current_user, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_login import LoginManager
from jwt.exceptions import PyJWTError

from metadata.scopes import limited
from trellis.audit.logins import note_login
from trellis.current import catalog, connection, load_account, platform
from trellis.rates import forgive_login
from trellis.security.access import Account
from trellis.security.api import SecurityApi, unauthorized
from trellis.security.api_keys import find_key, lookup_hash, note_use
from trellis.security.group_pages import GroupPages
from trellis.security.open_sessions import find_session, note_seen
from trellis.security.preview import seen_as
from trellis.security.sessions import KEY, STAMP, brings_token
from trellis.security.tokens import CheckedTokens, Claims
from trellis.security.views import LoginView, RolePages

logger = logging.getLogger(__name__)

API = "/api/"
# A name that nobody has.
NOBODY = "\ufffd"


class SecurityManager(FabSecurityManager):
    """Logs people in and answers permission checks. A check costs no SQL.

    Its own pages for users are off: users are records (`security.users`).
    """

    authdbview = LoginView
    security_api = SecurityApi
    rolemodelview = RolePages
    groupmodelview = GroupPages
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

    def create_login_manager(self, app: object) -> LoginManager:
        """Gives Flask-Login's manager, which knows sessions and tokens."""
        manager: LoginManager = super().create_login_manager(app)
        manager.request_loader(self.load_from_token)
        manager.session_protection = None
        return manager

    def create_jwt_manager(self, app: object) -> object:
        """Gives the manager of tokens; each token carries the stamp of the password."""
        self.checked = CheckedTokens()
        manager = super().create_jwt_manager(app)
        manager.additional_claims_loader(stamp_of)
        for refused in (manager.unauthorized_loader, manager.invalid_token_loader):
            refused(lambda _reason: unauthorized("not_logged_in"))
        for lapsed in (manager.expired_token_loader, manager.user_lookup_error_loader):
            lapsed(lambda _header, _claims: unauthorized("token_lapsed"))
        return manager

    def load_user(self, pk: int | str) -> Account | None:
        """Gives who a session belongs to, or whose eyes it sees with; None when it has ended, or
        she is locked or has a new password."""
        account = load_account(int(pk))
        if account is None or session.get(STAMP) != account.stamp:
            return None
        found = find_session(connection(), str(session.get(KEY, "")))
        if found is None or found.account != account.id:
            return None
        note_seen(platform().database, found)
        return seen_as(account)

    def load_user_jwt(self, _header: object, claims: Claims) -> Account | None:
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
        header = request.headers["Authorization"]
        known = self.checked.claims(header)
        if known is not None:
            return self.load_user_jwt(None, known)
        api_key = self.extract_api_key_from_request()
        if api_key is not None:
            return self.validate_api_key(api_key)
        try:
            verify_jwt_in_request()
        except (JWTExtendedException, PyJWTError):
            return None
        self.checked.keep(header, get_jwt())
        account: Account = get_current_user()
        return account

    def validate_api_key(self, api_key_string: str) -> Account | None:
        """Gives the owner of an API key, kept to its scopes; only the API takes keys."""
        if not request.path.startswith(API):
            return None
        database = platform().database
        with database.read() as connection:
            key = find_key(connection, lookup_hash(api_key_string))
        if key is None or not key.is_valid:
            return None
        account = load_account(key.account)
        if account is None:
            return None
        note_use(database, key)
        principal = limited(account.principal, key.limits, catalog())
        return replace(
            account,
            principal=principal,
            permissions=frozenset(),
            key=key.number,
            scopes=key.limits,
        )

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Checks a password; nobody gets in whose user record is locked or gone."""
        # What no database could hold is nobody's name, and takes as long as any other.
        name = username if username.isprintable() else NOBODY
        user: User | None = super().auth_user_db(name, password)
        account = None if user is None else load_account(user.id)
        if user is None or account is None:
            if user is not None:
                logger.info("login refused: account %s is not active", user.id)
            note_login("login_failed", username)
            return None
        forgive_login(current_app)
        note_login("login", account.user_id)
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
