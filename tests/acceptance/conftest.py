"""Fixtures of the acceptance tests."""

from tests.faults.conftest import local_site, make_site, rabbitmq_port, site

__all__ = ["local_site", "make_site", "rabbitmq_port", "site"]
