"""Results that other programs can read, and the results of other games, rated like our own."""
