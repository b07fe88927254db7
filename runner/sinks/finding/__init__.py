"""Finding records again, where a sink keeps them."""
