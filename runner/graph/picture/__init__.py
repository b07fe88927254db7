"""Our own drawing of a graph: boxes in columns, lines between them, as SVG."""
