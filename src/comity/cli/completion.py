"""`comity completion`: what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from comity.cli.console import Console
from comity.cli.options import Command, pass_console


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")
@pass_console
def completion(console: Console, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    For bash: `eval "$(comity completion bash)"` in ~/.bashrc.
    """
    from comity.cli.main import root

    kind = get_completion_class(shell)
    assert kind is not None
    maker = kind(root, {}, "comity", "_COMITY_COMPLETE")
    text = maker.source_template % maker.source_vars()
    if console.json:
        console.result({"shell": shell, "script": text})
        return
    console.begun = True
    print(text)
