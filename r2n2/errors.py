"""Exceptions and warnings for the user: messages that name the file and say what to do."""


class UserError(Exception):
    """A mistake that the user can correct.

    The message is one sentence: what is wrong, which file, what to do. The command line prints it
    and exits with code 2; in Python it is an ordinary exception.
    """


class PlainWarning(UserWarning):
    """A message for the user: the command line prints only its text, without the location in the code."""


class SkippedWarning(PlainWarning):
    """Something unusable was skipped, such as a model with a broken file."""


class StaleWarning(PlainWarning):
    """Something was made for data that have changed since."""


def one_line(error: BaseException | str) -> str:
    """A library's error as one short line to quote in a message: libraries write paragraphs, and sometimes nothing."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
