"""HTTP callbacks: from a task of the file and a payload to requests, and from answers to a result."""
