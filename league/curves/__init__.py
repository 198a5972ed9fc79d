"""How the lineages of a league got better: numbers, screen and picture."""
