"""mkdocs' hook: the pages of the reference that are written by the program itself."""

from __future__ import annotations

import commands
import stages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from hdmatt_core.registry import Registry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site."""
    pages = {"reference/stages.md": stages.page(Registry.load()), "reference/cli.md": commands.page()}
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files
