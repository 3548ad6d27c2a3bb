"""Pages without NiceGUI: sign-in, which a stranger must see while everything else is closed, and refusals."""

import secrets
from html import escape
from pathlib import Path

from fastapi.responses import HTMLResponse

from api.accounts.door import local_path
from api.errors import StreetError
from detector.texts import LANGUAGES, say

ASSETS = Path(__file__).parent / "assets"
ICON = (ASSETS / "mark.svg").read_text(encoding="utf-8").strip()
HTML_LANGUAGE = {"zh": "zh-CN", "en": "en"}

# The code of a sign-in link stands after the #, which no server sees: post it, and let the history forget it.
_SIGN_IN_SCRIPT = """
function useCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  document.forms.by_key.elements.code.value = code;
  document.forms.by_key.elements.key.disabled = true;
  document.forms.by_key.submit();
}
useCode();
addEventListener("hashchange", useCode);  // the link was pasted while this page was open
"""


def sign_in_page(language: str, *, onward: str = "/", refused: str = "", status: int = 200) -> HTMLResponse:
    """Give the forms that take a password or a key; `refused` is the key of the text that says why it was refused."""
    complaint = f'<p class="refusal" role="alert">{text(refused, language)}</p>' if refused else ""
    invalid = ' aria-invalid="true"' if refused else ""
    body = f"""
<h1>{text("console.brand", language)}</h1>
<p class="lead">{text("sign_in.lead", language)}</p>
{complaint}
<form name="sign_in" method="post" action="/sign-in">
  <label for="login">{text("sign_in.login", language)}</label>
  <input id="login" name="login" autocomplete="username" autocapitalize="off" spellcheck="false" maxlength="80"
    required autofocus{invalid}>
  <label for="password">{text("sign_in.password", language)}</label>
  <input id="password" name="password" type="password" autocomplete="current-password" maxlength="200"
    required{invalid}>
  <input name="onward" type="hidden" value="{escape(local_path(onward))}">
  <button type="submit">{text("sign_in.submit", language)}</button>
</form>
<h2>{text("sign_in.by_key", language)}</h2>
<form name="by_key" method="post" action="/sign-in">
  <label for="key">{text("sign_in.key", language)}</label>
  <input id="key" name="key" type="password" autocomplete="off" autocapitalize="off" spellcheck="false"
    maxlength="200" required{invalid}>
  <input name="code" type="hidden">
  <input name="onward" type="hidden" value="{escape(local_path(onward))}">
  <button type="submit">{text("sign_in.submit", language)}</button>
</form>
<h2>{text("sign_in.how", language)}</h2>
<ul>
  <li>{text("sign_in.how_file", language)} <code>cat var/secrets/admin.key</code></li>
  <li>{text("sign_in.how_link", language)} <code>pointwatch sign-in</code></li>
  <li>{text("sign_in.how_ask", language)}</li>
</ul>"""
    title = f"{say('sign_in.title', language)} · {say('console.brand', language)}"
    return page(language, title, body, status=status, script=_SIGN_IN_SCRIPT, switch="/sign-in")


def refusal_page(error: StreetError, language: str) -> HTMLResponse:
    """Give the page that says why there is nothing to see, and where to go instead."""
    code, status = type(error).code, type(error).status
    title = say(f"problem.{code}", language)
    body = f"""
<p class="status">{status}</p>
<h1>{escape(title)}</h1>
<p class="lead">{text(f"console.problem.{code}", language)}</p>
<p><a class="button" href="/">{text("console.to_issues", language)}</a></p>"""
    return page(language, f"{title} · {say('console.brand', language)}", body, status=status)


def text(key: str, language: str) -> str:
    """Give a text of the catalogue, escaped."""
    return escape(say(key, language))


def page(
    language: str, title: str, body: str, *, status: int, script: str = "", switch: str | None = None
) -> HTMLResponse:
    """Give a whole page; only its own inline style and script may run."""
    nonce = secrets.token_urlsafe(16)
    style = (ASSETS / "colours.css").read_text(encoding="utf-8") + (ASSETS / "plain.css").read_text(encoding="utf-8")
    theme = (ASSETS / "theme.js").read_text(encoding="utf-8")
    languages = "".join(
        f'<a href="{switch}?lang={one}" hreflang="{HTML_LANGUAGE[one]}" lang="{HTML_LANGUAGE[one]}"'
        f"{' aria-current=true' if one == language else ''}>{text(f'console.language.{one}', one)}</a>"
        for one in (LANGUAGES if switch else ())
    )
    html = f"""<!doctype html>
<html lang="{HTML_LANGUAGE[language]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:image/svg+xml,{escape(ICON.replace("#", "%23").replace('"', "'"), quote=True)}">
<script nonce="{nonce}">{theme}</script>
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main>
<div class="top"><span class="mark" aria-hidden="true">{ICON}</span><nav class="languages">{languages}</nav></div>
{body}
</main>
{f'<script nonce="{nonce}">{script}</script>' if script else ""}
</body>
</html>"""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})
