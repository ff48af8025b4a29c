//! What uv says: bytes to plain lines.

use std::collections::VecDeque;
use std::mem;

/// Bytes of a line that are kept; no line that a person reads is longer.
const LINE_BYTES: usize = 4096;
/// Lines that go with a failure.
const LAST_LINES: usize = 40;

/// Cuts a stream at newlines and carriage returns and takes out colours, cursor movements and other control characters.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    escape: Escape,
}

/// Where in an escape sequence (ECMA-48) the stream is.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Escape {
    #[default]
    None,
    /// After ESC.
    Begun,
    /// In `ESC [ …`, which ends with a letter or the like.
    Control,
    /// In `ESC ] …` (a title, a link), which ends with BEL or `ESC \`.
    Command,
}

impl Lines {
    /// The lines that `bytes` completes, empty ones left out.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if self.swallow(byte) {
                continue;
            }
            match byte {
                b'\n' | b'\r' => lines.extend(self.finish()),
                b'\t' => self.keep(b' '),
                0..=0x1f | 0x7f => {}
                _ => self.keep(byte),
            }
        }
        lines
    }

    /// The line that the stream ended in the midst of.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let line = mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        (!line.is_empty()).then(|| line.to_owned())
    }

    fn keep(&mut self, byte: u8) {
        if self.line.len() < LINE_BYTES {
            self.line.push(byte);
        }
    }

    /// Whether `byte` belongs to an escape sequence.
    fn swallow(&mut self, byte: u8) -> bool {
        let before = self.escape;
        self.escape = match (before, byte) {
            (_, 0x1b) => Escape::Begun,
            (Escape::Begun, b'[') => Escape::Control,
            (Escape::Begun, b']') => Escape::Command,
            (Escape::Control, 0x20..=0x3f) => Escape::Control,
            (Escape::Command, byte) if byte != 0x07 => Escape::Command,
            _ => Escape::None,
        };
        before != Escape::None || self.escape != Escape::None
    }
}

/// The latest lines.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == LAST_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_cursor_movements_and_links_are_taken_out() {
        let mut lines = Lines::default();
        let said = b"\x1b[1m\x1b[31merror\x1b[39m\x1b[0m: no\n\x1b[2K\x1b[1G \x1b]8;;https://a\x1b\\link\x1b]8;;\x07\tend\x07\n";
        assert_eq!(lines.push(said), ["error: no", " link end"]);
    }

    #[test]
    fn a_line_and_a_character_may_come_in_pieces() {
        let mut lines = Lines::default();
        let text = "下载\u{1b}[0m完成\r\n".as_bytes();
        let whole: Vec<_> = text.iter().flat_map(|byte| lines.push(&[*byte])).collect();
        assert_eq!(whole, ["下载完成"]);
    }

    #[test]
    fn an_endless_line_takes_bounded_memory() {
        let mut lines = Lines::default();
        assert!(lines.push(&[b'x'; 1 << 20]).is_empty());
        assert_eq!(lines.finish().expect("a line").len(), LINE_BYTES);
    }

    #[test]
    fn what_was_said_last_without_a_newline_is_a_line() {
        let mut lines = Lines::default();
        assert!(lines.push(b"\n\nerror: it ended").is_empty());
        assert_eq!(lines.finish().as_deref(), Some("error: it ended"));
        assert_eq!(lines.finish(), None);
    }
}
