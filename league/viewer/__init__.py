"""Recorded matches of a league as films: whose they are, what networks thought, on a terminal."""
