"""Tables of the posts domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Post(Identified, Table):
    """A post (岗位) that problems are given to; persons come and go, the post stays."""

    __tablename__ = "posts"

    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    zh: Mapped[str] = mapped_column(sa.String(80))
    en: Mapped[str] = mapped_column(sa.String(80), default="")
    department: Mapped[str | None] = mapped_column(sa.String(48), index=True)  # code in the catalogue
    community: Mapped[str | None] = mapped_column(sa.String(80), index=True)  # as points name it
    holder: Mapped[str] = mapped_column(sa.String(80), default="")  # as people write the name
    user_id: Mapped[uuid.UUID | None] = mapped_column(index=True)  # whose inbox hears of what the post must know
    phone: Mapped[str] = mapped_column(sa.String(40), default="")
    deputies: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)  # codes of posts, in their order
    superior: Mapped[str | None] = mapped_column(
        sa.String(32)
    )  # code of the post that is told when this one does not act
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag
