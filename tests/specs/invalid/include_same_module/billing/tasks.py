"""Bills."""


def bill(): ...
