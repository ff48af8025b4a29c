"""The chats: listed, asked and answered. One answer at a time streams in each; other chats go on beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.chat import attachments, turn
from sidecar.chat.answer import ANSWER_CHARACTERS, LEFT, Answer
from sidecar.chat.context import Context
from sidecar.chat.listener import Listener
from sidecar.chat.title import one_line
from sidecar.chat.titling import entitle
from sidecar.errors import ConsentNeeded, DiskFull, InvalidRequest, SessionBusy, SidecarError, StoreError
from sidecar.routing import Router
from sidecar.store import Database, message, search, session
from sidecar.store.message import Message, Part
from sidecar.store.session import Session

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)

CLOSE_SECONDS = 0.5
"""How long the answers that stream may take to be written down when the process leaves."""
PAGE_BYTES = 8 * 2**20
"""Of messages that are read at once, but for a larger one that is read alone. A line of the pipe has 32 MiB."""
MESSAGES_OF_TURN = 2


@dataclass(frozen=True)
class Turn:
    """A question and its answer, which streams from now on."""

    question: Message
    answer: Message


class Sessions:
    """All chats. Ids that are not there raise `SessionNotFound` or `MessageNotFound`, a database that cannot be used
    `StoreError` or `DiskFull`, everywhere."""

    def __init__(self, database: Database, router: Router, attachments: Path, listener: Listener) -> None:
        """`attachments` is the folder of the pictures in messages."""
        self._database = database
        self._router = router
        self._folder = attachments
        self._listener = listener
        self._beginning: dict[str, asyncio.Task[Turn]] = {}
        self._answers: dict[str, Answer] = {}
        self._tasks: dict[asyncio.Task[None], Answer | None] = {}

    async def listed(self, words: str | None, cursor: str | None, limit: int) -> tuple[Sequence[Session], str | None]:
        """The chats, the last changed first, or those that have these words, the best first; from the place `cursor`
        on, and the place where they go on.

        Raises:
            InvalidRequest: the cursor is none.
        """
        if words is None or not words.strip():
            return await self._database.read(session.listed, cursor, limit)
        return await self._database.read(search.found, words, cursor, limit)

    async def create(self) -> Session:
        """Begins a chat."""
        return self._told(await self._database.write(session.insert))

    async def rename(self, session_id: str, title: str) -> Session:
        """Gives a chat a person's title, which no model replaces."""
        words = one_line(title)
        if not words:
            raise InvalidRequest("a title has words", member="title")
        return self._told(await self._database.write(session.entitle, session_id, words, "person"))

    async def delete(self, session_id: str) -> None:
        """Deletes a chat, after stopping its answer, and the attachments that no other one has."""
        await self.stop(session_id)
        shown = await self._database.write(session.delete, session_id)
        await self.stop(session_id)  # somebody may have asked meanwhile
        await self._delete_unused(shown)
        await self._afterwards(self._database.forget_deleted())

    async def messages(self, session_id: str, before: str | None, limit: int) -> tuple[Sequence[Message], bool]:
        """The newest messages of a chat, or the newest before that one, the oldest first, as many as fit into a line
        of the pipe; whether there are older ones. An answer that streams has all that was told of it until now."""
        page, more = await self._database.read(message.page, session_id, before, limit, PAGE_BYTES)
        return [self._as_it_is(each) for each in page], more

    async def send(self, session_id: str, parts: Sequence[Part], model: str | None) -> Turn:
        """Asks. Question and answer are kept when this returns; the answer follows.

        Raises:
            InvalidRequest: the question is empty.
            InvalidImage: a picture is not there.
            SessionBusy: an answer streams in the chat.
            RoutingError, ModelNotFound, ConsentNeeded: nobody can answer, or may; nothing was changed.
        """
        question = Message(session_id, "user", _checked(parts))

        async def begin() -> Turn:
            history = [*await self._history(session_id), question]

            def write(connection: apsw.Connection, answer: Message) -> None:
                attachments.require(self._folder, question.attachments)
                message.insert(connection, question)
                message.insert(connection, answer)

            return await self._ask(history, model, write)

        return await self._begun(session_id, begin())

    async def edit(
        self,
        session_id: str,
        message_id: str,
        parts: Sequence[Part],
        model: str | None,
        *,
        accept: Collection[str] = (),
    ) -> Turn:
        """Asks a question anew in other words; what came after it is deleted. Raises as `send` does.

        Raises:
            ConsentNeeded: more than the answer to it came after it, and `accept` has no deletes_rest.
        """
        parts = _checked(parts)

        async def begin() -> Turn:
            before, old = await self._up_to(session_id, message_id, "user")
            await self._require_agreed(old, accept)
            # Its pictures may be newer than the question was: with the chat they go by its time.
            question = replace(old, parts=parts, created_at=session.now())
            shown = dict.fromkeys(old.attachments, old.created_at)

            def write(connection: apsw.Connection, answer: Message) -> None:
                attachments.require(self._folder, question.attachments)
                shown.update(message.delete_after(connection, question))
                message.update(connection, question)
                message.insert(connection, answer)

            asked = await self._ask([*before, question], model, write)
            await self._delete_unused(shown)
            return asked

        return await self._begun(session_id, begin())

    async def regenerate(
        self, session_id: str, message_id: str, model: str | None, *, accept: Collection[str] = ()
    ) -> Turn:
        """Has a question answered anew; its answer and what came after that are deleted. Raises as `send` does.

        Raises:
            ConsentNeeded: something came after the answer, and `accept` has no deletes_rest.
        """

        async def begin() -> Turn:
            before, old = await self._up_to(session_id, message_id, "assistant")
            await self._require_agreed(old, accept)
            shown: dict[str, int] = {}

            def write(connection: apsw.Connection, answer: Message) -> None:
                shown.update(message.delete_from(connection, old))
                message.insert(connection, answer)

            asked = await self._ask(before, model, write)
            await self._delete_unused(shown)
            return asked

        return await self._begun(session_id, begin())

    async def continue_(self, session_id: str, message_id: str, model: str | None) -> Turn:
        """Has the last answer, which broke off or was cut, go on. Raises as `send` does.

        Raises:
            InvalidRequest: it is not the last message, or it is whole, or as long as an answer gets.
        """

        return await self._begun(session_id, self._go_on(session_id, message_id, model, by_itself=False))

    async def resume(self, left: Sequence[tuple[str, str]]) -> None:
        """Has these answers go on, by the ids of chat and message. One that cannot waits for a person."""
        for session_id, message_id in left:
            try:
                await self._begun(session_id, self._go_on(session_id, message_id, None, by_itself=True))
            except SidecarError as error:
                log.warning("an answer does not go on by itself: %s", error, extra={"id": message_id})

    async def stop(self, session_id: str) -> None:
        """Ends the answer that streams, if there is one; returns when what there is of it is kept."""
        if beginning := self._beginning.get(session_id):
            await asyncio.wait({beginning})
        if answer := self._answers.get(session_id):
            answer.stop()
            await asyncio.wait({task for task, its in self._tasks.items() if its is answer})

    async def close(self) -> None:
        """Breaks off all answers and writes down what there is of them."""
        for task, answer in self._tasks.items():
            if answer is None:
                task.cancel()
            else:
                answer.stop(LEFT)
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=CLOSE_SECONDS)

    async def _begun(self, session_id: str, begin: Coroutine[None, None, Turn]) -> Turn:
        if session_id in self._beginning or session_id in self._answers:
            begin.close()
            raise SessionBusy("an answer streams in this chat", id=session_id)
        task = self._beginning[session_id] = asyncio.get_running_loop().create_task(begin)
        task.add_done_callback(lambda _: self._beginning.pop(session_id))
        # Who asked may go away; the question is written then, and its answer follows all the same.
        return await asyncio.shield(task)

    async def _go_on(self, session_id: str, message_id: str, model: str | None, *, by_itself: bool) -> Turn:
        before, old = await self._up_to(session_id, message_id, "assistant")
        (last,), _ = await self._database.read(message.page, session_id, None, 1)
        if last.id != old.id or (old.state == "complete" and old.finish_reason != "length"):
            raise InvalidRequest("only the last answer is continued, if it broke off", member="messageId")
        if len(old.text) >= ANSWER_CHARACTERS:
            raise InvalidRequest("an answer gets no longer", member="messageId")
        old = replace(old, gone_on=old.gone_on or by_itself)

        def write(connection: apsw.Connection, answer: Message) -> None:
            message.update(connection, answer)

        return await self._ask(before, model, write, goes_on=old)

    async def _ask(
        self,
        history: Sequence[Message],
        model: str | None,
        write: Callable[[apsw.Connection, Message], None],
        goes_on: Message | None = None,
    ) -> Turn:
        """Has the chat up to a question answered, or the answer `goes_on` continued. `write` writes its row."""
        questions = [each for each in history if each.role == "user"]
        if not questions:
            raise InvalidRequest("there is no question before it", member="messageId")
        question = questions[-1]
        if not question.parts:
            raise InvalidRequest("the question cannot be read any more", member="messageId")
        context = Context.of(history)
        route = await self._router.route(model, turn.request_of(context))
        begun = turn.begun(question.session_id, route, goes_on)
        answers = history if goes_on is None else [*history, goes_on]
        context = context.without_first(turn.dropped_before(answers, begun))
        if goes_on is not None:
            context = context.continuing(begun)
        chat = await self._database.write(turn.written, question, begun, write, is_first=len(questions) == 1)
        answer = Answer(begun, context, route, router=self._router, database=self._database, listener=self._listener)
        self._answers[chat.id] = answer
        self._told(chat)
        is_first = not any(each.role == "assistant" and each.state == "complete" for each in history)
        self._spawn(self._answered(answer, question, entitled=is_first), answer)
        return Turn(question, begun)

    async def _answered(self, answer: Answer, question: Message, *, entitled: bool) -> None:
        session_id = question.session_id
        try:
            await answer.run()
        finally:
            del self._answers[session_id]
        if entitled and answer.message.state == "complete":
            self._spawn(entitle(self._database, self._router, self._listener, question, answer.message), None)

    def _spawn(self, work: Coroutine[None, None, None], answer: Answer | None) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = answer
        task.add_done_callback(self._tasks.pop)

    async def _history(self, session_id: str) -> list[Message]:
        messages, _ = await self._database.read(message.page, session_id, None, turn.MAX_MESSAGES)
        return [self._as_it_is(each) for each in messages]

    async def _up_to(self, session_id: str, message_id: str, role: str) -> tuple[list[Message], Message]:
        found = await self._database.read(message.get, session_id, message_id)
        if found.role != role:
            raise InvalidRequest("a question is edited, an answer asked for anew", member="messageId")
        before, _ = await self._database.read(message.page, session_id, message_id, turn.MAX_MESSAGES)
        return [self._as_it_is(each) for each in before], found

    async def _require_agreed(self, anew: Message, accept: Collection[str]) -> None:
        """Of the last turn nothing is asked: it is answered again all the time."""
        last, _ = await self._database.read(message.page, anew.session_id, None, MESSAGES_OF_TURN)
        if anew.id not in {each.id for each in last} and "deletes_rest" not in accept:
            raise ConsentNeeded("what came after it would be deleted", needs=["deletes_rest"])

    def _as_it_is(self, kept: Message) -> Message:
        if kept.state != "streaming":
            return kept
        answer = self._answers.get(kept.session_id)
        if answer is not None and answer.message.id == kept.id:
            return answer.message
        return replace(kept, state="interrupted", kind="store_failed")  # its end could not be written

    async def _delete_unused(self, shown: Mapping[str, int]) -> None:
        if shown:
            await self._afterwards(self._database.write(attachments.delete_unused, self._folder, shown))

    async def _afterwards(self, work: Coroutine[None, None, None]) -> None:
        """What follows a change that is made: should it fail, what was asked for was done all the same."""
        try:
            await work
        except (StoreError, DiskFull) as error:
            log.warning("what was deleted is not all gone yet: %s", error)

    def _told(self, changed: Session) -> Session:
        self._listener.session_changed(changed)
        return changed


def _checked(parts: Sequence[Part]) -> tuple[Part, ...]:
    message_of_it = Message("", "user", tuple(parts))
    if not message_of_it.attachments and not message_of_it.text.strip():
        raise InvalidRequest("a question has words or a picture", member="parts")
    return tuple(parts)
