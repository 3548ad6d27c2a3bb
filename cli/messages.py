"""`pointwatch webhooks` and `pointwatch clocks`: who outside is told, and what is due when."""

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.context import Service

webhooks = typer.Typer(help="The places outside that are told what happens.", no_args_is_help=True)
clocks = typer.Typer(help="What is due when.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="the id that `webhooks list` shows")]


def _open() -> "Service":
    from api.app import open_service
    from api.logs import configure
    from api.settings import read_settings

    configure()
    return open_service(read_settings())


def _id(text: str) -> uuid.UUID:
    from api.errors import Unfit

    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Unfit(f"{text!r} is not the id of a webhook; `pointwatch webhooks list` shows them.") from error


@webhooks.command("list")
def list_webhooks() -> None:
    """List the webhooks, newest first."""
    from api.notify import service
    from api.paging import MOST, Window

    context = _open()
    with context.database.read() as session:
        rows, _ = service.list_webhooks(session, Window(limit=MOST))
    for row in rows:
        state = "on" if row.active else "switched off after failures" if row.disabled_at else "off"
        print(f"{row.id}  {row.template:<8} {state:<27} {row.address}  {row.name}")
    context.database.close()


@webhooks.command("add")
def add_webhook(
    name: Annotated[str, typer.Argument(help="what people call it")],
    url: Annotated[str, typer.Option(prompt=True, hide_input=True, help="where to; asked for where not given")],
    template: Annotated[str, typer.Option(help="json, wecom, dingtalk or feishu")] = "json",
    secret: Annotated[str | None, typer.Option(help="of a robot's signature; json makes its own")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="events such as issue.overdue or issue.*; none: all")] = None,
    language: Annotated[str, typer.Option(help="zh or en")] = "zh",
) -> None:
    """Add a webhook; the secret that its messages are signed with is printed this once."""
    from pydantic import ValidationError

    from api.errors import Unfit
    from api.notify import routes, service
    from api.notify.schemas import WebhookFields

    try:
        wanted = WebhookFields.model_validate(
            {
                "name": name,
                "url": url,
                "template": template,
                "secret": secret,
                "kinds": kind or [],
                "language": language,
            }
        )
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        raise Unfit(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from error
    context = _open()
    with context.database.write() as session:
        row, made = service.make_webhook(session, wanted, routes.means(context), by=None)
    context.database.close()
    print(f"{row.id}  {row.address}")
    if made and secret is None:
        print(f"secret: {made}")


@webhooks.command("remove")
def remove_webhook(webhook: Id) -> None:
    """Take a webhook away; what waits for it is given up."""
    from api.notify import service

    context = _open()
    with context.database.write() as session:
        service.remove_webhook(session, _id(webhook), by=None)
    context.database.close()
    print(f"{webhook} is removed")


@webhooks.command("test")
def test_webhook(webhook: Id) -> None:
    """Put a test message on its way; the running service sends it."""
    from api.notify import service

    context = _open()
    with context.database.write() as session:
        delivery = service.send_test(session, _id(webhook))
    context.database.close()
    print(f"delivery {delivery.id} is on its way; see `pointwatch webhooks log {webhook}`")


@webhooks.command("log")
def show_log(webhook: Id, most: Annotated[int, typer.Option(min=1, max=200, help="entries")] = 20) -> None:
    """Show the newest deliveries of a webhook."""
    from api.notify import service
    from api.paging import Window

    context = _open()
    with context.database.read() as session:
        rows, _ = service.list_deliveries(session, _id(webhook), Window(limit=most))
    for row in rows:
        at, why = f"{row.created_at:%Y-%m-%d %H:%M:%S}Z", row.error or ""
        print(f"{row.id}  {at}  {row.state:<9} {row.attempts:>2} tries  {row.kind:<24} {why}")
    context.database.close()


@webhooks.command("again")
def send_again(webhook: Id) -> None:
    """Send all dead deliveries of a webhook again."""
    from api.notify import service

    context = _open()
    with context.database.write() as session:
        count = service.send_again(session, _id(webhook))
    context.database.close()
    print(f"{count} on their way again")


@clocks.command("recompute")
def recompute() -> None:
    """Compute anew what is due when, after limits, office hours or holidays have changed."""
    from rich.progress import Progress

    from api.notify import clerk

    context = _open()
    done = 0
    with Progress() as progress:
        bar = progress.add_task("issues", total=clerk.unfinished(context))
        for count in clerk.recompute_all(context):
            done += count
            progress.update(bar, advance=count)
    context.database.close()
    print(f"{done} unfinished issues computed anew")
