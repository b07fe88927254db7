"""From the plan to effects: processes, deliveries, records."""
