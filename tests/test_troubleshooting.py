"""The messages in docs/troubleshooting.rst are those of the library."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "troubleshooting.rst"
OF_SKLEARN = ("Found array", "Pipeline.fit", "This MeritEmbedder", "You cannot set")


def quoted():
    heads = re.findall(r"^\*\*.*$", PAGE.read_text(), re.MULTILINE)
    found = [text for head in heads for text in re.findall(r'"([^"]+)"', head)]
    return [text for text in found if not text.startswith(OF_SKLEARN)]


@pytest.fixture(scope="module")
def pieces():
    """Parts of texts in the code, between what is filled in, of 12 characters or more."""
    trees = (ast.parse(path.read_text()) for path in (ROOT / "merit_sk").rglob("*.py"))
    texts = {
        node.value.strip()
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return [text for text in texts if len(text) >= 12]


def test_page_quotes_messages():
    assert len(quoted()) >= 40


@pytest.mark.parametrize("message", quoted())
def test_message_is_in_the_code(message, pieces):
    parts = [part.strip() for part in message.split("...")]
    assert any(
        piece in message or any(len(part) >= 12 and part in piece for part in parts)
        for piece in pieces
    ), message
