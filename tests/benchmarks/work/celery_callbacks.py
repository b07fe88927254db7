"""The tasks of Celery that post with `requests`."""

import os
import threading

import requests
from celery import Celery

app = Celery("bench", broker=os.environ["EBATS_BENCH_URL"])
app.conf.task_acks_late = True
app.conf.task_ignore_result = True
# For many short tasks, its documentation says: 50, 100, or 150.
app.conf.worker_prefetch_multiplier = 100
here = threading.local()


@app.task(ignore_result=True)
def call(n: int) -> None:
    """Post as most people write it: a connection for each request."""
    check(requests.post(os.environ["EBATS_BENCH_SINK"], json={"order": n}, timeout=30))


@app.task(ignore_result=True)
def call_kept(n: int) -> None:
    """Post over a connection that the thread keeps."""
    if not hasattr(here, "session"):
        here.session = requests.Session()
    check(here.session.post(os.environ["EBATS_BENCH_SINK"], json={"order": n}, timeout=30))


def check(response: requests.Response) -> None:
    """Raise unless the merchant has taken it."""
    if response.status_code != 200 or response.text != "success":
        raise RuntimeError(f"answered {response.status_code}, {response.text!r}")
