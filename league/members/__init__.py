"""How agents join the pool and leave it, and how weights are exported and imported."""
