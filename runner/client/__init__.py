"""Publishing through a gateway, from any Python program that need not reach the broker."""
