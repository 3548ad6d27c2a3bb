"""Registers as files over HTTP."""

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import Query, Response

from api.sheets import XLSX, Fields, Sheet

SheetFormat = Annotated[Literal["csv", "xlsx"], Query()]


def download(sheet: Sheet[Fields], format: Literal["csv", "xlsx"], rows: Iterable[Fields]) -> Response:  # noqa: A002 - the query's name
    """Give the rows as a file to be kept."""
    return Response(
        sheet.write(format, rows),
        media_type=XLSX if format == "xlsx" else "text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{sheet.noun}.{format}"'},
    )
