"""``storyboard schema``: print the JSON Schema of the language."""

import click

from storyboard.cli.output import print_result
from storyboard.document.schema import schema_text


@click.command("schema", epilog="Example: storyboard schema > storyboard.schema.json")
def command() -> None:
    """Print the JSON Schema of the language, for editors that complete and check the text."""
    print_result(schema_text().rstrip("\n"))
