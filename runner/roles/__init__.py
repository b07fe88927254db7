"""What a child process is: a consumer, the lane, the writer."""
