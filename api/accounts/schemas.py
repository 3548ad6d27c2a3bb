"""What the accounts domain sends and takes, and who a caller is."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, computed_field, model_validator

from api.accounts.roles import OFFICE_WIDE, PERMISSIONS, Permission, Role
from api.errors import Forbidden

_PLAIN = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"  # one line of text
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=_PLAIN)]


class ScopeKind(StrEnum):
    """What a grant is limited to."""

    everywhere = "everywhere"
    community = "community"
    department = "department"
    point = "point"


class UserKind(StrEnum):
    """Who acts: people sign in with a password, services with keys alone."""

    person = "person"
    service = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where somebody may do something: everywhere, or in the union of what is named here."""

    everywhere: bool = False
    communities: frozenset[str] = frozenset()  #: names, as points carry them
    departments: frozenset[str] = frozenset()  #: codes of the catalogue
    points: frozenset[str] = frozenset()  #: codes

    def covers(self, *, community: str | None = None, department: str | None = None, point: str | None = None) -> bool:
        """Say whether something that belongs to these lies within."""
        return (
            self.everywhere or community in self.communities or department in self.departments or point in self.points
        )

    def of_places(self) -> "Scope":
        """Give the scope for points and photos, which belong to no department: a department works at every place."""
        return EVERYWHERE if self.departments else self


EVERYWHERE = Scope(everywhere=True)


class Granted(BaseModel):
    """A role, and where it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    scope_kind: ScopeKind = ScopeKind.everywhere
    scope_value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80, pattern=_PLAIN)] = Field(
        default="", description="name of the community, code of the department or point; empty: everywhere"
    )

    @model_validator(mode="after")
    def _whole(self) -> "Granted":
        if (self.scope_kind is ScopeKind.everywhere) != (self.scope_value == ""):
            raise ValueError("scope_value must name a community, a department or a point, or be empty: everywhere")
        return self


class Caller(BaseModel):
    """Who is asking, and what they may do where."""

    model_config = ConfigDict(frozen=True)

    user_id: uuid.UUID
    key_id: uuid.UUID | None = Field(description="the API key that was shown; null for a person who signed in")
    session_id: uuid.UUID | None = Field(default=None, description="the browser's session; null for a key")
    name: str
    grants: tuple[Granted, ...]
    limited_to: frozenset[Permission] | None = Field(
        default=None, description="the permissions that the key carries; null: all that its user has"
    )
    must_change_password: bool = Field(
        default=False, description="somebody else chose the password: nothing else is open before it is changed"
    )
    noted: bool = Field(default=True, exclude=True)  # the use of the key or session in this minute is written down

    @computed_field(description="what this caller may do somewhere")  # type: ignore[prop-decorator]
    @property
    def permissions(self) -> list[Permission]:
        """Give what the caller may do somewhere, in the order of the table."""
        return [one for one in Permission if self.may(one)]

    @property
    def roles(self) -> list[Role]:
        """Give the caller's roles, each once, in the order of the table."""
        return [role for role in Role if any(grant.role is role for grant in self.grants)]

    def scope(self, permission: Permission) -> Scope:
        """Give where the caller may do this; lists are narrowed to it."""
        if self.limited_to is not None and permission not in self.limited_to:
            return Scope()
        giving = [grant for grant in self.grants if permission in PERMISSIONS[grant.role]]
        if any(grant.scope_kind is ScopeKind.everywhere for grant in giving):
            return EVERYWHERE
        if permission in OFFICE_WIDE:
            return Scope()

        def named(kind: ScopeKind) -> frozenset[str]:
            return frozenset(grant.scope_value for grant in giving if grant.scope_kind is kind)

        return Scope(
            communities=named(ScopeKind.community),
            departments=named(ScopeKind.department),
            points=named(ScopeKind.point),
        )

    def may(
        self,
        permission: Permission,
        *,
        community: str | None = None,
        department: str | None = None,
        point: str | None = None,
    ) -> bool:
        """Say whether the caller may do this to what belongs to these; without any of them, whether anywhere at all."""
        scope = self.scope(permission)
        if community is None and department is None and point is None:
            return scope != Scope()
        return scope.covers(community=community, department=department, point=point)

    def require(
        self,
        permission: Permission,
        *,
        community: str | None = None,
        department: str | None = None,
        point: str | None = None,
    ) -> None:
        """Make sure that the caller may do this.

        Raises:
            Forbidden: naming the permission that is missing.
        """
        if not self.may(permission, community=community, department=department, point=point):
            where = " here" if self.may(permission) else ""
            roles = ", ".join(self.roles) or "none"
            raise Forbidden(f"This needs the permission {permission}{where}; your roles ({roles}) do not give it.")


Login = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\s\x00-\x1f\x7f]+$")
]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+?[0-9][0-9 ()/-]{2,30}$")]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]
Language = Literal["zh", "en"]


class NewUser(BaseModel):
    """A user to be added."""

    model_config = ConfigDict(extra="forbid")

    login: Login = Field(examples=["wang.fang"], description="name to sign in with; case does not count")
    name: Name = Field(examples=["王芳"])
    kind: UserKind = UserKind.person
    phone: Phone | None = None
    email: Email | None = None
    language: Language | None = Field(default=None, description="of what is sent to them; null: the office's")
    grants: list[Granted] = Field(default_factory=list, max_length=100)


class UserChange(BaseModel):
    """What is to be changed of a user; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    phone: Phone | None = None
    email: Email | None = None
    language: Language | None = None
    active: bool = True


class GrantView(Granted):
    """A grant as it is kept."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    id: uuid.UUID
    created_at: datetime


class UserView(BaseModel):
    """A user as they are listed."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    login: str
    name: str
    kind: UserKind
    phone: str | None
    email: str | None
    language: str | None
    active: bool
    must_change_password: bool = Field(description="somebody else chose the password")
    created_at: datetime
    updated_at: datetime
    revision: int
    grants: list[GrantView]


class AddedUser(UserView):
    """A user just added, or given a new password; the only time it is shown."""

    first_password: str | None = Field(description="good for one sign-in; null for a service")


class PasswordChange(BaseModel):
    """A password to be chosen."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(default="", max_length=200)
    new: str = Field(max_length=200, pattern=r"^[^\x00]*$")


class SessionView(BaseModel):
    """A browser that is signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    network: str = Field(description="an IPv4 address, or the first 64 bits of an IPv6 one")
    agent: str = Field(description="what the browser says that it is")
    created_at: datetime
    last_seen_at: datetime = Field(description="to the minute")
    expires_at: datetime
    ended_at: datetime | None


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(examples=["Front desk"])
    user_id: uuid.UUID | None = Field(
        default=None, description="whose key it will be; without it a service of that name is made, with `role`"
    )
    role: Role = Field(default=Role.inspector, description="of the service that is made; not read with `user_id`")
    permissions: frozenset[Permission] | None = Field(
        default=None, description="the key may do no more than these; null: all that its user may"
    )
    expires_at: AwareDatetime | None = None


class KeyView(BaseModel):
    """A key as it is listed: never the key itself."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    permissions: list[Permission] | None = Field(description="null: all that its user may")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None


class MadeKey(KeyView):
    """A key just made; the only time it is shown."""

    key: str
