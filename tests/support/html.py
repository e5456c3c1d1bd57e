"""A page as what a reader sees of it, by the standard library's parser."""

from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Text by element id, table rows by table id, addresses, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.texts: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.classes: dict[str, list[str]] = {}
        """Of the elements under an id."""
        self._open: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.addresses += [
            values[key] or "" for key in ("src", "href", "xlink:href", "action") if key in values
        ]
        for _, inside in self._open:
            if inside is not None and "class" in values:
                self.classes.setdefault(inside, []).append(values["class"] or "")
        if tag not in VOID:
            self._open.append((tag, values.get("id")))
        table = self._table()
        if table is not None and tag == "tr":
            self.tables.setdefault(table, []).append([])
        if table is not None and tag in ("td", "th"):
            self.tables[table][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        opened, _ = self._open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name is not None:
                self.texts[name] = " ".join(f"{self.texts.get(name, '')} {data}".split())
        table = self._table()
        if table is not None and any(tag in ("td", "th") for tag, _ in self._open):
            self.tables[table][-1][-1] += data

    def _table(self) -> str | None:
        return next((name for tag, name in self._open if tag == "table"), None)

    def pictures(self) -> list[ElementTree.Element]:
        """Every SVG in the page, parsed as XML."""
        parts = self.source.split("<svg")[1:]
        return [ElementTree.fromstring("<svg" + part[: part.index("</svg>") + 6]) for part in parts]
