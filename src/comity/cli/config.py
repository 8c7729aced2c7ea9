"""`comity config`: the settings in force, and what is wrong with them."""

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, Group, pass_console


@click.group("config", cls=Group)
def config() -> None:
    """Show and check the settings."""


@config.command("show", cls=Command)
@pass_console
def show(console: Console) -> None:
    """Show every setting with its value; those that comity.toml does not name have their default."""
    from dataclasses import fields

    from comity.node.system import SETTINGS_FILE, load_settings, shown, toml_value

    settings = load_settings(console.home)
    values = shown(settings)
    if console.json:
        console.result(values)
        return
    console.remark(f"From {path_text(console.home / SETTINGS_FILE)}")
    for field in fields(settings):
        if console.terminal:
            console.say(f"# {field.metadata.get('words', '')}")
        console.say(f"{field.name} = {toml_value(values[field.name])}")


@config.command("check", cls=Command)
@click.pass_context
def check(context: click.Context) -> None:
    """Say what is wrong with comity.toml; exit 5 where anything is."""
    from comity.node.system import check_settings

    console = context.ensure_object(Console)
    problems = check_settings(console.home)
    if console.json:
        console.result({"problems": problems})
    else:
        for problem in problems:
            console.say(problem)
        if not problems:
            console.say("The settings hold.")
    if problems:
        context.exit(5)
