"""One's own account: the password and the browsers that are signed in. Plain HTML: it is there before all else is."""

import uuid
from html import escape
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.accounts import proving, service, sessions
from api.accounts.door import ACCOUNT_PAGE, Router, known
from api.accounts.schemas import Caller, UserKind
from api.accounts.signing_in import address_of
from api.accounts.tables import SignInSession
from api.console.plain import page, text
from api.console.visit import Visit, visit_of
from api.context import Context
from api.errors import Unfit
from api.paging import MOST, Window

router = Router(prefix=ACCOUNT_PAGE, include_in_schema=False)

Anybody = Annotated[Caller, Depends(known)]
_Password = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("")
def show(request: Request) -> Response:
    """Show the account."""
    return _page(visit_of(request))


@router.post("")
async def choose_password(
    request: Request, context: Context, caller: Anybody, new: _Password, again: _Password, old: _Password = ""
) -> Response:
    """Take the new password, typed twice; what does not fit is said on the page."""
    visit = visit_of(request)

    def choose() -> Response:
        if new != again:
            return _page(visit, refused="account.refused.differ")
        try:
            proving.new_password(context.database, caller, old=old, new=new, address=address_of(request))
        except Unfit:
            return _page(visit, refused="account.refused")
        return RedirectResponse("/", status_code=303)

    return await anyio.to_thread.run_sync(choose, limiter=context.proving)


@router.post("/sessions/{session_id}/end")
def end_session(context: Context, caller: Anybody, session_id: uuid.UUID) -> Response:
    """Sign one of one's browsers out."""
    with context.database.write() as session:
        sessions.end(session, caller.user_id, session_id)
    return RedirectResponse(ACCOUNT_PAGE, status_code=303)


def _page(visit: Visit, *, refused: str = "") -> Response:
    caller, language = visit.caller, visit.language
    with visit.service.database.read() as session:
        user = service.get_user(session, caller.user_id)
        rows, _ = sessions.list_sessions(session, caller.user_id, Window(limit=MOST))
    roles = " / ".join(visit.say(f"role.{role}") for role in caller.roles)
    lead = "account.must_change" if caller.must_change_password else "account.lead"
    body = f"""
<h1>{escape(user.name)}</h1>
<p class="lead">{escape(user.login)}{escape(f" · {roles}" if roles else "")}</p>
<p>{text(lead, language)}</p>
{f'<p class="refusal" role="alert">{text(refused, language)}</p>' if refused else ""}
{_password_form(language, has_one=user.password_hash is not None) if user.kind == UserKind.person else ""}
<h2>{text("account.sessions", language)}</h2>
<ul class="sessions">{"".join(_session(visit, row) for row in rows)}</ul>
<p><a class="button" href="/">{text("console.to_issues", language)}</a></p>"""
    title = f"{visit.say('account.title')} · {visit.say('console.brand')}"
    return page(language, title, body, status=422 if refused else 200)


def _password_form(language: str, *, has_one: bool) -> str:
    def field(name: str, complete: str) -> str:
        return f"""
  <label for="{name}">{text(f"account.{name}", language)}</label>
  <input id="{name}" name="{name}" type="password" autocomplete="{complete}" maxlength="200" required>"""

    return f"""
<form name="password" method="post" action="{ACCOUNT_PAGE}">{field("old", "current-password") if has_one else ""}{
        field("new", "new-password")
    }{field("again", "new-password")}
  <p class="hint">{text("account.rules", language)}</p>
  <button type="submit">{text("account.submit", language)}</button>
</form>"""


def _session(visit: Visit, row: SignInSession) -> str:
    say = visit.say
    when = escape(say("account.session", at=visit.moment(row.created_at), seen=visit.moment(row.last_seen_at)))
    if row.id == visit.caller.session_id:
        ending = f"<b>{text('account.this', visit.language)}</b>"
    else:
        ending = f"""<form method="post" action="{ACCOUNT_PAGE}/sessions/{row.id}/end">
<button type="submit">{text("account.end", visit.language)}</button></form>"""
    return f"<li>{escape(row.agent or row.network)}<br>{escape(row.network)} · {when} {ending}</li>"
