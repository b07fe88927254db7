"""Publishing from programs: payloads become messages, and their publisher waits until the broker has them."""
