"""A soak: a pipeline under steady load, and faults at random, from a seed that is printed first."""
