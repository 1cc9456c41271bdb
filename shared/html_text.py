"""The text of some HTML that others have written."""

import re

from lxml import etree

LONGEST_HTML = 100_000
"""Characters that are looked at: what the parser needs for odd nesting grows with their square."""

_HIDDEN = frozenset({"script", "style", "template", "iframe"})
_INLINE = frozenset({"a", "abbr", "b", "code", "em", "i", "s", "small", "span", "strong", "u"})


class _Text:
    """What a browser would show; the parser calls it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._hidden = ""

    def start(self, tag: str, _: object) -> None:
        if tag in _HIDDEN:
            self._hidden = self._hidden or tag
        self._break(tag)

    def end(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        self._break(tag)

    def data(self, text: str) -> None:
        if not self._hidden:
            self._parts.append(" ".join(re.split(r"\s+", text)))

    def close(self) -> str:
        return "".join(self._parts)

    def _break(self, tag: str) -> None:
        if tag not in _INLINE:
            self._parts.append("\n")


def plain_text(html: str) -> str:
    """The text of some HTML, of its first 100,000 characters at most.

    A paragraph a line, no tags and no invisible characters.
    """
    known = html[:LONGEST_HTML].replace("\0", "").encode(errors="ignore")
    parser = etree.HTMLParser(target=_Text(), encoding="utf-8", huge_tree=True)
    parser.feed(b"<body>" + known)
    lines = (" ".join(line.split()) for line in parser.close().split("\n"))
    shown = ("".join(filter(str.isprintable, line)) for line in lines)
    return "\n".join(line for line in shown if line.strip())
