"""Where snapshots, checkpoints and replays are kept when that is not the league's own folder."""
