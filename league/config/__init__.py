"""The settings of a league: a typed tree, its layers and its TOML text."""
