"""Records as documents of a data stream in Elasticsearch: a spool on disk, and a thread that sends it."""
