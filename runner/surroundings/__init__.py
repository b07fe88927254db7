"""What a file needs around it: the functions that it names, its broker, its sinks."""
