"""The champion of a league, the challenges by which it changes, and the canaries that guard it."""
