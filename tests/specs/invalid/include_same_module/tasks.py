"""Ships."""


def ship(): ...
