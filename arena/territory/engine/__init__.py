"""The rules of the game, compiled: the state of a match and everything that changes it."""
