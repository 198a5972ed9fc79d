"""Three or more names in mixed company: every seat drawn anew per seed, equal seats for all."""
