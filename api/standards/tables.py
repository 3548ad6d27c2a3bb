"""Tables of the standards domain."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Standard(Identified, Table):
    """A version of the assessment standard; it is in force from its first day until the next one's."""

    __tablename__ = "standards"

    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    zh: Mapped[str] = mapped_column(sa.String(120))
    en: Mapped[str] = mapped_column(sa.String(120))
    since: Mapped[date] = mapped_column(unique=True)  # first day; of two versions the later one is in force
    example: Mapped[bool] = mapped_column(default=False)  # shipped to start with: nobody's official text
    items: Mapped[list[Any]] = mapped_column(sa.JSON)  # as `Item`, in the order of the text
    classes_off: Mapped[list[Any]] = mapped_column(sa.JSON)  # as `ClassOff`
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag
