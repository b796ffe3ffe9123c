"""Whether the holder of a token may make calls (`http-api.md` §5)."""

from astakos.directory.entities import Component, User


def refuse_user(user: User | None, now: int) -> str | None:
    """Returns why a user's token is refused, checked in the documented order; None if it is accepted."""
    if user is None:
        return "The token is not known."
    if not user.is_active:
        return "The user is not active."
    if user.token_expires is not None and user.token_expires < now:
        return "The token has expired; get a new one."
    if not user.has_signed_terms:
        return "The user has not signed the current terms of service."
    if user.key is not None and not user.key.draws:
        return "The user cannot draw from the project of the key now."
    return None


def refuse_component(component: Component | None, now: int) -> str | None:
    """Returns why a component's token is refused; None if it is accepted."""
    if component is None:
        return "The token is not known; this call needs the token of a component."
    if component.token_expires is not None and component.token_expires < now:
        return "The token has expired; get a new one."
    return None
