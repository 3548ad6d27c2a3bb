"""The wall: a large screen that nobody touches. Plain HTML and one script that asks the API, so that it outlives a
restart of the service, a broken line and a night without either."""

import json
import secrets
from html import escape

from fastapi.responses import HTMLResponse

from api.console.plain import HTML_LANGUAGE, ICON
from api.context import Service
from api.issues.transitions import State
from detector.texts import say

TEXTS = (
    "at_work", "overdue", "due_today", "suspected", "affected", "cameras", "by_kind", "by_community", "trend",
    "opened", "closed", "newest", "nothing", "lost", "since",
)  # fmt: skip


def wall_page(service: Service, language: str) -> HTMLResponse:
    """Give the page; what it shows comes from `/api/v1/overview`."""
    nonce = secrets.token_urlsafe(16)
    given = {
        "language": language,
        "zone": service.settings.time_zone,
        "texts": {name: say(f"console.overview.{name}", language) for name in TEXTS},
        "states": {state.value: say(f"state.{state}", language) for state in State},
    }
    data = json.dumps(given, ensure_ascii=False).replace("<", "\\u003c")
    heading = escape(say("console.overview.wall_title", language))
    title = f"{say('console.overview.wall', language)} · {say('console.brand', language)}"
    html = f"""<!doctype html>
<html lang="{HTML_LANGUAGE[language]}" data-theme="dark">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="/console/mark.svg">
<link rel="stylesheet" href="/console/colours.css">
<link rel="stylesheet" href="/console/wall.css">
</head>
<body>
<header><span class="mark" aria-hidden="true">{ICON}</span><h1>{heading}</h1>
<p id="state" role="status"></p><time id="clock"></time></header>
<main id="board" aria-live="off"></main>
<script type="application/json" id="given">{data}</script>
<script src="/console/wall.js" nonce="{nonce}"></script>
</body>
</html>"""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})
