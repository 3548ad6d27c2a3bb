"""A bulletin as one HTML page to be printed on A4: no scripts, no other files, pictures inside."""

import base64
from html import escape

from api.reports.outline import Heading, Outline, Pair, Paragraph, Shot, Table
from api.reports.word import Picture

# Paper is white whatever the reader's screen prefers. Measures follow GB/T 9704-2012, as in `word`.
_STYLE = """
@page { size: A4; margin: 30mm 26mm 28mm 28mm; }
* { box-sizing: border-box; }
html { background: #e8e8e8; }
body { max-width: 210mm; margin: 1.5rem auto; padding: 20mm 26mm 20mm 28mm; background: #fff; color: #000;
  font: 12pt/1.75 "Times New Roman", FangSong, "仿宋", "Noto Serif CJK SC", serif; }
header { text-align: center; }
.office { color: #c00000; font: 700 22pt/1.3 SimSun, "宋体", "Noto Serif CJK SC", serif; margin: 0 0 6mm; }
.line { display: flex; justify-content: space-between; border-bottom: 2.5px solid #c00000; padding-bottom: 2mm; }
h1 { font: 700 18pt/1.4 SimSun, "宋体", "Noto Serif CJK SC", serif; margin: 10mm 0 1mm; }
.period { margin: 0 0 6mm; }
h2 { font: 700 13pt/1.6 SimHei, "黑体", "Noto Sans CJK SC", sans-serif; margin: 5mm 0 1mm; break-after: avoid; }
p { margin: 0 0 1.5mm; text-indent: var(--indent); }
.flush { text-indent: 0; }
table { width: 100%; border-collapse: collapse; margin: 0 0 4mm; font-size: 9.5pt; line-height: 1.4; }
caption { font: 700 10.5pt/1.6 SimHei, "黑体", "Noto Sans CJK SC", sans-serif; break-after: avoid; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { border: 1px solid #444; padding: 1mm 1.5mm; vertical-align: middle; overflow-wrap: anywhere;
  white-space: pre-line; }
th, .total td { background: #f2f2f2; font-weight: 700; }
.right { text-align: right; font-variant-numeric: tabular-nums; }
.center { text-align: center; }
section { break-inside: avoid; margin: 0 0 4mm; }
section h3 { font: 700 11pt/1.6 SimHei, "黑体", "Noto Sans CJK SC", sans-serif; margin: 2mm 0 1mm; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 3mm; }
figure { margin: 0; border: 1px solid #444; display: flex; flex-direction: column; }
figcaption { background: #f2f2f2; text-align: center; font-size: 9.5pt; font-weight: 700;
  border-bottom: 1px solid #444; }
figure img { display: block; width: 100%; }
figure div { flex: 1; display: grid; place-items: center; min-height: 30mm; font-size: 9.5pt; }
.facts { font-size: 9.5pt; line-height: 1.5; text-indent: 0; margin-top: 1mm; }
footer { text-align: right; margin-top: 10mm; break-inside: avoid; }
footer p { text-indent: 0; }
@media print {
  html { background: none; }
  body { max-width: none; margin: 0; padding: 0; }
  th, td, figcaption { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def write_page(outline: Outline, picture: Picture) -> str:
    """Give the bulletin as a whole HTML document."""
    language = "zh-CN" if outline.language == "zh" else "en"
    indent = "2em" if outline.language == "zh" else "0"
    parts = [_block(block, picture) for block in outline.blocks]
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(outline.title)} {escape(outline.number)}</title>
<style>:root {{ --indent: {indent}; color-scheme: light; }}{_STYLE}</style>
</head>
<body>
<header>
<p class="office flush">{escape(outline.office)}</p>
<p class="line flush"><span>{escape(outline.number)}</span><span>{escape(outline.dated)}</span></p>
<h1>{escape(outline.title)}</h1>
<p class="period flush">{escape(outline.period)}</p>
</header>
<main>
<p class="flush">{escape(outline.addressed_to)}</p>
{"".join(parts)}</main>
<footer><p>{escape(outline.office)}</p><p>{escape(outline.dated)}</p></footer>
</body>
</html>
"""


def _block(block: Heading | Paragraph | Table | Pair, picture: Picture) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>\n"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>\n"
    return _table(block) if isinstance(block, Table) else _pair(block, picture)


def _table(block: Table) -> str:
    whole = sum(column.share for column in block.columns)
    widths = "".join(f'<col style="width:{column.share / whole:.1%}">' for column in block.columns)
    head = "".join(f'<th scope="col">{escape(column.title)}</th>' for column in block.columns)
    rows = [_row(block, row, "") for row in block.rows]
    if block.total:
        rows.append(_row(block, block.total, ' class="total"'))
    return (
        f"<table><caption>{escape(block.caption)}</caption><colgroup>{widths}</colgroup>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table>\n"
    )


def _row(block: Table, texts: list[str], mark: str) -> str:
    cells = (
        f'<td class="{column.align}">{escape(text)}</td>' for column, text in zip(block.columns, texts, strict=True)
    )
    return f"<tr{mark}>{''.join(cells)}</tr>\n"


def _pair(block: Pair, picture: Picture) -> str:
    shots = "".join(_shot(shot, picture, block.title) for shot in (block.before, block.after))
    return (
        f'<section><h3>{escape(block.title)}</h3><div class="pair">{shots}</div>'
        f'<p class="facts">{escape(block.facts)}</p></section>\n'
    )


def _shot(shot: Shot, picture: Picture, title: str) -> str:
    content = picture(shot.key) if shot.key else None
    shown = (
        f'<img alt="{escape(title)}" src="data:image/jpeg;base64,{base64.b64encode(content).decode()}">'
        if content
        else f"<div>{escape(shot.instead)}</div>"
    )
    return f"<figure><figcaption>{escape(shot.title)}</figcaption>{shown}</figure>"
