//! Tells when it is worth reading a head that comes in parts from its start.

use super::body::end_of_lines;

/// How far what came was looked at for a head that is whole.
///
/// A head is read with its first bytes, with its first line, so that what is no message is known soon, and with what may
/// be its end: one that comes byte by byte is not read for each of them.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    looked: usize,
    has_line: bool,
}

impl HeadScan {
    /// Whether a head may be whole in `buf`, which holds what was there before and what came since.
    pub(crate) fn may_be_whole(&mut self, buf: &[u8]) -> bool {
        let (before, had_line) = (self.looked, self.has_line);
        self.looked = buf.len();
        if before == buf.len() {
            return false;
        }
        // What came first is read at once; more of it only where no head ended there.
        self.has_line |= buf[before..].contains(&b'\n');
        let is_first_line = self.has_line && !had_line;
        before == 0 || is_first_line || end_of_lines(&buf[before.saturating_sub(3)..]).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a head that comes byte by byte is read from its start.
    fn reads(head: &str) -> usize {
        let mut scan = HeadScan::default();
        (1..=head.len())
            .filter(|came| scan.may_be_whole(&head.as_bytes()[..*came]))
            .count()
    }

    #[test]
    fn a_head_that_comes_byte_by_byte_is_read_with_its_first_byte_its_first_line_and_its_end() {
        let headers = "X-Field: value\r\n".repeat(90);
        let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        assert_eq!(reads(&head), 3);
        assert_eq!(reads(&head.replace('\r', "")), 3);
    }

    #[test]
    fn the_end_of_a_head_is_seen_wherever_it_is_cut() {
        let head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
        for first in 1..head.len() {
            let mut scan = HeadScan::default();
            assert!(scan.may_be_whole(&head[..first]));
            assert!(scan.may_be_whole(head), "cut at {first}");
            assert!(!scan.may_be_whole(head), "nothing more came");
        }
    }
}
