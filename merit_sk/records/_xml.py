"""XML that is not to be trusted."""

import re

from ._recording import number_or_none

MAX_BYTES = 1 << 25
_MAX_ELEMENTS = 300_000
_MAX_ATTRIBUTES = 1_000_000
_PROLOG = re.compile(
    r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE(?:[^\[>]|\[.*?\]\s*(?=>))*>\s*)*", re.DOTALL
)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_CONTROL = dict.fromkeys(c for c in range(32) if chr(c) not in "\t\n\r")


def root_name(head):
    """Return the name of the root element from the first bytes of a file; None if it is no XML."""
    text = _decoded(head)
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return None
    text = text.lstrip("\ufeff")
    match = _ROOT.match(text, _PROLOG.match(text).end())
    return match and match[1]


def _decoded(data):
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
                           (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):  # fmt: skip
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    return data.decode("utf-8", errors="replace")


def parse(data):
    """Parse an XML file.

    Entities are refused and nothing outside the file is opened; a DOCTYPE that declares no entity
    is accepted. A file whose bytes are not in the encoding that it declares is read as Latin-1,
    without its control characters.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    Element
        Root, with names that have no namespace.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data)} bytes, more than a recording in XML can have")
    if data.count(b"<") > _MAX_ELEMENTS or data.count(b"=") > _MAX_ATTRIBUTES:
        raise ValueError("it has more XML elements than a recording can have")
    try:
        try:
            root = ElementTree.fromstring(data)
        except (ElementTree.ParseError, ValueError) as error:
            if isinstance(error, DefusedXmlException):
                raise
            root = ElementTree.fromstring(_mended(data))
    except DefusedXmlException:
        raise ValueError("its XML declares entities, which are not accepted") from None
    except ElementTree.ParseError as error:
        raise ValueError(f"its XML is damaged: {error}") from None
    for element in root.iter():
        if "}" in element.tag:
            element.tag = element.tag.rpartition("}")[2]
    return root


def _mended(data):
    try:
        text = _decoded(data) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = text.translate(_CONTROL).lstrip("\ufeff")
    return re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)


def text_of(element, path=None):
    """Return the text of an element, or of the one at `path` in it, empty if there is none."""
    if element is not None and path is not None:
        element = element.find(path)
    return "" if element is None else "".join(element.itertext()).strip()


def numbers_of(element, columns):
    """Return numbers that children of an element hold, by the name of their column.

    Parameters
    ----------
    element : Element or None
    columns : dict of str to str
        Name of a child by column.
    """
    found = {name: number_or_none(text_of(element, tag)) for name, tag in columns.items()}
    return {name: value for name, value in found.items() if value is not None}
