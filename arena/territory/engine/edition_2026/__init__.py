"""What edition 2026 adds to the land game: gold, cities, boats, alliances and minds."""
