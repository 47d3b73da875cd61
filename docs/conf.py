"""Sphinx: how the documentation is built; `make docs`."""

import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

project = "bonecycle"
author = "The bonecycle authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["generated/readme.md", "generated/observables.md"]
napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
html_theme = "furo"
html_title = "bonecycle"
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_show_copyright = False
suppress_warnings = ["myst.header"]


# Presentation MathML: browsers show it by themselves, without a script from elsewhere.
def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(convert(node.astext(), display="inline"))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    mathml = convert(node.astext(), display="block")
    writer.body.append(f'<div class="equation">{mathml}</div>')
    raise nodes.SkipNode


def _generate(_app: Sphinx) -> None:
    from tools.document import main

    main(HERE / "generated")


def _link(_app: Sphinx, docname: str, source: list[str]) -> None:
    from tools.document import as_page

    # Pages link to files of the repository, as its readers on the web need it.
    folder = (HERE / docname).parent
    source[0] = as_page(source[0], folder, folder)


def setup(app: Sphinx) -> None:
    """Register what this project adds."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_lexer("csv", TextLexer)
    app.connect("builder-inited", _generate)
    app.connect("source-read", _link)
