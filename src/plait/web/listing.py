"""A page that lists a folder."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; font-weight: 600; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; }}
th {{ text-align: left; font-weight: 600; }}
th, td {{ padding: .35rem .75rem .35rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }}
td:first-child {{ overflow-wrap: anywhere; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
a {{ text-decoration: none; }}
a:hover {{ text-decoration: underline; }}
tr:hover td {{ background: color-mix(in srgb, currentColor 5%, transparent); }}
</style>
</head>
<body>
<h1>{title}</h1>
<table>
<thead><tr><th>Name</th><th class="number">Size</th><th class="number">Changed</th><th>Type</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
</body>
</html>
"""

_ROW = """<tr><td><a href="{href}">{name}</a></td>
<td class="number">{size}</td><td class="number">{changed}</td><td>{kind}</td></tr>
"""


@dataclass(frozen=True)
class Entry:
    """One line: a file's size in bytes and when it was changed, in seconds since the epoch; None where it is not known."""

    name: str
    is_folder: bool
    size: int | None
    modified: float | None
    kind: str

    @property
    def href(self) -> str:
        """The link to it from the folder's page."""
        # "./" so that a name with a colon is no scheme; what is no Unicode goes back as the bytes that it was
        return "./" + quote(os.fsencode(self.name), safe="") + ("/" if self.is_folder else "")


def formatFileSize(size: int) -> str:
    """A number of bytes in two or three digits: ``999B``, ``12K``, ``3M``, ``4G``."""
    for limit, unit in ((1024, "B"), (1024**2, "K"), (1024**3, "M")):
        if size < limit:
            return f"{size * 1024 // limit}{unit}"
    return f"{size // 1024**3}G"


def render(path: str, entries: Iterable[Entry], above: bool = True) -> bytes:
    """The page for the folder at `path` (as the visitor sees it), folders first.

    :param above: whether there is a folder above it to go to.
    """
    rows = [_row("../", "..", None, None, "")] if above else []
    for entry in sorted(entries, key=lambda entry: (not entry.is_folder, entry.name.casefold(), entry.name)):
        name = entry.name + ("/" if entry.is_folder else "")
        rows.append(_row(entry.href, name, entry.size, entry.modified, entry.kind))
    page = _PAGE.format(title=_escape(f"Files in {path}"), rows="".join(rows))
    return page.encode("utf-8", "replace")


def _row(href: str, name: str, size: int | None, modified: float | None, kind: str) -> str:
    changed = "" if modified is None else datetime.fromtimestamp(modified, UTC).strftime("%Y-%m-%d %H:%M")
    shown = "" if size is None else formatFileSize(size)
    return _ROW.format(href=_escape(href), name=_escape(name), size=shown, changed=changed, kind=_escape(kind))


def _escape(text: str) -> str:
    return html.escape(os.fsencode(text).decode("utf-8", "replace") if max(text, default="") >= "\udc80" else text)
