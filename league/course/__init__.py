"""The course of a lineage: whether it climbs, stands still or falls, judged on held-out members."""
