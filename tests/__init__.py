"""The tests, and the helpers that they share.

RabbitMQ and Elasticsearch are started and ended by the tests themselves. Where one is missing its tests
are skipped; with EBATS_TEST_REQUIRE_SERVICES=1, as in CI, they fail. EBATS_TEST_TRIXIE names the folder,
made by debootstrap, that RabbitMQ 4.0 is run in (as root), and EBATS_TEST_ELASTIC that of Elasticsearch;
`.ci/run` shows how to make them.
"""
