"""What Kibana shows of a pipeline: data view, Discover sessions, panels and a dashboard, as saved objects."""
