"""The running league: its process and lock, the manager, matches, learners, screen."""
