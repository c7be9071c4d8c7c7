"""``storyboard completion``: a completion script for a shell."""

import click
from click.shell_completion import get_completion_class

from storyboard.cli.output import print_result


@click.command("completion", epilog='Example: eval "$(storyboard completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script for a shell that completes verbs and options."""
    from storyboard.cli.main import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    print_result(found(cli, {}, "storyboard", "_STORYBOARD_COMPLETE").source())
