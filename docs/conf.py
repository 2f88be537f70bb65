"""The site of this folder, by Sphinx: `make site`."""

import importlib.metadata

project = "gan-augment"
copyright = "its authors, Apache-2.0"
release = importlib.metadata.version("gan-augment")
html_title = f"gan-augment {release}"
html_theme = "furo"
html_theme_options = {"light_css_variables": {"code-font-size": "75%"}}  # 100 columns fit
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
    "sphinxcontrib.autodoc_pydantic",
]
root_doc = "docs/index"
include_patterns = ["docs/**", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
nb_execution_mode = "off"  # a test runs the notebook
napoleon_google_docstring = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_pydantic_model_show_json = False
autodoc_pydantic_model_show_config_summary = False
autodoc_pydantic_model_show_validator_members = False
autodoc_pydantic_model_show_validator_summary = False
autodoc_pydantic_field_list_validators = False
linkcheck_ignore = [
    # Not there before somebody has run `make serve`.
    "http://127.0.0.1:.*",
]
