"""Chats and what was said in them."""

import pytest

from sidecar.errors import InvalidRequest, MessageNotFound, SessionNotFound
from sidecar.store import Database, message, session
from sidecar.store.message import ImagePart, Message, Part, TextPart

PICTURE = "a" * 64
OTHER_PICTURE = "b" * 64


async def begun(database: Database, *said: str | Part) -> tuple[str, list[Message]]:
    """A new chat and its messages: a question, an answer, a question, …"""
    chat = (await database.write(session.insert)).id
    messages = [
        Message(
            chat,
            "assistant" if number % 2 else "user",
            (TextPart(part) if isinstance(part, str) else part,),
        )
        for number, part in enumerate(said)
    ]
    for each in messages:
        await database.write(message.insert, each)
    return chat, messages


async def test_what_was_said_comes_back_as_it_was_in_its_order(database: Database) -> None:
    chat, messages = await begun(database, "one", "two", ImagePart(PICTURE), "four \x00 ‰ 😀")

    assert await database.read(message.page, chat, None, 100) == (messages, False)
    assert await database.read(message.page, chat, None, 2) == (messages[2:], True)
    assert await database.read(message.page, chat, messages[2].id, 100) == (messages[:2], False)
    assert await database.read(message.get, chat, messages[2].id) == messages[2]


async def test_every_page_of_the_list_goes_on_where_the_one_before_ended(database: Database) -> None:
    ids = [(await begun(database))[0] for _ in range(7)]
    await database.write(session.changed, ids[2])

    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor:
        page, cursor = await database.read(session.listed, cursor, 3)
        pages.append([each.id for each in page])

    assert [len(page) for page in pages] == [3, 3, 1]
    listed = [id_ for page in pages for id_ in page]
    assert sorted(listed) == sorted(ids)
    by_change = [(each.updated_at, each.id) for each in (await database.read(session.listed, None, 100))[0]]
    assert [id_ for _, id_ in by_change] == listed
    assert [at for at, _ in by_change] == sorted((at for at, _ in by_change), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "1.x"])
async def test_a_cursor_that_is_none_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await database.read(session.listed, cursor, 3)


async def test_a_persons_title_is_replaced_by_a_person_only(database: Database) -> None:
    chat, _ = await begun(database)
    assert (await database.write(session.entitle, chat, "First words", "question")).title == "First words"
    assert (await database.write(session.entitle, chat, "A title", "model")).title == "A title"
    assert (await database.write(session.entitle, chat, "Mine", "person")).title == "Mine"
    assert (await database.write(session.entitle, chat, "Another", "model")).title == "Mine"
    assert (await database.write(session.entitle, chat, "Mine, too", "person")).title == "Mine, too"


async def test_a_chat_that_left_the_computer_once_has_left_it(database: Database) -> None:
    chat, _ = await begun(database)
    assert not (await database.write(session.changed, chat)).leaves_computer
    assert (await database.write(session.changed, chat, leaves_computer=True)).leaves_computer
    assert (await database.write(session.changed, chat)).leaves_computer


async def test_a_deleted_chat_says_its_attachments_and_unused_are_those_that_no_other_message_has(
    database: Database,
) -> None:
    chat, _ = await begun(database, ImagePart(PICTURE), "an answer", ImagePart(OTHER_PICTURE))
    other, _ = await begun(database, ImagePart(PICTURE))

    attachments = await database.write(session.delete, chat)

    assert sorted(attachments) == [PICTURE, OTHER_PICTURE]
    assert await database.read(message.unused, attachments) == [OTHER_PICTURE]
    with pytest.raises(SessionNotFound):
        await database.read(message.page, chat, None, 1)
    with pytest.raises(SessionNotFound):
        await database.write(session.delete, chat)
    assert len((await database.read(message.page, other, None, 10))[0]) == 1


async def test_deleting_from_a_message_on_leaves_what_was_before_and_all_other_chats(database: Database) -> None:
    chat, messages = await begun(database, "one", "two", ImagePart(PICTURE), "four")
    other, others = await begun(database, "five", "six")

    assert await database.write(message.delete_after, messages[2]) == {}
    assert (await database.read(message.page, chat, None, 10))[0] == messages[:3]
    assert await database.write(message.delete_from, messages[1]) == {PICTURE: messages[1].created_at}
    assert (await database.read(message.page, chat, None, 10))[0] == messages[:1]
    assert (await database.read(message.page, other, None, 10))[0] == others


async def test_a_question_in_other_words_has_other_attachments(database: Database) -> None:
    chat, [question] = await begun(database, ImagePart(PICTURE))
    changed = Message(chat, "user", (TextPart("and"), ImagePart(OTHER_PICTURE)), id=question.id, created_at=1)

    assert await database.write(message.update, changed)

    assert await database.read(message.unused, [PICTURE, OTHER_PICTURE]) == [PICTURE]
    assert (await database.read(message.get, chat, question.id)).parts == changed.parts


async def test_what_streams_is_interrupted_and_nothing_else(database: Database) -> None:
    chat, _ = await begun(database, "one", "two")
    streaming = Message(chat, "assistant", (TextPart("thr"),), "streaming")
    await database.write(message.insert, streaming)
    other, _ = await begun(database, "one")
    await database.write(message.insert, Message(other, "assistant", (TextPart(""),), "streaming"))

    assert await database.write(message.interrupt_streaming, "sidecar_restarted", chat) == 1
    assert await database.write(message.interrupt_streaming, "sidecar_restarted") == 1
    assert await database.write(message.interrupt_streaming, "sidecar_restarted") == 0

    kept = await database.read(message.get, chat, streaming.id)
    assert (kept.state, kept.kind, kept.text) == ("interrupted", "sidecar_restarted", "thr")


async def test_a_message_of_another_chat_is_not_found(database: Database) -> None:
    _, [question] = await begun(database, "one")
    other, _ = await begun(database)
    with pytest.raises(MessageNotFound):
        await database.read(message.get, other, question.id)
    with pytest.raises(MessageNotFound):
        await database.read(message.page, other, question.id, 10)


async def test_a_message_for_a_chat_that_is_gone_is_not_written(database: Database) -> None:
    with pytest.raises(SessionNotFound):
        await database.write(message.insert, Message("gone", "user", (TextPart("one"),)))
    assert not await database.write(message.update, Message("gone", "user", (TextPart("one"),)))
