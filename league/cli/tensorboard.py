"""`league tensorboard`: the curves of the learners in TensorBoard."""

from __future__ import annotations

import click

from league.cli.options import examples, existing_league, league_option, say


@click.command(epilog=examples("league tensorboard", "league tensorboard --port 0 --league big"))
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=6_006,
    show_default=True,
    help="Port of this machine to serve on; 0 takes a free one.",
)
@league_option
def tensorboard(port: int) -> int:
    """Serve the curves of the learners in TensorBoard until Ctrl-C; needs that package.

    With `learner.tensorboard` on they grow while the league runs; otherwise they are made from the
    CSV files in logs/curves and end now. Exit code: 0 ended by Ctrl-C, 2 there is nothing to show,
    else TensorBoard's.
    """
    from league.curves.viewer import event_files, serve

    with event_files(existing_league()) as (events, grows):
        if not grows:
            say(
                "note: curves until now; `league start --set learner.tensorboard=true` writes them "
                "while the league runs",
                to_stderr=True,
            )
        return serve(events, port)
