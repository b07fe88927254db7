"""What a process does to stay small works on this machine's C library, and is left alone where it is set."""

import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")

#: Eight threads that ask malloc for memory at once; prints how many heaps there are.
PROGRAM = """
import ctypes, re, threading
from ebats.runner.roles.heap import give_back, share_heaps
share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
everybody = threading.Barrier(8)
def work():
    everybody.wait()
    for _ in range(2000):
        libc.free(libc.malloc(4096))
    everybody.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
give_back()
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""


def heaps(**environment: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment or None
    )
    return result.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_threads_share_two_heaps() -> None:
    assert heaps() <= 2
