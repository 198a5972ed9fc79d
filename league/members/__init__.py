"""How agents join and leave the pool, and how weights are exported and imported."""
