//! Decompresses bodies, within limits, and reads their bytes as text.

use std::{borrow::Cow, io::Read};

use super::{Limits, NotCompared};
use crate::compare::answer::Answer;

/// A body without its content encoding.
pub(crate) struct Decoded<'a> {
    /// Nothing where it can't be decoded.
    pub(crate) bytes: Option<Cow<'a, [u8]>>,
    /// Why this is not all of it.
    pub(crate) not_compared: Option<NotCompared>,
}

/// Encodings that are taken off one after the other.
const LAYERS: usize = 3;

pub(crate) fn decode<'a>(answer: &Answer<'a>, limits: &Limits) -> Decoded<'a> {
    let kept = &answer.body[..answer.body.len().min(limits.bytes)];
    let is_whole = answer.is_whole && kept.len() == answer.body.len();
    let mut decoded = Decoded {
        bytes: Some(Cow::Borrowed(kept)),
        not_compared: (!is_whole).then_some(NotCompared::Truncated),
    };
    let encoding = answer.header("content-encoding").unwrap_or_default();
    let encoding = String::from_utf8_lossy(encoding).to_ascii_lowercase();
    let layers: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "identity")
        .collect();
    if layers.len() > LAYERS {
        return Decoded {
            bytes: None,
            not_compared: Some(NotCompared::BrokenEncoding),
        };
    }
    for name in layers.iter().rev() {
        decoded = one(name, &decoded, kept.len(), limits);
    }
    decoded
}

fn one<'a>(name: &str, from: &Decoded<'_>, came: usize, limits: &Limits) -> Decoded<'a> {
    let failed = |why| Decoded {
        bytes: None,
        not_compared: Some(why),
    };
    let Some(bytes) = from.bytes.as_deref() else {
        return failed(NotCompared::BrokenEncoding);
    };
    let mut out = Vec::new();
    let grown = came.saturating_mul(limits.expansion);
    let most = limits.bytes.min(grown);
    let result = match name {
        "gzip" | "x-gzip" => fill(flate2::read::MultiGzDecoder::new(bytes), most, &mut out),
        "deflate" => inflate(bytes, most, &mut out),
        "br" => fill(
            brotli_decompressor::Decompressor::new(bytes, 4096),
            most,
            &mut out,
        ),
        "zstd" => zstd_decoder(bytes).and_then(|decoder| fill(decoder, most, &mut out)),
        _ => return failed(NotCompared::BrokenEncoding),
    };
    let not_compared = match result {
        Ok(true) => from.not_compared,
        Ok(false) if grown <= limits.bytes => return failed(NotCompared::Expansion),
        Ok(false) => Some(NotCompared::OverLimit),
        // Of a body that was cut the decoder sees no end; what it gave until then stands.
        Err(_) if from.not_compared.is_some() && !out.is_empty() => from.not_compared,
        Err(_) => return failed(NotCompared::BrokenEncoding),
    };
    Decoded {
        bytes: Some(Cow::Owned(out)),
        not_compared,
    }
}

/// Servers send both: with the header of zlib, as the standard says, and without.
fn inflate(bytes: &[u8], most: usize, out: &mut Vec<u8>) -> std::io::Result<bool> {
    let result = fill(flate2::read::ZlibDecoder::new(bytes), most, out);
    if result.is_ok() || !out.is_empty() {
        return result;
    }
    fill(flate2::read::DeflateDecoder::new(bytes), most, out)
}

fn zstd_decoder(bytes: &[u8]) -> std::io::Result<impl Read + '_> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    // 8 MiB, which is what browsers allow.
    decoder.window_log_max(23)?;
    Ok(decoder)
}

/// Reads up to a number of bytes; whether that was all.
fn fill(mut from: impl Read, most: usize, out: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buf = [0; 8192];
    loop {
        let length = from.read(&mut buf)?;
        if length == 0 {
            return Ok(true);
        }
        let fits = length.min(most - out.len());
        out.extend_from_slice(&buf[..fits]);
        if fits < length {
            return Ok(false);
        }
    }
}

/// Bytes as text. A byte that isn't UTF-8 becomes a character of its own, so that two different ones stay different.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    const PRIVATE: u32 = 0xf700;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let invalid = chunk.invalid().iter();
        text.extend(invalid.filter_map(|byte| char::from_u32(PRIVATE + u32::from(*byte))));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    use super::*;

    fn answer<'a>(encoding: &'a str, body: &'a [u8]) -> Answer<'a> {
        Answer {
            status: 200,
            headers: vec![(b"Content-Encoding", encoding.as_bytes())],
            body,
            length: body.len() as u64,
            is_whole: true,
            at: 0,
            took: Duration::ZERO,
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_encoding_is_taken_off() {
        let text = b"some text, some text, some text".as_slice();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(text).unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(text).unwrap();
        // `brotli -c` of "some text".
        let brotli = [0x0f, 0x04, 0x80]
            .into_iter()
            .chain(*b"some text")
            .chain([3]);
        for (name, body, wanted) in [
            ("gzip", gzip(text), text),
            ("deflate", zlib.finish().unwrap(), text),
            ("deflate", raw.finish().unwrap(), text),
            ("zstd", zstd::encode_all(text, 1).unwrap(), text),
            ("br", brotli.collect(), b"some text"),
            ("gzip, gzip", gzip(&gzip(text)), text),
            ("identity", text.to_vec(), text),
        ] {
            let answer = answer(name, &body);
            let decoded = decode(&answer, &Limits::default());
            assert_eq!(decoded.bytes.as_deref(), Some(wanted), "{name}");
            assert_eq!(decoded.not_compared, None, "{name}");
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let limits = Limits::default();
        let bomb = gzip(&vec![0; 4 << 20]);
        let large = answer("gzip", &bomb);
        assert!(matches!(
            decode(&large, &limits).not_compared,
            Some(NotCompared::OverLimit)
        ));
        let small = gzip(&vec![0; 200 << 10]);
        let small = answer("gzip", &small);
        let decoded = decode(&small, &limits);
        assert_eq!(decoded.not_compared, Some(NotCompared::Expansion));
        assert_eq!(decoded.bytes, None);
    }

    #[test]
    fn of_a_compressed_body_that_was_cut_the_beginning_is_read() {
        let numbers: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
        let text = numbers.join(" ");
        let body = gzip(text.as_bytes());
        let mut answer = answer("gzip", &body[..body.len() / 2]);
        answer.is_whole = false;
        let decoded = decode(&answer, &Limits::default());
        assert_eq!(decoded.not_compared, Some(NotCompared::Truncated));
        let bytes = decoded.bytes.unwrap();
        assert!(!bytes.is_empty() && text.as_bytes().starts_with(&bytes));
    }

    #[test]
    fn what_is_no_utf8_stays_told_apart() {
        assert_ne!(text_of(b"caf\xe9"), text_of(b"caf\xe8"));
        assert_ne!(text_of(b"caf\xe9"), text_of("café".as_bytes()));
    }
}
