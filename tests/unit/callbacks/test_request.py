import pytest

from ebats.runner.callbacks.request import MOST_CHARACTERS, BadRequest, as_url, host_of, shown


@pytest.mark.parametrize(
    "text",
    [
        "ftp://user:secret@a.example/x?token=secret",
        "user:secret@a.example?token=secret",
        "http://user:secret@a.example:port/?token=secret",
        "http://user:secret@/",
    ],
)
def test_what_is_no_url_is_named_without_what_may_be_a_secret(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        as_url(text)
    assert "secret" not in str(caught.value)


def test_a_url_has_an_end() -> None:
    # Those that were read last are remembered: a few thousand long ones would be all of the memory.
    start = "http://a.example/"
    assert as_url(start.ljust(MOST_CHARACTERS, "x")).raw_path.endswith("xxx")
    with pytest.raises(BadRequest, match="a URL of 16385 characters isn't asked: 16384 are the most"):
        as_url(start.ljust(MOST_CHARACTERS + 1, "x"))


def test_what_is_shown_of_a_url_holds_no_secret() -> None:
    url = as_url("http://user:secret@a.example:8080/path?token=secret#secret")
    assert shown(url) == "http://a.example:8080/path"
    assert shown(as_url("https://[2606:4700::1111]/")) == "https://[2606:4700::1111]/"


@pytest.mark.parametrize("text", ["http://a.example/", "http://A.EXAMPLE./x", "http://a.example:80?b=c"])
def test_the_ways_to_write_a_host_count_as_one(text: str) -> None:
    assert host_of(as_url(text)) == "a.example:80"
    assert host_of(as_url("https://a.example/")) == "a.example:443"
