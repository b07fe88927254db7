"""What the pipeline does: plain functions. The payload's keys are their arguments."""

from ebats import Context, Reject


def welcome(email: str, context: Context) -> str:
    """Welcome who has signed up. An exception is a failed attempt: the next one follows by the ladder."""
    if "@" not in email:
        # What no attempt can mend is a dead letter at once.
        raise Reject(f"{email!r} is no mail address")
    context.logger.info(f"Welcome, {email}!")
    return email
