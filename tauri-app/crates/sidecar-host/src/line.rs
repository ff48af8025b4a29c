//! Bytes to lines, with a cap.

use tokio::io::{self, AsyncBufReadExt, AsyncRead, BufReader};

/// Longest line on the pipe in bytes, its newline not counted, in both directions. As `sidecar/rpc/transport.py` has it.
pub const MAX_LINE_BYTES: usize = 32 * 1024 * 1024;

/// One line, without its newline.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    Whole(Vec<u8>),
    /// The line passed the cap; its bytes were discarded up to the newline. Holds its length.
    TooLong(usize),
}

pub(crate) struct LineReader<R> {
    stream: BufReader<R>,
    limit: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(crate) fn new(stream: R, limit: usize) -> Self {
        Self { stream: BufReader::with_capacity(64 * 1024, stream), limit }
    }

    /// The next line, or `None` at the end. Bytes after the last newline are no line: their writer died.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            let chunk = self.stream.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let newline = memchr::memchr(b'\n', chunk);
            let part = &chunk[..newline.unwrap_or(chunk.len())];
            length += part.len();
            if length <= self.limit {
                line.extend_from_slice(part);
            } else {
                line = Vec::new();
            }
            let used = part.len() + usize::from(newline.is_some());
            self.stream.consume(used);
            if newline.is_some() {
                return Ok(Some(if length <= self.limit { Line::Whole(line) } else { Line::TooLong(length) }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8], limit: usize) -> Vec<Line> {
        let mut reader = LineReader::new(bytes, limit);
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await.expect("a slice cannot fail") {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn a_line_over_the_cap_is_discarded_and_the_next_one_is_read() {
        let long = "x".repeat(200_000);
        let text = format!("short\n{long}\nafter\n");
        let expected = vec![Line::Whole(b"short".into()), Line::TooLong(200_000), Line::Whole(b"after".into())];
        assert_eq!(lines(text.as_bytes(), 100_000).await, expected);
    }

    #[tokio::test]
    async fn a_line_without_its_newline_may_be_as_long_as_the_cap() {
        assert_eq!(lines(b"12345\n", 5).await, vec![Line::Whole(b"12345".into())]);
        assert_eq!(lines(b"123456\n", 5).await, vec![Line::TooLong(6)]);
    }

    #[tokio::test]
    async fn bytes_without_a_newline_at_the_end_are_no_line() {
        assert_eq!(lines(b"whole\nhalf", 100).await, vec![Line::Whole(b"whole".into())]);
    }
}
