"""Pages as a browser without a head shows them."""

import shutil
import subprocess
from html.parser import HTMLParser

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=3000 --dump-dom"
).split()


class Elements(HTMLParser):
    """Elements of a page as (name, attributes, text up to the next tag)."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data):
        if self.found:
            tag, attrs, text = self.found[-1]
            self.found[-1] = tag, attrs, text + data

    def text(self, name):
        return next(text.strip() for _, attrs, text in self.found if attrs.get("id") == name)

    def all(self, tag, **having):
        return [
            attrs for t, attrs, _ in self.found
            if t == tag and all(attrs.get(k) == v for k, v in having.items())
        ]  # fmt: skip


def opened(page, tmp_path, hash=""):
    """The page as a browser shows it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium to open the page in")
    folder = tmp_path / "profile"
    shutil.rmtree(folder, ignore_errors=True)
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", f"{page.as_uri()}{hash}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return Elements(done.stdout)


WATCH = """<head><meta http-equiv="Content-Security-Policy" content="default-src 'none';
  style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"><script>
  const said = Object.assign(document.createElement("p"), { id: "refused", textContent: ";" });
  addEventListener("securitypolicyviolation", e => { said.textContent += e.blockedURI; });
  addEventListener("load", () => document.body.append(said));</script>"""


def assert_fetches_nothing(page, tmp_path):
    """Open a page in a browser that refuses to fetch anything, and ask what it has refused."""
    text = page.read_text()
    assert text.count("<head>") == 1
    copy = tmp_path / "watched.html"
    copy.write_text(text.replace("<head>", WATCH))
    assert opened(copy, tmp_path).text("refused") == ";"
