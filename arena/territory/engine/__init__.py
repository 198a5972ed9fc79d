"""The rules of the game in compiled code: the state of a match and all that changes it."""
