"""`comity version`."""

import platform

import click

from comity import __version__
from comity.cli.console import Console
from comity.cli.options import Command, pass_console


@click.command("version", cls=Command)
@pass_console
def version(console: Console) -> None:
    """Print the version."""
    if console.json:
        console.result({"comity": __version__, "python": platform.python_version(), "stix": "2.1", "taxii": "2.1"})
        return
    console.say(f"comity {__version__}")
    console.remark(f"Python {platform.python_version()}, STIX 2.1, TAXII 2.1")
