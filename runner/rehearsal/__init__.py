"""The rehearsal of a pipeline: its own routing, deciding and settling, on a clock that waits for nobody."""
