"""Proving a password: the slow part between two short transactions, so that nobody waits for a lock meanwhile."""

from api.accounts import passwords, service, throttle, users
from api.accounts.schemas import Caller, UserKind
from api.database import Database
from api.errors import Forbidden, NotSignedIn, Unfit

WRONG = "This name and password do not fit. Ask an administrator for a new password if you have lost yours."


def by_password(database: Database, *, login: str, password: str, address: str) -> Caller:
    """Give the caller who knows the password; wrong name and wrong password are refused alike, after as long a time.

    Raises:
        NotSignedIn: they do not fit. TooMany: one has to wait first.
    """
    with database.write() as session:
        user_id, kept = users.of_password(session, login)
        attempt = throttle.count(session, login=service.fold(login), user_id=user_id, address=address)
    if not passwords.fits(password, kept) or user_id is None or kept is None:
        raise NotSignedIn(WRONG)
    with database.write() as session:
        throttle.forgive(session, attempt)
        return users.signed_in(session, user_id, kept)


def new_password(database: Database, caller: Caller, *, old: str, new: str, address: str) -> None:
    """Let a person choose their own password.

    Raises:
        Unfit: the old one is wrong, or the new one is not worth keeping, or a service asks. TooMany: wait first.
        Forbidden: who signed in with a key that may less than its user cannot give the user a first password.
    """
    with database.write() as session:
        user = service.get_user(session, caller.user_id)
        if user.kind != UserKind.person:
            raise Unfit("A service has no password: it signs in with keys alone.")
        login, name, kept = user.login, user.name, user.password_hash
        if kept is None and caller.limited_to is not None:
            raise Forbidden("A key that may less than its user cannot give the user a password.")
        attempt = throttle.count(session, login=login, user_id=caller.user_id, address=address) if kept else []
    if kept is not None and not passwords.fits(old, kept):
        raise Unfit("The old password is wrong.")
    passwords.check(new, login=login, name=name)
    if new == old:
        raise Unfit("The new password is the old one.")
    hashed = passwords.keep(new)
    with database.write() as session:
        throttle.forgive(session, attempt)
        users.choose_password(session, caller, proved=kept, kept=hashed)
