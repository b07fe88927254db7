"""Print payments as JSON lines, so many: `python make_payments.py 300 | ebats publish ... --file -`.

The merchants of FB0001, FB0011, FB0021 ... say "fail" twice, and that of FB0007 never answers.
"""

import json
import sys


def path(number: int) -> str:
    """Return where the merchant of a payment wants to be told."""
    if number == 7:
        return "/never"
    return "/fails/2" if number % 10 == 1 else "/good"


def payment(number: int, port: str) -> str:
    """Return a payment as JSON."""
    url = f"http://127.0.0.1:{port}{path(number)}"
    return json.dumps({"order_id": f"FB{number:04}", "amount": number * 37 % 900 + 99, "notify_url": url})


if __name__ == "__main__":
    _, count, port = (*sys.argv, "9600")[:3]
    for number in range(1, int(count) + 1):
        print(payment(number, port))
