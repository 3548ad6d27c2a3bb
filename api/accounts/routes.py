"""Who I am, users, grants and keys over HTTP."""

import uuid
from collections.abc import Iterable
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Header, Request, Response
from sqlalchemy.orm import Session

from api.accounts import passwords, proving, service, sessions, users
from api.accounts.door import Router, allow, known
from api.accounts.roles import Permission
from api.accounts.schemas import (
    AddedUser,
    Caller,
    Granted,
    GrantView,
    KeyView,
    MadeKey,
    NewKey,
    NewUser,
    PasswordChange,
    SessionView,
    UserChange,
    UserView,
)
from api.accounts.signing_in import address_of
from api.accounts.tables import User
from api.context import Context
from api.etags import revision_of, tagged
from api.paging import Paged, PageOf

router = Router(tags=["accounts"])

Anybody = Annotated[Caller, Depends(known)]
UserManager = Annotated[Caller, Depends(allow(Permission.manage_users))]
IfMatch = Annotated[str | None, Header()]


@router.get("/me", summary="Who am I, and what may I do")
def who_am_i(caller: Anybody) -> Caller:
    return caller


@router.put("/me/password", status_code=204, summary="Choose my own password; my other sessions end")
async def choose_password(context: Context, caller: Anybody, wanted: PasswordChange, request: Request) -> None:
    def choose() -> None:
        address = address_of(request)
        proving.new_password(context.database, caller, old=wanted.old, new=wanted.new, address=address)

    await anyio.to_thread.run_sync(choose, limiter=context.proving)


@router.get("/me/sessions", summary="The browsers in which I am signed in, newest first")
def list_my_sessions(context: Context, caller: Anybody, window: Paged) -> PageOf[SessionView]:
    with context.database.read() as session:
        rows, following = sessions.list_sessions(session, caller.user_id, window)
        return PageOf(items=[SessionView.model_validate(row) for row in rows], next=following)


@router.delete("/me/sessions/{session_id}", summary="Sign one of my browsers out at once")
def end_my_session(context: Context, caller: Anybody, session_id: uuid.UUID) -> SessionView:
    with context.database.write() as session:
        return SessionView.model_validate(sessions.end(session, caller.user_id, session_id))


@router.get("/users", summary="List users, newest first")
def list_users(context: Context, _: UserManager, window: Paged, active: bool | None = None) -> PageOf[UserView]:
    with context.database.read() as session:
        rows, following = users.list_users(session, window, active=active)
        return PageOf(items=_views(session, rows), next=following)


@router.post("/users", status_code=201, summary="Add a user; a person's first password is shown this once")
def add_user(context: Context, caller: UserManager, wanted: NewUser, response: Response) -> AddedUser:
    first = passwords.first()
    kept = passwords.keep(first)
    with context.database.write() as session:
        user = users.add(session, wanted, caller, kept=kept)
        response.headers["Location"] = f"/api/v1/users/{user.id}"
        view = tagged(_views(session, [user])[0], response)
    return AddedUser(**view.model_dump(), first_password=first if user.must_change_password else None)


@router.get("/users/{user_id}", summary="Show a user")
def get_user(context: Context, _: UserManager, user_id: uuid.UUID, response: Response) -> UserView:
    with context.database.read() as session:
        return tagged(_views(session, [service.get_user(session, user_id)])[0], response)


@router.patch("/users/{user_id}", summary="Change a user; one made inactive is out at once")
def change_user(
    context: Context,
    caller: UserManager,
    user_id: uuid.UUID,
    wanted: UserChange,
    response: Response,
    if_match: IfMatch = None,
) -> UserView:
    with context.database.write() as session:
        user = users.change(session, user_id, wanted, caller, revision=revision_of(if_match))
        return tagged(_views(session, [user])[0], response)


@router.post("/users/{user_id}/password", summary="Give a person a password for one sign-in; all their sessions end")
def reset_password(context: Context, caller: UserManager, user_id: uuid.UUID, response: Response) -> AddedUser:
    first = passwords.first()
    kept = passwords.keep(first)
    with context.database.write() as session:
        user = users.reset_password(session, user_id, caller, kept=kept)
        view = tagged(_views(session, [user])[0], response)
    return AddedUser(**view.model_dump(), first_password=first)


@router.post("/users/{user_id}/grants", status_code=201, summary="Give a user a role, everywhere or within a scope")
def grant(
    context: Context,
    caller: UserManager,
    user_id: uuid.UUID,
    wanted: Granted,
    response: Response,
    if_match: IfMatch = None,
) -> UserView:
    with context.database.write() as session:
        user = users.grant(session, user_id, wanted, caller, revision=revision_of(if_match))
        return tagged(_views(session, [user])[0], response)


@router.delete("/users/{user_id}/grants/{grant_id}", summary="Take a role back at once")
def withdraw(
    context: Context,
    caller: UserManager,
    user_id: uuid.UUID,
    grant_id: uuid.UUID,
    response: Response,
    if_match: IfMatch = None,
) -> UserView:
    with context.database.write() as session:
        user = users.withdraw(session, user_id, grant_id, caller, revision=revision_of(if_match))
        return tagged(_views(session, [user])[0], response)


@router.get("/users/{user_id}/sessions", summary="The browsers in which a user is signed in, newest first")
def list_sessions(context: Context, _: UserManager, user_id: uuid.UUID, window: Paged) -> PageOf[SessionView]:
    with context.database.read() as session:
        rows, following = sessions.list_sessions(session, service.get_user(session, user_id).id, window)
        return PageOf(items=[SessionView.model_validate(row) for row in rows], next=following)


@router.delete("/users/{user_id}/sessions/{session_id}", summary="Sign one of a user's browsers out at once")
def end_session(context: Context, _: UserManager, user_id: uuid.UUID, session_id: uuid.UUID) -> SessionView:
    with context.database.write() as session:
        return SessionView.model_validate(sessions.end(session, user_id, session_id))


@router.get("/keys", summary="List API keys, newest first")
def list_keys(context: Context, _: UserManager, window: Paged, user_id: uuid.UUID | None = None) -> PageOf[KeyView]:
    with context.database.read() as session:
        rows, following = service.list_keys(session, window, user_id=user_id)
        return PageOf(items=[KeyView.model_validate(row) for row in rows], next=following)


@router.post("/keys", status_code=201, summary="Make an API key; it is shown this once")
def make_key(context: Context, caller: UserManager, wanted: NewKey) -> MadeKey:
    with context.database.write() as session:
        user_id = wanted.user_id or service.add_service(session, name=wanted.name, role=wanted.role).id
        users.check_key(session, user_id, wanted.permissions, caller)
        row, key = service.make_key(
            session, user_id, name=wanted.name, permissions=wanted.permissions, expires_at=wanted.expires_at
        )
        users.note_key(session, row, "key_made", caller)
        return MadeKey(key=key, **KeyView.model_validate(row).model_dump())


@router.delete("/keys/{key_id}", summary="Revoke an API key at once")
def revoke_key(context: Context, caller: UserManager, key_id: uuid.UUID) -> KeyView:
    with context.database.write() as session:
        row = service.revoke_key(session, key_id)
        users.note_key(session, row, "key_revoked", caller)
        return KeyView.model_validate(row)


def _views(session: Session, rows: Iterable[User]) -> list[UserView]:
    found = list(rows)
    grants = users.grants_of(session, [user.id for user in found])
    columns = [name for name in UserView.model_fields if name != "grants"]
    return [
        UserView(
            grants=[GrantView.model_validate(one) for one in grants[user.id]],
            **{name: getattr(user, name) for name in columns},
        )
        for user in found
    ]
