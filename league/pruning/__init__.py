"""Replays and snapshots under a disk budget: what may go, what stays, and how it goes safely."""
