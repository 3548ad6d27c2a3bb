"""What is sent and taken of saved filters."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_LINE = r"^[^\x00-\x1f\x7f]+$"


class FilterFields(BaseModel):
    """A choice, in the words of the list's address."""

    model_config = ConfigDict(from_attributes=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=_LINE)]
    query: str = Field(
        max_length=1000, pattern=r"^[\x21-\x7e]*$", description="what stands behind the ? of the page's address"
    )
