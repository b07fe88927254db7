"""The HTTP gateway: requests become messages, and their senders hear when the broker has them."""
