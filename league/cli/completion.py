"""`league completion`: the script with which a shell completes commands, members and settings."""

from __future__ import annotations

import click

from league.cli.options import examples, league_option, say

_WHERE = {
    "bash": 'eval "$(league completion bash)" in ~/.bashrc (bash 4.4 or newer)',
    "zsh": 'eval "$(league completion zsh)" in ~/.zshrc, after compinit',
    "fish": "league completion fish > ~/.config/fish/completions/league.fish",
}


@click.command(epilog=examples("league completion bash", "league completion fish"))
@click.argument("shell", type=click.Choice(sorted(_WHERE)))
@league_option
def completion(shell: str) -> None:
    """Print what SHELL needs to complete commands, options, members, presets and settings.

    For good: eval "$(league completion bash)" in ~/.bashrc, eval "$(league completion zsh)" in
    ~/.zshrc after compinit, or league completion fish > ~/.config/fish/completions/league.fish.
    Members are those of --league, $LEAGUE_DIR or ./league-data.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # click knows the three
    root = click.get_current_context().find_root()
    found = kind(root.command, {}, "league", "_LEAGUE_COMPLETE")
    # Not found.source(): for bash it starts bash to ask for its version, and prints what it thinks.
    say(f"# {_WHERE[shell]}")
    say(found.source_template % found.source_vars())
