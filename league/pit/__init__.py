"""Head-to-head matches in mirrored pairs: plan, run, log, statistics, text."""
