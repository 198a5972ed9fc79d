"""Owns `league bridge`: matches of our members in the original engine, from the user's checkout."""
