"""Who is measured: each sets itself up as its own documentation advises for throughput."""
