"""`account/v1.0/feedback`: stores feedback for the operators (`http-api.md` §8.3)."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from astakos.clock import MICROSECONDS
from astakos.directory.entities import User
from astakos.events.event import Actor, Event
from astakos.http.faults import BadRequest, TooMuchFeedback, UnprocessableEntity
from astakos.http.forms import FormBody
from astakos.http.making import DONE, KEY, once_of
from astakos.http.openapi.description import described
from astakos.http.projects.actors import origin_of
from astakos.http.request import BODY_LIMIT, Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import events
from astakos.storage.tables import feedback as feedback_store
from astakos.storage.tables.feedback import TooMuchFeedbackError
from astakos.storage.texts import is_storable


class FeedbackForm(msgspec.Struct):
    """A message from a user, and data that their client adds."""

    feedback_msg: Annotated[str, msgspec.Meta(min_length=1)]
    feedback_data: str = ""


FEEDBACK = FormBody(FeedbackForm, limit=BODY_LIMIT)


@described(
    "account.feedback",
    parameters=[KEY],
    body=FEEDBACK,
    answers={200: DONE},
    faults=[TooMuchFeedback, UnprocessableEntity],
)
async def feedback(service: Service, request: Request, user: User) -> Answer:
    """Sends feedback to the operators: stores it, to be mailed or logged soon."""
    form = await FEEDBACK.read(request, request.dialect.form_type)
    message, data = form.feedback_msg, form.feedback_data
    if not (is_storable(message) and is_storable(data)):
        raise BadRequest("feedback_msg and feedback_data must not contain NUL characters.")
    now, actor = (
        service.now(),
        Actor(user.uuid, origin_of(service, request), key=None if user.key is None else user.key.prefix),
    )

    once = once_of(service, request, user.uuid, form)

    def store(connection: Connection) -> Mapping[str, Any]:
        number = feedback_store.save(connection, user.id, now, message, data)
        told = Event("feedback.sent", actor, subject=user.uuid, after={"feedback": number})
        events.record(connection, told, now)
        return {}

    try:
        made = await service.write(lambda connection: once.make(connection, lambda: store(connection)))
    except TooMuchFeedbackError as error:
        raise TooMuchFeedback(-(-(error.again - now) // MICROSECONDS)) from error
    return Answer(headers=once.headers(made))
