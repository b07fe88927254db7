"""What a pipeline is made of and how messages go through it, drawn: as Mermaid, DOT, SVG or JSON."""
