from hypothesis import given
from hypothesis import strategies as st

from sidecar.rpc.transport import TOO_LONG, LineSplitter

MAX = 8
lines = st.lists(st.binary(max_size=2 * MAX).map(lambda line: line.replace(b"\n", b" ")))


@given(lines, st.data())
def test_lines_are_the_same_however_the_bytes_arrive(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream))).map(sorted))
    splitter = LineSplitter(MAX)
    received = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += list(splitter.feed(stream[start:end]))
    assert received == [line if len(line) <= MAX else TOO_LONG for line in sent]


def test_an_over_long_line_is_not_kept_while_it_goes_on() -> None:
    splitter = LineSplitter(MAX)
    for _ in range(1000):
        assert list(splitter.feed(b"x" * 1000)) == []
        assert len(splitter._partial) <= MAX
    assert list(splitter.feed(b"\nnext\n")) == [TOO_LONG, b"next"]
