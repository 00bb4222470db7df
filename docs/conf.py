"""Sphinx configuration."""

import inspect
import sys
import warnings
from pathlib import Path

import matplotlib

import merit_sk

sys.path.insert(0, str(Path(__file__).parent))
matplotlib.use("Agg")
warnings.filterwarnings("ignore", category=UserWarning, message=".*flat leads.*")

project = "merit_sk"
copyright = "2026, The merit_sk developers"
author = "The merit_sk developers"
release = version = merit_sk.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_parser",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "decision",
    "formulas",
    "measured",
    "pictures",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
autosummary_generate = True
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"
default_role = "literal"
smartquotes = False
suppress_warnings = ["config.cache"]

html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["merit.css"]
html_theme = "pydata_sphinx_theme"
html_title = "merit_sk"
html_sidebars = {"**": ["pages.html"]}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "navbar_center": [],
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "abort_on_example_error": True,
}


def arguments_of_init(app, what, name, obj, options, signature, returns):
    """Show the arguments of a class instead of those of an inherited ``__new__``."""
    if what == "class" and signature == "(*args, **kwargs)":
        _, *arguments = inspect.signature(obj.__init__).parameters.values()
        return str(inspect.Signature(arguments)), returns
    return None


def setup(app):
    app.connect("autodoc-process-signature", arguments_of_init)
