"""The configuration of Sphinx for the site; `make docs` builds it from copies of the pages."""

from importlib.metadata import version as version_of

project = "Astakos"
version = release = version_of("astakos")

extensions = ["myst_parser", "tools.documentation.shared_table"]
root_doc = "index"
# Examples leave parts out, so not all of them can be parsed.
suppress_warnings = ["misc.highlighting_failure"]

# Pages are GitHub's Markdown: they are read in the repository as well.
myst_enable_extensions = ["attrs_block", "deflist", "fieldlist"]
myst_heading_anchors = 4
myst_heading_slug_func = "github"

# Colors that can be told apart, from a package that the theme needs as well.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
highlight_language = "none"

html_theme = "furo"
html_title = "Astakos"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
smartquotes_action = "D"  # Dashes; quotes stay as they are written, because many belong to code.
html_copy_source = False
html_permalinks_icon = "#"
# Parameters of long signatures have a line each.
maximum_signature_line_length = 90
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
