"""What the posts domain sends and takes."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.fields import CatalogueCode, OfficeCode, line

MOST_DEPUTIES = 10


class PostFields(BaseModel):
    """A post as it is sent, and as one row of an import."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "code": "CN-01",
                    "zh": "翠宁社区第一书记",
                    "en": "First secretary, Cuining community",
                    "department": None,
                    "community": "翠宁社区",
                    "holder": "程远舟",
                    "login": None,
                    "phone": "",
                    "deputies": ["CN-02"],
                    "superior": None,
                }
            ]
        },
    )

    code: OfficeCode = Field(description="short code, unique; it stays, since others name it")
    zh: Annotated[str, line(80, 1)] = Field(description="the post's title")
    en: Annotated[str, line(80)] = Field(default="", description="the title in English; without it the Chinese one")
    department: CatalogueCode | None = Field(default=None, description="the department it belongs to")
    community: Annotated[str, line(80, 1)] | None = Field(default=None, description="the community it belongs to")
    holder: Annotated[str, line(80)] = Field(
        default="", description="who holds it now, as people write the name; empty: the user's own, or it is vacant"
    )
    login: Annotated[str, line(80, 1)] | None = Field(
        default=None, description="login name of the user who holds it and is told what the post must know"
    )
    phone: Annotated[str, line(40)] = ""
    deputies: list[OfficeCode] = Field(
        default=[], max_length=MOST_DEPUTIES, description="posts that stand in, in order"
    )
    superior: OfficeCode | None = Field(default=None, description="the post that is told when this one does not act")


class PostView(PostFields):
    """A post as it is kept."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    id: uuid.UUID
    user_id: uuid.UUID | None = Field(description="the user of that login name")
    created_at: datetime
    updated_at: datetime
    revision: int


class PostBrief(BaseModel):
    """A post as far as those who meet it elsewhere need it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    code: str
    zh: str
    en: str
    department: str | None
    community: str | None
    holder: str
