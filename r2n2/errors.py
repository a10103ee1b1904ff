"""The exceptions that speak to a user, and the warnings: sentences that name the file and say what to do."""


class UserError(Exception):
    """A mistake that the user can mend.

    The message is one sentence: what is wrong, which file, what to do. The command line prints it
    and leaves with exit code 2; in Python it is an ordinary exception.
    """


class PlainWarning(UserWarning):
    """A sentence for the user: the command line prints it alone, without the place in the code."""


class SkippedWarning(PlainWarning):
    """Something that could not be used and was left out, such as a model with a broken file."""


class StaleWarning(PlainWarning):
    """Something that was made for data which have changed since."""


def one_line(error: BaseException | str) -> str:
    """What a library says of a file, to stand in a sentence: libraries write paragraphs, and sometimes nothing."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
