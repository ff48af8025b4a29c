"""A byte that rotted on the disk: in the index of words, in a row, in a key. It costs at most the row it is in."""

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from sidecar.store import Database, assignment, message, provider, search, session, setting, words
from sidecar.store.message import ImagePart, Message, TextPart
from sidecar.store.opening import migrations
from sidecar.store.provider import BUILTIN, CAPABILITIES, Model, Provider
from tests.unit.store.conftest import MODEL, Opening

REMOTE = Provider(
    "ray-ray", "Ray", "https://ray.example/v1", "vllm", 4, models=(Model("far", "ray-ray", "big", "Big"),)
)
PICTURE = "a" * 64


async def filled(opening: Opening) -> list[Message]:
    """The messages of a chat in a database that was left in order."""
    with opening() as database:
        await database.write(setting.write, "unloadMinutes", 12345)
        await database.write(setting.write, "restSeconds", 77)
        await database.write(provider.insert, REMOTE)
        await database.write(assignment.assign, "vision", "far")
        chat = (await database.write(session.insert)).id
        await database.write(session.entitle, chat, "Of animals", "person")
        said = [
            Message(chat, "user", (ImagePart(PICTURE), TextPart("Who prowls?"))),
            Message(chat, "assistant", (TextPart("An ocelot."),), finish_reason="stop"),
            Message(chat, "user", (TextPart("Who grazes?"),)),
        ]
        for each in said:
            await database.write(message.insert, each)
    return said


def rot(path: Path, good: bytes, rotten: bytes) -> None:
    content = path.read_bytes()
    assert len(good) == len(rotten)
    assert content.count(good) == 1, content.count(good)
    path.write_bytes(content.replace(good, rotten))


def said_by(check: str, path: Path) -> str:
    connection = apsw.Connection(str(path))
    try:
        words.register(connection)
        return str(connection.pragma(check))
    finally:
        connection.close()


async def found(database: Database, text: str) -> int:
    return len((await database.read(search.found, text, None, 10))[0])


def blocks(path: Path, table: str) -> list[bytes]:
    connection = apsw.Connection(str(path))
    try:
        return [block for (block,) in connection.execute(f"SELECT block FROM {table}_data WHERE length(block) > 8")]
    finally:
        connection.close()


@pytest.mark.parametrize("table", ["message_search", "session_search"])
async def test_an_index_of_words_that_rotted_is_made_anew_and_the_file_stays(
    table: str, opening: Opening, path: Path
) -> None:
    said = await filled(opening)
    block = blocks(path, table)[-1]
    rot(path, block, b"\x7f\x7f\x7f\x7f" + block[4:])
    assert table in said_by("quick_check", path)

    with opening() as database:
        assert await found(database, "ocelot") == await found(database, "animals") == 1
        assert database.recovery is None
        assert (await database.read(message.page, said[0].session_id, None, 10))[0] == said
    assert said_by("quick_check", path) == "ok"


async def test_a_copy_whose_index_of_words_rotted_is_still_a_copy(opening: Opening, path: Path, copies: Path) -> None:
    await filled(opening)
    for copy in copies.iterdir():
        copy.unlink()
    with opening() as database:
        await database.open()
    (copy,) = copies.iterdir()
    block = blocks(copy, "message_search")[-1]
    rot(copy, block, b"\x7f\x7f\x7f\x7f" + block[4:])
    path.write_bytes(b"not a database" * 1000)

    with opening() as database:
        assert await found(database, "ocelot") == 1
        assert database.recovery is not None
        assert database.recovery.copied_at is not None


@pytest.mark.parametrize("rotten", [b'unloadMinutes"2345', b"unloadMinutes\xff2345", b"unloadMin\xfftes12345"])
async def test_a_setting_that_rotted_has_its_default_and_can_be_set_again(
    rotten: bytes, opening: Opening, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await filled(opening)
    rot(path, b"unloadMinutes12345", rotten)

    with opening() as database:
        kept = await database.read(setting.listed)
        assert kept["restSeconds"] == 77
        assert "unloadMinutes" not in kept
        await database.write(setting.write, "unloadMinutes", 9)
        assert (await database.read(setting.listed))["unloadMinutes"] == 9
        assert database.recovery is None
    assert "2345" not in caplog.text


@pytest.mark.parametrize(
    ("good", "rotten"),
    [
        (b"ray-rayRay", b"ray-rayR\xffy"),
        (b"ray-rayRay", b"ray-r\xffyRay"),
        (b"ray-rayRay", b"ray-rbyRay"),
        (b"vllmhttps://ray", b"vl\xffmhttps://ray"),
        (b"vllmhttps://ray", b"vlmmhttps://ray"),
        (b"https://ray.example/v1", b"https:/\xffray.example/v1"),
        (b"farray-raybigBig", b"\xffarray-raybigBig"),
        (b"farray-raybigBig", b"gaaray-raybigBig"),
        (b"farray-raybigBig", b"farray-rbybigBig"),
        (b"farray-raybigBig", b"farray-rayb\xffgB\xffg"),
        (b"demobuiltin", b"d\xffmobuiltin"),
        (b"demobuiltin", b"denobuiltin"),
        (b"demobuiltin", b"demobuilt\xffn"),
        (b"builtin[Builtin]openai", b"bui\xfftin[Builtin]openai"),
        (b"builtin[Builtin]openai", b"buimtin[Builtin]openai"),
        (b"visionfar", b"visio\xfffar"),
        (b"visionfar", b"visiomfar"),
        (b"visionfar", b"visionfas"),
        (b"demovision", b"de\xffovision"),
        (b"demovision", b"demo\xffision"),
    ],
)
async def test_of_providers_models_and_jobs_what_rotted_costs_itself_alone(
    good: bytes, rotten: bytes, opening: Opening, path: Path
) -> None:
    said = await filled(opening)
    rot(path, good, rotten)

    with opening() as database:
        providers = await database.read(provider.listed)
        models = {model.id: model for each in providers for model in each.models}
        jobs = await database.read(assignment.listed)
        assert models["demo"] == MODEL
        assert [each.id for each in providers if each.is_builtin] == [BUILTIN]
        assert set(jobs) == set(CAPABILITIES)
        assert set(jobs.values()) <= set(models)
        for each in providers[1:]:
            await database.write(assignment.give_back, {model.id for model in each.models}, MODEL.id)
            await database.write(provider.delete, each.id)
        assert [each.id for each in await database.read(provider.listed)] == [BUILTIN]
        assert (await database.read(message.page, said[0].session_id, None, 10))[0] == said
        assert database.recovery is None


@pytest.mark.parametrize(
    ("good", "rotten"),
    [
        (b'[{"type": "text", "text": "An', b'[{"type": "text", "texu": "An'),
        (b'[{"type": "text", "text": "An', b'[{"type": "uext", "text": "An'),
        (b'[{"type": "text", "text": "An', b'[{"typ\xff": "text", "text": "An'),
        (b'[{"type": "text", "text": "An', b'[{"type": "text", "text": xAn'),
        (b'[{"type": "text", "text": "An', b'x{"type": "text", "text": "An'),
        (b'[{"type": "text", "text": "An', b'\x00{"type": "text", "text": "An'),
    ],
)
async def test_a_message_that_cannot_be_read_any_more_costs_neither_the_file_nor_its_chat(
    good: bytes, rotten: bytes, opening: Opening, path: Path
) -> None:
    first, unreadable, last = await filled(opening)
    rot(path, good, rotten)
    chat = first.session_id

    with opening() as database:
        page, _ = await database.read(message.page, chat, None, 10)
        assert [each.parts for each in page] == [first.parts, (), last.parts]
        assert page[1].id == unreadable.id
        assert database.recovery is None
        for text in ("ocelot", "prowls", "grazes", "animals"):
            await found(database, text)
        await database.renew_copies()
        answer = unreadable.saying("A caracal.")
        await database.write(message.update, answer)
        assert (await database.read(message.page, chat, None, 10))[0] == [first, answer, last]
        assert await found(database, "caracal") == 1
        assert await found(database, "ocelot") == 0


@pytest.mark.parametrize("delete", ["message", "chat"])
async def test_a_message_that_cannot_be_read_any_more_is_deleted_from_the_index_too(
    delete: str, opening: Opening, path: Path
) -> None:
    _, unreadable, _ = await filled(opening)
    rot(path, b'"text": "An', b'"text": xAn')

    with opening() as database:
        if delete == "chat":
            await database.write(session.delete, unreadable.session_id)
        else:
            await database.write(message.delete_from, unreadable)
            await database.write(message.insert, Message(unreadable.session_id, "user", (TextPart("Hm."),)))
        assert await found(database, "ocelot") == 0


@pytest.mark.parametrize(
    ("good", "rotten", "expected"),
    [
        (b'"text": "An ocelot', b'"text": "An\x00ocelot', "An\x00ocelot."),
        (b'"text": "An ocelot', b'"text": "An \xffcelot', "An \N{REPLACEMENT CHARACTER}celot."),
        (b'assistant[{"type', b'assist\xffnt[{"type', "An ocelot."),
    ],
)
async def test_of_words_that_rotted_the_others_stay(
    good: bytes, rotten: bytes, expected: str, opening: Opening, path: Path
) -> None:
    first, _, last = await filled(opening)
    rot(path, good, rotten)

    with opening() as database:
        page, _ = await database.read(message.page, first.session_id, None, 10)
        assert [each.text for each in page] == [first.text, expected, last.text]
        assert [each.role for each in page] == ["user", "assistant", "user"]


async def test_a_picture_whose_name_rotted_takes_no_word_along(opening: Opening, path: Path) -> None:
    first, _, _ = await filled(opening)
    rot(path, b'"attachment": "aaa', b'"attachment": "aa\xff')

    with opening() as database:
        kept = await database.read(message.get, first.session_id, first.id)
        assert kept.parts == (ImagePart("aa0" + "a" * 61), TextPart("Who prowls?"))


@pytest.mark.parametrize("rotten", [b"\xff", b"?"])
@pytest.mark.parametrize("where", ["row", "index", "both"])
@pytest.mark.parametrize("delete", ["question", "chat"])
async def test_a_picture_whose_name_rotted_goes_with_its_message_and_takes_no_other_along(
    delete: str, where: str, rotten: bytes, opening: Opening, path: Path
) -> None:
    first, _, _ = await filled(opening)
    # What stands before the name: its type, and in the index the message's, too (https://sqlite.org/fileformat.html).
    for each, before in (("row", b"\x81\x0d"), ("index", b"\x81\x0d\x09")):
        if where in (each, "both"):
            rot(path, before + PICTURE.encode(), before + rotten + PICTURE.encode()[1:])

    with opening() as database:
        if delete == "chat":
            deleted = await database.write(session.delete, first.session_id)
            assert await database.read(session.listed, None, 10) == ([], None)
        else:
            deleted = await database.write(message.delete_from, first)
            assert await database.read(message.page, first.session_id, None, 10) == ([], False)
        # Of one that the row alone knows the index has the old name, by which it is looked for.
        assert list(deleted) == [PICTURE if where == "index" else "0" + "a" * 63]


def of_the_chat(said: Message) -> tuple[bytes, bytes]:
    good = said.session_id.encode() + b"Of animals"
    return good, b"x" + good[1:]


def of_the_chat_no_text(said: Message) -> tuple[bytes, bytes]:
    good, rotten = of_the_chat(said)
    return good, b"\xff" + rotten[1:]


def of_a_message(said: Message) -> tuple[bytes, bytes]:
    good = said.id.encode() + said.role.encode()
    return good, b"x" + good[1:]


@pytest.mark.parametrize("key", [of_the_chat, of_the_chat_no_text, of_a_message])
async def test_a_key_that_its_index_does_not_know_keeps_no_chat_from_being_changed_and_deleted(
    key: Callable[[Message], tuple[bytes, bytes]], opening: Opening, path: Path
) -> None:
    first, _, _ = await filled(opening)
    rot(path, *key(first))

    with opening() as database:
        ((chat,), _) = await database.read(session.listed, None, 10)
        assert len((await database.read(message.page, chat.id, None, 10))[0]) == 3
        assert (await database.write(session.entitle, chat.id, "Another", "person")).title == "Another"
        await database.write(session.delete, chat.id)
        assert await database.read(session.listed, None, 10) == ([], None)
        assert database.recovery is None


def in_the_index(said: Message) -> tuple[bytes, bytes]:
    # What stands before the id: its type.
    return b"U\x01" + said.id.encode(), b"U\x01x" + said.id.encode()[1:]


def where_the_index_leads(said: Message) -> tuple[bytes, bytes]:
    # What stands after the id: the number of the row.
    return b"U\x01" + said.id.encode() + b"\x02", b"U\x01" + said.id.encode() + b"\x09"


@pytest.mark.parametrize("key", [in_the_index, where_the_index_leads, of_a_message])
@pytest.mark.parametrize("ask", ["it", "before"])
async def test_a_message_that_its_index_does_not_know_is_found_and_what_is_older(
    ask: str, key: Callable[[Message], tuple[bytes, bytes]], opening: Opening, path: Path
) -> None:
    first, answer, _ = await filled(opening)
    rot(path, *key(answer))

    with opening() as database:
        answer = (await database.read(message.page, answer.session_id, None, 10))[0][1]
        if ask == "it":
            assert await database.read(message.get, answer.session_id, answer.id) == answer
        else:
            assert await database.read(message.page, answer.session_id, answer.id, 10) == ([first], False)
        assert database.recovery is None
    assert said_by("integrity_check", path) == "ok"


async def test_a_message_of_a_chat_that_is_not_there_is_not_found(opening: Opening, path: Path) -> None:
    first, _, _ = await filled(opening)
    connection = apsw.Connection(str(path))
    words.register(connection)
    connection.execute("UPDATE message SET session = 99 WHERE id = ?", (first.id,))
    connection.close()

    with opening() as database:
        assert await found(database, "prowls") == 0
        assert await found(database, "grazes") == 1


@pytest.mark.parametrize("version", range(len(migrations())))
async def test_the_number_of_the_version_is_put_right_and_nothing_is_set_aside(
    opening: Opening, path: Path, version: int
) -> None:
    said = await filled(opening)
    header = bytearray(path.read_bytes())
    assert header[60:64] == len(migrations()).to_bytes(4)  # https://sqlite.org/fileformat.html
    header[63] = version
    path.write_bytes(header)

    for _ in range(2):
        with opening() as database:
            page, _ = await database.read(message.page, said[0].session_id, None, 10)
            assert page == said
            assert database.recovery is None
    assert path.read_bytes()[60:64] == len(migrations()).to_bytes(4)
