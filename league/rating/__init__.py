"""Ratings: TrueSkill from the match log, standings, and who beats whom."""
