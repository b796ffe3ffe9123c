"""`account/v1.0/feedback`: stores feedback, and mails it to the operators (`http-api.md` §8.3)."""

import logging
from typing import Annotated

import msgspec

from astakos.clock import MICROSECONDS
from astakos.directory.entities import User
from astakos.http.faults import BadRequest, TooMuchFeedback
from astakos.http.forms import FormBody
from astakos.http.openapi.description import EMPTY, described
from astakos.http.request import BODY_LIMIT, Answer, Request
from astakos.service.mail import MailError
from astakos.service.service import Service
from astakos.storage.tables import feedback as feedback_store
from astakos.storage.tables.feedback import TooMuchFeedbackError
from astakos.storage.texts import is_storable

log = logging.getLogger("astakos.http")


class FeedbackForm(msgspec.Struct):
    """A message from a user, and data that their client adds."""

    feedback_msg: Annotated[str, msgspec.Meta(min_length=1)]
    feedback_data: str = ""


FEEDBACK = FormBody(FeedbackForm, limit=BODY_LIMIT)


@described("account.feedback", body=FEEDBACK, answers={200: EMPTY, 502: EMPTY}, faults=[TooMuchFeedback])
async def feedback(service: Service, request: Request, user: User) -> Answer:
    """Sends feedback to the operators. Returns 502 if the feedback is stored but cannot be mailed."""
    form = await FEEDBACK.read(request, request.dialect.form_type)
    message, data = form.feedback_msg, form.feedback_data
    if not (is_storable(message) and is_storable(data)):
        raise BadRequest("feedback_msg and feedback_data must not contain NUL characters.")
    now = service.now()
    try:
        await service.write(lambda connection: feedback_store.save(connection, user.id, now, message, data))
    except TooMuchFeedbackError as error:
        raise TooMuchFeedback(-(-(error.again - now) // MICROSECONDS)) from error
    if service.outbox is not None:
        text = f"From: {user.name} <{user.email}> ({user.uuid})\n\n{message}\n\n-- \n{data}\n"
        try:
            await service.outbox.send(f"Feedback from {user.username}", user.email, text)
        except MailError as error:
            log.warning("feedback stored but not mailed: %s", error)
            return Answer(502)
    return Answer()
