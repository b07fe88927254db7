"""From the file to the plan: pure, with no broker, process, clock or log."""
