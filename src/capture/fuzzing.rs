//! What the fuzz targets call: a reader for whatever bytes.

use std::{io::Cursor, path::Path};

use super::{Input, Reader};

/// Reads bytes as a native capture.
#[cfg(fuzzing)]
pub fn native(bytes: &[u8]) {
    read("fuzz.tee", bytes);
}

/// Reads bytes as one of `GoReplay`'s.
#[cfg(fuzzing)]
pub fn gor(bytes: &[u8]) {
    read("fuzz.gor", bytes);
}

/// Returns how many records there were.
fn read(name: &str, bytes: &[u8]) -> u64 {
    let input = Input::new(Box::new(Cursor::new(bytes.to_vec())));
    let mut reader = Reader::new(Path::new(name), input);
    let mut records = 0;
    while reader.advance() {
        let record = reader.record();
        // Nothing is made up: what a record holds stood in the file.
        assert!(record.request.len() + record.id.len() <= bytes.len());
        records += 1;
    }
    assert!(reader.offset() <= bytes.len() as u64);
    let troubles = reader.troubles();
    assert!(troubles.skipped <= (bytes.len() as u64).saturating_mul(2) || troubles.count > 0);
    records
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Answered, Record, gor, native::Encoder as Native},
        *,
    };

    /// A small file of either format.
    fn seeds() -> [(&'static str, Vec<u8>); 2] {
        let (mut native, mut gor) = (Vec::new(), Vec::new());
        let encoder = Native::begin(&mut native, &serde_json::Value::Null);
        for n in 0..5 {
            let request = format!(
                "POST /{n} HTTP/1.1\r\nContent-Length: {n}\r\n\r\n{}",
                "x".repeat(n)
            );
            let chunked =
                b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
            for request in [request.as_bytes(), chunked] {
                let record = Record {
                    time: n as u64,
                    id: b"0123456789abcdef01234567",
                    request,
                    answer: Some(Answered {
                        status: 200,
                        message: b"HTTP/1.1 200 OK\r\n\r\n",
                        ..Answered::default()
                    }),
                    ..Record::default()
                };
                encoder.write(&record, &mut native);
                gor::write(&record, &mut gor).unwrap();
            }
        }
        [("fuzz.tee", native), ("fuzz.gor", gor)]
    }

    /// Bytes changed, taken out, put in and doubled at random places.
    fn mutate(random: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..=bytes.len());
            let end = (at + random.usize(..64)).min(bytes.len());
            match random.u8(..5) {
                0 => bytes[at..end]
                    .iter_mut()
                    .for_each(|byte| *byte = random.u8(..)),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let piece = bytes[at..end].to_vec();
                    let to = random.usize(..=bytes.len());
                    bytes.splice(to..to, piece);
                }
                3 => bytes.truncate(at),
                _ => {
                    let number = random.u32(..).to_le_bytes();
                    bytes.splice(at..at, number);
                }
            }
        }
    }

    #[test]
    fn files_that_are_damaged_in_every_way_are_read_to_their_end() {
        let mut random = fastrand::Rng::with_seed(7);
        for (name, seed) in seeds() {
            assert_eq!(read(name, &seed), 10);
            for _ in 0..3000 {
                let mut bytes = seed.clone();
                mutate(&mut random, &mut bytes);
                read(name, &bytes);
            }
        }
    }

    #[test]
    fn a_record_that_says_that_it_is_huge_costs_no_memory() {
        let (_, mut file) = seeds()[0].clone();
        let (_, other) = seeds()[0].clone();
        let mut header = [0; 24];
        header[..8].copy_from_slice(&file[20..28]);
        header[8] = 1;
        header[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        let sum = crc32c::crc32c(&header[..20]);
        header[20..].copy_from_slice(&sum.to_le_bytes());
        file.extend_from_slice(&header);
        file.extend_from_slice(&other);
        // What follows within its length is skipped.
        assert_eq!(read("fuzz.tee", &file), 10);
    }
}
