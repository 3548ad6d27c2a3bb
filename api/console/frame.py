"""What every page has around its own: the header with the way to the other pages, the language, who is here."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from nicegui import ui

from api.accounts.roles import Permission
from api.console.plain import ASSETS, HTML_LANGUAGE
from api.console.tags import tag, text
from api.console.visit import Visit, told
from api.notify import inbox
from detector.texts import LANGUAGES

BELL_S = 15.0  # between two looks at what is unread
_SHEETS = ("colours.css", "console.css", "manage.css", "cameras.css", "header.css")
_SCRIPTS = ("theme.js", "touring.js")


@cache
def _sheet_links() -> str:
    """Give the links to the style sheets; the hash lets a browser fetch a changed one and keep an unchanged one."""
    hashes = {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12] for name in _SHEETS}
    sheets = "".join(f'<link rel="stylesheet" href="/console/{name}?v={version}">' for name, version in hashes.items())
    scripts = "".join(f"<script>{(ASSETS / name).read_text(encoding='utf-8')}</script>" for name in _SCRIPTS)
    return scripts + sheets  # the theme before anything is drawn


@contextmanager
def frame(visit: Visit, *, title: str, path: str) -> Iterator[None]:
    """Build the page around what the block adds; `path` is the entry of the header that the page belongs to."""
    ui.page_title(f"{title} · {visit.say('console.brand')}")
    ui.add_head_html(_sheet_links())
    tag("a", visit.say("console.skip"), "pw-skip", href="#main")
    with tag("header", classes="pw-header"):
        with tag("a", classes="pw-brand", href="/"):
            tag("img", classes="pw-mark", src="/console/mark.svg", alt="", width="28", height="28")
            tag("span", visit.say("console.brand"), "pw-brand-long")
            tag("span", visit.say("console.brand_short"), "pw-brand-short")
        # One list of entries: a row on a desk, and on a phone what the menu button opens.
        with tag("div", classes="pw-everything", id="pw-everything", popover="auto"):
            with tag("nav", classes="pw-nav", aria_label=visit.say("console.nav.label")):
                for entry, key in _entries(visit):
                    tag("a", visit.say(key), href=entry, aria_current="page" if entry == path else None)
                _menu(visit, path)
            _person(visit)
        _bell(visit)
        menu = visit.say("console.nav.menu")
        tag("button", classes="pw-more-button", type="button", popovertarget="pw-everything", aria_label=menu)
    with tag("main", classes="pw-main", id="main", tabindex="-1"):
        yield


def _entries(visit: Visit) -> list[tuple[str, str]]:
    entries = [("/", "console.nav.overview"), ("/issues", "console.nav.issues"), ("/plan", "console.nav.plan")]
    if visit.caller.may(Permission.view_cameras):
        entries.append(("/cameras", "console.nav.cameras"))
    if visit.caller.may(Permission.view_patrols):
        entries.append(("/patrols", "console.nav.patrols"))
    if visit.caller.may(Permission.review_issues):
        entries.append(("/review", "console.nav.review"))
    if visit.caller.may(Permission.send_photos):
        entries.append(("/upload", "console.nav.upload"))
    if visit.caller.may(Permission.view_reports):
        entries.append(("/bulletins", "console.nav.bulletins"))
    return entries


def _managed(visit: Visit) -> list[tuple[str, str]]:
    """Give the pages that are not for every day: registers, rules, models, the log."""
    pages = (
        ("/points", "console.nav.points", Permission.view_points),
        ("/people", "console.nav.people", Permission.view_routing),
        ("/rules", "console.nav.rules", Permission.view_routing),
        ("/models", "console.nav.models", Permission.view_catalogue),
        ("/learning", "console.nav.learning", Permission.view_catalogue),
        ("/webhooks", "console.nav.webhooks", Permission.manage_webhooks),
        ("/audit", "console.nav.audit", Permission.view_audit),
    )
    return [(path, key) for path, key, permission in pages if visit.caller.may(permission)]


def _menu(visit: Visit, path: str) -> None:
    """Add what opens the rest of the pages; the browser itself closes it by Escape and by a click elsewhere."""
    entries = _managed(visit)
    if not entries:
        return
    here = any(path == entry for entry, _ in entries)
    label = visit.say("console.nav.manage")
    tag(
        "button", label, "pw-menu-button", type="button", popovertarget="pw-menu", aria_current="true" if here else None
    )
    with tag("div", classes="pw-menu", id="pw-menu", popover="auto"):
        for entry, key in entries:
            tag("a", visit.say(key), href=entry, aria_current="page" if entry == path else None)


def _bell(visit: Visit) -> None:
    """Show how much is unread; asked for when the page is there, so that no page waits for it."""
    with tag("a", classes="pw-bell", href="/inbox", aria_label=visit.say("console.inbox.title")):
        tag("img", src="/console/bell.svg", alt="", width="22", height="22")
        count = text("b")
        count.set_visibility(False)

    async def look() -> None:
        with told(visit):
            unread = await visit.read(lambda session, caller: inbox.count_unread(session, caller.user_id))
            count.set_visibility(unread > 0)
            count.set_text(str(unread) if unread < 100 else "99+")

    ui.timer(BELL_S, look)


def _person(visit: Visit) -> None:
    with tag("div", classes="pw-person"):
        theme = tag("button", "◐", "pw-quiet pw-theme", type="button", aria_label=visit.say("console.theme"))
        theme.props["title"] = visit.say("console.theme")
        theme.on("click", js_handler="() => window.pwTheme()")
        help_ = tag("button", "?", "pw-quiet pw-help", type="button", aria_label=visit.say("tour.help"))
        help_.props["title"] = visit.say("tour.help")
        help_.on("click", js_handler="() => window.pwTour('start')")
        with tag("nav", classes="pw-languages", aria_label=visit.say("console.language.label")):
            for one in LANGUAGES:
                tag(
                    "a",
                    visit.say(f"console.language.{one}_short"),
                    href=f"/language/{one}",
                    hreflang=HTML_LANGUAGE[one],
                    lang=HTML_LANGUAGE[one],
                    aria_current="true" if one == visit.language else None,
                )
        roles = " / ".join(visit.say(f"role.{role}") for role in visit.caller.roles)
        who = " · ".join(part for part in (visit.caller.name, roles) if part)
        tag("a", who, "pw-who", href="/account", title=who)
        with tag("form", method="post", action="/sign-out"):
            tag("button", visit.say("console.sign_out"), "pw-quiet", type="submit")
