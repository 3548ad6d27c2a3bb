"""The webhooks: where they lead, how they fare, what was sent; added, tested and sent again from here."""

import uuid

from nicegui import ui
from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.frame import frame
from api.console.plan import REFRESH_S
from api.console.tags import tag, text
from api.console.visit import Visit, told
from api.errors import Unfit
from api.notify import service
from api.notify.routes import means
from api.notify.schemas import DeliveryState, DeliveryView, Template, WebhookFields, WebhookView
from api.paging import MOST, Window

LOG_SHOWN = 10


async def show(visit: Visit, _: Request) -> None:
    """Build the page for who keeps webhooks."""
    visit.caller.require(Permission.manage_webhooks)
    with frame(visit, title=visit.say("console.webhooks.title"), path="/webhooks"):
        page = WebhooksPage(visit)
        await page.refresh()


class WebhooksPage:
    """The list, its form, and the log of each."""

    def __init__(self, visit: Visit) -> None:
        """Build what stays."""
        self._visit = visit
        self._shown: list[tuple[WebhookView, list[DeliveryView]]] | None = None
        say = visit.say
        with tag("div", classes="pw-head"):
            tag("h1", say("console.webhooks.title"))
            tag("p", say("console.webhooks.lead"), "pw-lead")
        self._form()
        self._list = tag("div", classes="pw-webhooks")
        ui.timer(REFRESH_S, self.refresh, immediate=False)

    def _form(self) -> None:
        say = self._visit.say
        with tag("details", classes="pw-card"):
            tag("summary", say("console.webhooks.add"))
            with tag("div", classes="pw-form"):
                self._name = ui.input(say("console.webhooks.name"))
                self._url = ui.input(say("console.webhooks.url"), placeholder="https://")
                self._template = ui.select(
                    {one.value: say(f"template.{one}") for one in Template},
                    value=Template.json.value,
                    label=say("console.webhooks.template"),
                )
                self._secret = ui.input(say("console.webhooks.secret"), password=True)
                self._kinds = ui.input(say("console.webhooks.kinds"), placeholder="issue.overdue, issue.escalated")
                for field in (self._name, self._url, self._template, self._secret, self._kinds):
                    field.classes("pw-field").props("outlined dense options-dense")
                tag("button", say("console.webhooks.add"), "pw-button", type="button").on("click", self._add)
            self._made = text("p").classes("pw-warning")
            self._made.set_visibility(False)

    async def _add(self) -> None:
        visit = self._visit
        with told(visit):
            wanted = self._wanted()
            row, secret = await visit.write(
                lambda session, caller: service.make_webhook(
                    session, wanted, means(visit.service), by=_keeper(caller).user_id
                )
            )
            for field in (self._name, self._url, self._secret, self._kinds):
                field.set_value("")
            self._made.set_visibility(secret is not None and wanted.secret is None)
            self._made.set_text(visit.say("console.webhooks.made", name=row.name, secret=secret or ""))
            await self.refresh()

    def _wanted(self) -> WebhookFields:
        """Give what the form says.

        Raises:
            Unfit: it makes no sense.
        """
        kinds = [part.strip() for part in str(self._kinds.value or "").split(",") if part.strip()]
        try:
            return WebhookFields.model_validate(
                {
                    "name": self._name.value or "",
                    "url": self._url.value or None,
                    "template": self._template.value,
                    "secret": self._secret.value or None,
                    "kinds": kinds,
                    "language": self._visit.language,
                }
            )
        except ValidationError as error:
            raise Unfit(str(error.errors(include_input=False)[0]["msg"])) from error

    async def refresh(self) -> None:
        """Show how they stand now, if it is not what is shown."""
        visit = self._visit
        with told(visit):
            found = await visit.read(lambda session, caller: _look(session) if _keeper(caller) else [])
            if found != self._shown:
                self._shown = found
                self._fill()

    def _fill(self) -> None:
        self._list.clear()
        with self._list:
            if not self._shown:
                tag("p", self._visit.say("console.webhooks.empty"), "pw-empty")
            for webhook, log in self._shown or []:
                self._card(webhook, log)

    def _card(self, webhook: WebhookView, log: list[DeliveryView]) -> None:
        say = self._visit.say
        with tag("section", classes="pw-card"):
            tag("h2", webhook.name)
            with tag("p", classes="pw-head-line"):
                state = "on" if webhook.active else "failed" if webhook.disabled_at else "off"
                tag(
                    "span",
                    say(f"console.webhooks.{state}"),
                    "pw-state",
                    data_state="closed" if state == "on" else "open",
                )
                tag("span", say(f"template.{webhook.template}"))
                tag("span", webhook.address, "pw-number")
                tag("span", ", ".join(webhook.kinds) or say("console.webhooks.all_kinds"))
            with tag("div", classes="pw-actions"):
                self._button("test", webhook.id)
                if any(one.state is DeliveryState.dead for one in log):
                    self._button("again", webhook.id)
            with tag("ul", classes="pw-log"):
                for one in log:
                    with tag("li"):
                        tag("time", self._visit.moment(one.created_at))
                        tag("span", one.kind)
                        tag("strong", say(f"delivery.{one.state}"))
                        tag("span", say("console.webhooks.tries", count=one.attempts))
                        if one.error:
                            tag("span", say(f"failure.{one.error}"))

    def _button(self, what: str, webhook_id: uuid.UUID) -> None:
        act = self._test if what == "test" else self._again
        look = "pw-button" if what == "again" else "pw-button pw-second"
        button = tag("button", self._visit.say(f"console.webhooks.{what}"), look, type="button")
        button.on("click", lambda: act(webhook_id))

    async def _test(self, webhook_id: uuid.UUID) -> None:
        with told(self._visit):
            await self._visit.write(lambda session, caller: service.send_test(session, _kept(caller, webhook_id)).id)
            ui.notify(self._visit.say("console.webhooks.sent"), type="positive", position="top")
            await self.refresh()

    async def _again(self, webhook_id: uuid.UUID) -> None:
        with told(self._visit):
            await self._visit.write(lambda session, caller: service.send_again(session, _kept(caller, webhook_id)))
            await self.refresh()


def _look(session: Session) -> list[tuple[WebhookView, list[DeliveryView]]]:
    rows, _ = service.list_webhooks(session, Window(limit=MOST))
    found = []
    for row in rows:
        log, _ = service.list_deliveries(session, row.id, Window(limit=LOG_SHOWN))
        found.append((WebhookView.model_validate(row), [DeliveryView.model_validate(one) for one in log]))
    return found


def _keeper(caller: Caller) -> Caller:
    """Give the caller on, who must keep webhooks at this moment too."""
    caller.require(Permission.manage_webhooks)
    return caller


def _kept(caller: Caller, webhook_id: uuid.UUID) -> uuid.UUID:
    _keeper(caller)
    return webhook_id
