"""`Idempotency-Key` for routes: a dependency with which a POST is done once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.accounts.door import known
from api.accounts.schemas import Caller
from api.idempotency import service
from api.idempotency.service import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One request that must not be done twice; without a key it is simply done."""

    caller: Caller
    key: str | None
    path: str

    def answer(self, session: Session, body: BaseModel, do: Callable[[], Answer]) -> Response:
        """Do what was asked, or give the answer that was given when it was done."""
        if self.key is None:
            return _sent(do())
        asked = hashlib.sha256(f"{self.path}\n{body.model_dump_json()}".encode()).hexdigest()
        kept = service.recall(session, self.caller.user_id, self.key, asked)
        if kept is not None:
            return _sent(kept, {"Idempotent-Replayed": "true"})
        done = do()
        service.keep(session, self.caller.user_id, self.key, done)
        return _sent(done)


def _sent(answer: Answer, more: dict[str, str] | None = None) -> Response:
    headers = answer.headers | (more or {})
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)


def _once(
    request: Request,
    caller: Annotated[Caller, Depends(known)],
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="made anew for each request; sent again with the same body, it gets the first answer again",
        ),
    ] = None,
) -> Once:
    return Once(caller=caller, key=idempotency_key, path=request.url.path)


OnceOnly = Annotated[Once, Depends(_once)]
