"""The progress of a league's lineages: numbers, screen and picture."""
