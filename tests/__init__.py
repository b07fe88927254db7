"""The tests, and the helpers that they share.

RabbitMQ nodes are started and ended by the tests themselves. Where RabbitMQ is missing its tests are
skipped; with EBATS_TEST_REQUIRE_SERVICES=1, as in CI, they fail. EBATS_TEST_TRIXIE names the folder, made
by debootstrap, that RabbitMQ 4.0 is run in (as root); `.ci/run` shows how to make it.
"""
