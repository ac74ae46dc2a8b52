//! Bytes as hex digits and back, by tables: a message is several hundred bytes, and there are many of them.

/// The two digits of each byte.
const DIGITS: [[u8; 2]; 256] = {
    let (mut table, mut byte) = ([[0; 2]; 256], 0);
    let digits = b"0123456789abcdef";
    while byte < 256 {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
};

/// The digits of one byte.
pub(super) const fn digits(byte: u8) -> [u8; 2] {
    DIGITS[byte as usize]
}

/// What is no digit.
const NONE: u8 = 0xff;

/// The value of each digit.
const VALUES: [u8; 256] = {
    let (mut table, mut value) = ([NONE; 256], 0);
    while value < 16 {
        let [_, digit] = DIGITS[value as usize];
        table[digit as usize] = value;
        table[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    table
};

/// Writes bytes as digits.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 * bytes.len());
    out.extend(bytes.iter().flat_map(|byte| DIGITS[usize::from(*byte)]));
}

/// Decodes digits; false where one is invalid, or half a byte is missing.
pub(super) fn decode(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let (pairs, rest) = digits.as_chunks::<2>();
    out.clear();
    out.reserve(pairs.len());
    let mut wrong = 0;
    out.extend(pairs.iter().map(|[high, low]| {
        let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
        // A digit is below 16.
        wrong |= high | low;
        high << 4 | low & 15
    }));
    rest.is_empty() && wrong < 16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_pairs_of_digits_are_bytes() {
        let mut out = Vec::new();
        assert!(decode(b"00fFA0", &mut out) && out == [0, 0xff, 0xa0]);
        for wrong in [&b"0"[..], b"0g", b"g0", b" 0", b"0\0", b"\xff\xff", b"000"] {
            assert!(!decode(wrong, &mut out), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: Vec<u8>) {
            let (mut digits, mut back) = (Vec::new(), Vec::new());
            encode(&bytes, &mut digits);
            prop_assert!(decode(&digits, &mut back));
            prop_assert_eq!(back, bytes);
        }
    }
}
