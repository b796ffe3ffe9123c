"""Makes sentences of the messages that operations raise, which begin small and end without a full stop."""


def sentence(message: str) -> str:
    """Returns a message as a sentence, for example `There is no resource 'x'.`"""
    return f"{message[:1].upper()}{message[1:]}{'' if message.endswith(('.', '?', '!')) else '.'}"
