//! Exchanges of one capture that wait for those of the other: in memory up to a limit, beyond it in a file that has no name.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::compare::Captured;

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes in memory.
    pub(super) memory: usize,
    /// Exchanges; the oldest are given up beyond it.
    pub(super) exchanges: usize,
    /// Bytes in the file.
    pub(super) file: u64,
    /// Bytes of the body of a response.
    pub(super) body: usize,
}

/// An exchange that waits.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// The same for both captures, though one of them is `GoReplay`'s.
    pub(super) key: Vec<u8>,
    pub(super) captured: Captured,
}

/// Exchanges that wait, by the hash of their key and the order in which they came.
pub(super) struct Held {
    limits: Limits,
    places: BTreeMap<(u64, u64), Place>,
    /// The same in the order in which they came, for the oldest; those that are gone may still stand here.
    order: VecDeque<(u64, u64)>,
    number: u64,
    in_memory: usize,
    file: Option<File>,
    in_file: u64,
    given_up: u64,
}

/// Where an exchange is.
enum Place {
    Memory(Box<[u8]>),
    File { offset: u64, length: usize },
}

impl Held {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            places: BTreeMap::new(),
            order: VecDeque::new(),
            number: 0,
            in_memory: 0,
            file: None,
            in_file: 0,
            given_up: 0,
        }
    }

    /// How many found no partner: those that still wait, and those that were given up.
    pub(super) fn alone(&self) -> (u64, u64) {
        (self.places.len() as u64, self.given_up)
    }

    /// Keeps an exchange until its partner comes.
    ///
    /// # Errors
    /// Where it can't be written to the file.
    pub(super) fn keep(&mut self, exchange: &Exchange) -> io::Result<()> {
        let bytes = postcard::to_stdvec(exchange).map_err(io::Error::other)?;
        let key = (hash(&exchange.key), self.number);
        self.number += 1;
        let place = if self.in_memory + bytes.len() <= self.limits.memory {
            self.in_memory += bytes.len();
            Place::Memory(bytes.into())
        } else {
            self.write(&bytes)?
        };
        self.places.insert(key, place);
        self.order.push_back(key);
        while self.places.len() > self.limits.exchanges {
            self.give_up_oldest();
        }
        self.forget_order();
        Ok(())
    }

    /// The exchange with this key that came first.
    ///
    /// # Errors
    /// Where it can't be read from the file.
    pub(super) fn take(&mut self, wanted: &[u8]) -> io::Result<Option<Exchange>> {
        let hash = hash(wanted);
        let of_hash = self.places.range((hash, 0)..=(hash, u64::MAX));
        for (key, place) in of_hash {
            let exchange = self.read(place)?;
            // Another may have the same hash.
            if exchange.key == wanted {
                let key = *key;
                self.remove(key);
                return Ok(Some(exchange));
            }
        }
        Ok(None)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Place> {
        let offset = self.in_file;
        self.in_file += bytes.len() as u64;
        if self.in_file > self.limits.file {
            return Err(io::Error::other(format!(
                "more than {} bytes wait for their partners",
                self.limits.file
            )));
        }
        let file = match &mut self.file {
            Some(file) => file,
            // It is private, and gone when this ends, however it ends.
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        let length = bytes.len();
        Ok(Place::File { offset, length })
    }

    fn read(&self, place: &Place) -> io::Result<Exchange> {
        let exchange = match (place, &self.file) {
            (Place::Memory(bytes), _) => postcard::from_bytes(bytes),
            (Place::File { offset, length }, Some(file)) => {
                let mut bytes = vec![0; *length];
                file.read_exact_at(&mut bytes, *offset)?;
                postcard::from_bytes(&bytes)
            }
            (Place::File { .. }, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        exchange.map_err(io::Error::other)
    }

    fn remove(&mut self, key: (u64, u64)) -> bool {
        let place = self.places.remove(&key);
        if let Some(Place::Memory(bytes)) = &place {
            self.in_memory -= bytes.len();
        }
        if self.places.is_empty() {
            // Nothing in the file is needed: it begins anew.
            self.in_file = 0;
        }
        place.is_some()
    }

    fn give_up_oldest(&mut self) {
        while let Some(key) = self.order.pop_front() {
            if self.remove(key) {
                self.given_up += 1;
                return;
            }
        }
    }

    /// Drops what is gone from the order, so that it is not much longer than what waits.
    fn forget_order(&mut self) {
        const SLACK: usize = 1024;
        if self.order.len() > 2 * self.places.len() + SLACK {
            let places = &self.places;
            self.order.retain(|key| places.contains_key(key));
        }
    }
}

fn hash(key: &[u8]) -> u64 {
    XxHash3_64::oneshot(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        memory: 1 << 20,
        exchanges: 1000,
        file: 1 << 30,
        body: 1 << 20,
    };

    fn exchange(id: &[u8], number: u64) -> Exchange {
        Exchange {
            key: id.to_vec(),
            captured: Captured {
                id: id.to_vec(),
                request: format!("GET /{number} HTTP/1.1\r\n\r\n").into(),
                response: None,
            },
        }
    }

    proptest! {
        /// Whether in memory or in the file, each id gives what came with it, in the order in which it came.
        #[test]
        fn what_waits_is_found_by_its_id(
            steps in prop::collection::vec((0..6_u8, any::<bool>()), 0..200),
            memory in 0..400_usize,
        ) {
            let mut held = Held::new(Limits { memory, ..LIMITS });
            let mut model: Vec<(u8, u64)> = Vec::new();
            for (time, (id, is_kept)) in steps.into_iter().enumerate() {
                let time = time as u64;
                if is_kept {
                    held.keep(&exchange(&[id], time)).unwrap();
                    model.push((id, time));
                    continue;
                }
                let at = model.iter().position(|(known, _)| *known == id);
                let expected = at.map(|at| model.remove(at)).map(|(id, time)| exchange(&[id], time));
                prop_assert_eq!(held.take(&[id]).unwrap(), expected);
            }
            prop_assert_eq!(held.alone(), (model.len() as u64, 0));
            prop_assert!(held.in_memory <= memory);
            prop_assert!(held.order.len() <= 2 * model.len() + 1024);
        }
    }

    #[test]
    fn the_oldest_are_given_up_beyond_the_limit_and_counted() {
        let mut held = Held::new(Limits {
            exchanges: 2,
            ..LIMITS
        });
        for id in 0..5_u8 {
            held.keep(&exchange(&[id], 0)).unwrap();
        }
        assert_eq!(held.alone(), (2, 3));
        assert_eq!(held.take(&[0]).unwrap(), None);
        assert!(held.take(&[4]).unwrap().is_some());
    }

    #[test]
    fn the_file_has_a_limit_that_is_told() {
        let mut held = Held::new(Limits {
            memory: 0,
            file: 100,
            ..LIMITS
        });
        let mut keeps = (0..100).map(|id| held.keep(&exchange(&[id], 0)));
        let error = keeps.find_map(Result::err).unwrap();
        assert!(error.to_string().contains("100 bytes"), "{error}");
    }
}
