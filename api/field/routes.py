"""The field page and its files. The page itself holds nothing secret: without a sign-in it keeps photos and waits."""

import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Annotated, Any

import segno
from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.plain import ASSETS as CONSOLE_ASSETS
from api.console.plain import HTML_LANGUAGE, ICON
from api.console.visit import language_of
from api.context import Context, Service
from api.errors import NotFound
from api.points import service as points
from detector.texts import LANGUAGES, catalogue, say

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("queue.js", "photo.js", "page.js")
KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png"}
MOST_SHOTS = 12  # of one problem
MOST_PX = 2560  # long side of a photo as it is sent: four times what the model looks at, enough to read a sign
TEXTS = "field.page."  # what the page's script says

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
CAMERA = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true">'
    '<path d="M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z"/>'
    '<circle cx="12" cy="13.5" r="4"/></svg>'
)

router = Router(include_in_schema=False)

PointViewer = Annotated[Caller, Depends(allow(Permission.view_points))]


@cache
def _sheet() -> bytes:
    return (CONSOLE_ASSETS / "colours.css").read_bytes() + (ASSETS / "field.css").read_bytes()


def _file(name: str) -> bytes:
    return _sheet() if name == "field.css" else (ASSETS / name).read_bytes()


@cache
def version() -> str:
    """Give a name for the page's files as they are now; with another one a phone fetches them anew."""
    names = sorted(path.name for path in ASSETS.iterdir() if path.suffix in KINDS)
    return hashlib.sha256(b"".join(_file(name) for name in (*names, "field.css"))).hexdigest()[:12]


@router.get("/field")
def page(request: Request, context: Context) -> HTMLResponse:
    """Give the page in the visitor's language."""
    language = language_of(request, context.settings)
    return HTMLResponse(
        _page(context, language), headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    )


@router.get("/field/app/{name}")
def file(name: str) -> Response:
    """Give one of the page's scripts, sheets and icons."""
    path = ASSETS / name
    if path.suffix not in KINDS or path.name != name or name == "worker.js" or not path.is_file():
        raise NotFound(f"The field page has no file {name[:60]!r}.")
    return Response(_file(name), media_type=KINDS[path.suffix], headers={"Cache-Control": "no-cache"})


@router.get("/field/worker.js")
def worker() -> Response:
    """Give the service worker, which changes with every file that it keeps."""
    script = (ASSETS / "worker.js").read_text(encoding="utf-8").replace("VERSION", version())
    return Response(
        script, media_type=KINDS[".js"], headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": "/field"}
    )


@router.get("/field/manifest.webmanifest")
def manifest(request: Request, context: Context) -> JSONResponse:
    """Give what a phone needs to put the page on its home screen."""
    language = language_of(request, context.settings)
    icons = [
        {"src": f"/field/app/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    described = {
        "id": "/field",
        "name": say("field.title", language),
        "short_name": say("field.short", language),
        "lang": HTML_LANGUAGE[language],
        "start_url": "/field",
        "scope": "/field",
        "display": "standalone",
        "background_color": "#f3f5f7",
        "theme_color": "#0f5f73",
        "icons": icons,
    }
    return JSONResponse(described, media_type="application/manifest+json")


@router.get("/field/signs")
def signs(request: Request, context: Context, caller: PointViewer) -> HTMLResponse:
    """Give a sheet to print: a QR code for each point, to hang up where the photos are taken."""
    language = language_of(request, context.settings)
    base = str(request.base_url).rstrip("/")
    with context.database.read() as session:
        places = points.all_points(session, within=caller.scope(Permission.view_points))
    cards = "".join(
        f"<li>{_qr(f'{base}/field?point={point.code}')}"
        f"<b>{escape(point.name)}</b><span>{escape(point.code)} · {escape(point.community)}</span></li>"
        for point in places
    )
    title = say("field.signs.title", language)
    html = f"""<!doctype html>
<html lang="{HTML_LANGUAGE[language]}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>
<link rel="stylesheet" href="/field/app/signs.css"></head>
<body><h1>{escape(title)}</h1><p>{escape(say("field.signs.lead", language))}</p><ul>{cards}</ul></body></html>"""
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


def _qr(address: str) -> str:
    made: str = segno.make(address, error="m", micro=False).svg_inline(scale=1, border=4, omitsize=True)
    return made


def _page(service: Service, language: str) -> str:
    words = {key.removeprefix(TEXTS): say(key, language) for key in catalogue() if key.startswith(TEXTS)}
    settings, taxonomy = service.settings, service.taxonomy
    given: dict[str, Any] = {
        "texts": words,
        "locale": HTML_LANGUAGE[language],
        "classes": {code: taxonomy.name_of(code, language) for code in taxonomy.classes},
        "most_shots": MOST_SHOTS,
        "most_px": MOST_PX,
        "most_bytes": settings.max_photo_mib * 1024 * 1024,
        "near_m": settings.nearest_point_m,
        "time_zone": settings.time_zone,
    }
    groups = "".join(
        f'<optgroup label="{escape(taxonomy.name_of(kind.code, language))}">'
        + "".join(
            f'<option value="{escape(entry.code)}">{escape(taxonomy.name_of(entry.code, language))}</option>'
            for entry in kind.classes
        )
        + "</optgroup>"
        for kind in taxonomy.kinds
    )
    other = next(one for one in LANGUAGES if one != language)

    def text(key: str) -> str:
        return escape(say(f"field.{key}", language))

    data = json.dumps(given, ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="{HTML_LANGUAGE[language]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#0f5f73">
<title>{text("title")}</title>
<link rel="manifest" href="/field/manifest.webmanifest">
<link rel="icon" href="/field/app/icon-192.png">
<link rel="apple-touch-icon" href="/field/app/icon-192.png">
<link rel="stylesheet" href="/field/app/field.css">
</head>
<body>
<div class="top">
<header>
  <span class="mark" aria-hidden="true">{ICON}</span><strong>{text("short")}</strong>
  <span id="line" class="line" role="status"></span>
  <a href="/language/{other}" hreflang="{HTML_LANGUAGE[other]}" lang="{HTML_LANGUAGE[other]}">{
        escape(say(f"console.language.{other}_short", language))
    }</a>
  <a href="/">{text("console")}</a>
</header>
  <p id="signed_out" class="banner" role="alert" hidden>{text("signed_out")}
    <a href="/sign-in?onward=/field">{text("sign_in")}</a></p>
  <p id="warning" class="banner" role="alert" hidden></p>
</div>
<main>
  <section class="card" aria-label="{text("new")}">
    <div class="point">
      <div><h1 class="quiet">{text("point")}</h1><b id="point_name"></b><p id="point_facts" class="facts"></p></div>
      <button type="button" id="change">{text("change")}</button>
    </div>
    <div class="row">
      <button type="button" id="locate">{text("locate")}</button>
      <button type="button" id="scan" hidden>{text("scan")}</button>
    </div>
    <label class="button shoot file">{CAMERA}<span>{text("shoot")}</span>
      <input id="shoot" type="file" accept="image/*" capture="environment" multiple></label>
    <div class="row"><label class="button file"><span>{text("pick")}</span>
      <input id="pick" type="file" accept="image/*" multiple></label></div>
    <p id="preparing" class="quiet" role="status" hidden>{text("preparing")}</p>
    <div id="shots"></div>
    <label class="field" for="code">{text("kind")}</label>
    <select id="code"><option value="">{text("by_model")}</option>{groups}</select>
    <div id="visits" hidden>
      <label class="field" for="visit">{text("visit")}</label>
      <select id="visit"></select>
    </div>
    <label class="field" for="note">{text("note")}</label>
    <textarea id="note" rows="2" maxlength="500"></textarea>
    <button type="button" id="save" class="primary" disabled>{text("save")}</button>
  </section>
  <section class="card" aria-labelledby="mine">
    <div class="head"><h2 id="mine">{text("mine")}</h2><span id="count" class="quiet" role="status"></span></div>
    <p id="empty" class="quiet">{text("empty")}</p>
    <ul id="list"></ul>
  </section>
</main>
<dialog id="points" aria-labelledby="points_title">
  <div class="head"><h2 id="points_title">{text("choose")}</h2><button type="button" data-close>{
        text("close")
    }</button></div>
  <input id="search" type="search" placeholder="{text("search")}" aria-label="{text("search")}">
  <div id="point_list"></div>
</dialog>
<dialog id="scanner" aria-labelledby="scanner_title">
  <div class="head"><h2 id="scanner_title">{text("scanning")}</h2><button type="button" data-close>{
        text("close")
    }</button></div>
  <video id="video" muted playsinline></video>
</dialog>
<script type="application/json" id="given">{data}</script>
{"".join(f'<script src="/field/app/{name}" defer></script>' for name in SCRIPTS)}
</body>
</html>"""
