"""What the notify domain sends and takes."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Plain = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$", max_length=80)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
EventKind = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}\.([a-z_]{1,40}|\*)$")]
Language = Literal["zh", "en"]


class Channel(StrEnum):
    """How a message leaves."""

    webhook = "webhook"
    mail = "mail"


class DeliveryState(StrEnum):
    """How far a delivery is."""

    waiting = "waiting"
    delivered = "delivered"
    dead = "dead"  # given up; can be sent again


class Template(StrEnum):
    """What is sent to a webhook."""

    json = "json"  # everything, signed as Standard Webhooks has it
    wecom = "wecom"  # 企业微信群机器人
    dingtalk = "dingtalk"  # 钉钉群机器人
    feishu = "feishu"  # 飞书群机器人


class Failure(StrEnum):
    """Why a try to deliver failed."""

    unknown_name = "unknown_name"
    refused_address = "refused_address"
    no_connection = "no_connection"
    tls = "tls"
    timeout = "timeout"
    broken_off = "broken_off"
    redirected = "redirected"
    status = "status"
    gone = "gone"
    robot = "robot"  # the robot answered, but with an error of its own
    slow_down = "slow_down"
    sealed = "sealed"  # the secret cannot be opened any more
    no_mailbox = "no_mailbox"
    mail_refused = "mail_refused"
    switched_off = "switched_off"
    fault = "fault"  # our own; the log says more


class Filters(BaseModel):
    """What a webhook is told of; an empty list does not narrow."""

    model_config = ConfigDict(extra="forbid")

    classes: list[Code] = Field(default_factory=list, max_length=100)
    communities: list[Code] = Field(default_factory=list, max_length=100)
    departments: list[Code] = Field(default_factory=list, max_length=100)
    points: list[Code] = Field(default_factory=list, max_length=1000)


class WebhookFields(BaseModel):
    """A webhook as it is made or changed."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Plain, Field(min_length=1, examples=["City platform"])]
    url: str | None = Field(
        default=None, max_length=1000, description="where to; write-only, left out: as it was", examples=["https://…"]
    )
    secret: str | None = Field(
        default=None,
        max_length=200,
        description="write-only. json: left out, one is made and shown once. Robots: what their signature is made with",
    )
    template: Template = Template.json
    language: Language = "zh"
    kinds: list[EventKind] = Field(
        default_factory=list, max_length=100, description="events, e.g. `issue.overdue` or `issue.*`; empty: all"
    )
    filters: Filters = Field(default_factory=Filters)
    active: bool = True


class WebhookView(BaseModel):
    """A webhook as it is listed: never its secret, nor the part of its address that may hold a key."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    template: Template
    language: Language
    address: str = Field(description="host only")
    kinds: list[str]
    filters: Filters
    active: bool
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None = Field(description="switched off by the service after a long failure")
    revision: int


class MadeWebhook(WebhookView):
    """A webhook just made, or given a new secret; the only time that the secret is shown."""

    secret: str | None


class AttemptView(BaseModel):
    """One try to deliver."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    took_ms: int
    status: int | None
    error: Failure | None
    answer: str = Field(description="the first 500 characters of what came back")


class DeliveryView(BaseModel):
    """One message on its way to one webhook."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID = Field(description="`webhook-id`: by it a receiver knows a repetition")
    kind: str
    state: DeliveryState
    created_at: datetime
    not_before: datetime = Field(description="when a waiting one is tried next")
    attempts: int
    ended_at: datetime | None
    error: Failure | None


class DeliveryDetails(DeliveryView):
    """One delivery with what was sent and every try."""

    payload: dict[str, Any]
    tries: list[AttemptView]


class Resent(BaseModel):
    """How many dead deliveries are on their way again."""

    count: int


class Notice(BaseModel):
    """What is told, in no language yet."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(max_length=80, description="nobody is told the same key twice")
    kind: str = Field(max_length=64)
    at: datetime
    facts: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _zoned(self) -> Self:
        if self.at.tzinfo is None:
            raise ValueError("a moment without a zone")
        return self


class Preferences(BaseModel):
    """How somebody wants to be told."""

    model_config = ConfigDict(extra="forbid")

    mail: list[EventKind] = Field(
        default_factory=list, max_length=100, description="events that come by e-mail as well, e.g. `issue.*`"
    )
    muted: list[EventKind] = Field(default_factory=list, max_length=100, description="events that do not come at all")


class MessageView(BaseModel):
    """Something in an inbox, in words."""

    id: uuid.UUID
    kind: str
    title: str
    text: str
    path: str | None = Field(description="page of the console that shows more")
    created_at: datetime
    read_at: datetime | None


class Unread(BaseModel):
    """How much is unread."""

    count: int
