"""Login and logout pages in our own look."""

from __future__ import annotations

from typing import ClassVar

from flask import Response, flash, g, redirect, request, session
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.views import AuthDBView, RoleModelView
from flask_babel import gettext
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from trellis.audit.logins import note_login
from trellis.current import load_account, platform
from trellis.security.open_sessions import begin_session, end_key
from trellis.security.page_actions import PageActions
from trellis.security.redirects import safe_path
from trellis.security.sessions import KEY, STAMP

KEPT_AT_LOGIN = ("language",)


class LoginForm(FlaskForm):
    """User name and password."""

    username = StringField(validators=[DataRequired(), Length(max=128)])
    password = PasswordField(validators=[DataRequired(), Length(max=1024)])


class LoginView(AuthDBView):
    """`/login` and `/logout`."""

    login_template = "security/login.html"

    @expose("/login", methods=["GET", "POST"])
    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> BaseResponse | str | tuple[str, int]:
        """Shows the form, or lets somebody in and leads on to `next`."""
        target = safe_path(request.args.get("next"))
        if g.user is not None and g.user.is_authenticated:
            return redirect(target)
        # Without its data named, the form would read JSON, whatever that holds.
        form = LoginForm(request.form)
        if request.method == "GET":
            return self.show(form)
        if form.validate():
            user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            if user is not None and log_in(user.id):
                return redirect(target)
            flash(gettext("User name or password is wrong."), "danger")
        return self.show(form), 401

    def show(self, form: LoginForm) -> str:
        """Renders the form."""
        page: str = self.render_template(self.login_template, form=form, title=gettext("Sign in"))
        return page

    @expose("/logout", methods=["GET", "POST"])
    @expose("/logout/", methods=["GET", "POST"])
    @no_cache
    def logout(self) -> Response | BaseResponse:
        """Ends the session."""
        if g.user is not None and g.user.is_authenticated:
            note_login("logout", g.user.user_id)
        logout_user()
        end_here()
        return redirect("/login")


class RolePages(PageActions, RoleModelView):
    """`/roles`: what Flask-AppBuilder keeps of roles, to look at.

    Roles are written as definitions; renamed here they would lose their grants.
    """

    route_base = "/roles"
    base_permissions: ClassVar[list[str]] = ["can_list", "can_show"]
    list_columns: ClassVar[list[str]] = ["name"]


def log_in(account_id: int) -> bool:
    """Makes a fresh session for an account; nothing of the old one but the language stays."""
    account = load_account(account_id)
    if account is None:
        return False
    kept = {name: session[name] for name in KEPT_AT_LOGIN if name in session}
    end_here()
    session.update(kept)
    agent, address = request.headers.get("User-Agent", ""), request.remote_addr or ""
    session[KEY] = platform().database.do(
        lambda connection: begin_session(connection, account.id, address, agent)
    )
    session[STAMP] = account.stamp
    login_user(account)
    return True


def end_here() -> None:
    """Ends the session at hand, for every holder of its cookie."""
    key = session.get(KEY)
    if key is not None:
        platform().database.do(lambda connection: end_key(connection, str(key)))
    session.clear()
