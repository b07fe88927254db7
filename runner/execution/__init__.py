"""One delivery: what it means, its call, its decision, its settlement. No kombu in here."""
