//! A client that sends exactly the bytes that it is given, and reads exactly what comes.

use std::io;
use std::net::Shutdown;

use super::address::{At, Stream};
use super::message::Message;
use super::wire::{Ending, Kind, Wire};

pub(crate) struct Client {
    wire: Wire,
}

impl Client {
    #[track_caller]
    pub(crate) fn connect(to: &(impl At + ?Sized)) -> Self {
        Self::try_connect(to).unwrap_or_else(|e| panic!("connecting to {}: {e}", to.at()))
    }

    pub(crate) fn try_connect(to: &(impl At + ?Sized)) -> io::Result<Self> {
        Ok(Self {
            wire: Wire::new(Stream::connect(&to.at())?),
        })
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.wire.send(bytes.as_ref()).expect("sending");
        self
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// A GET with nothing but its target and a host.
    #[track_caller]
    pub(crate) fn get(&mut self, target: &str) -> Message {
        self.send(get(target)).answer()
    }

    /// The next answer, whole.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Message {
        self.try_answer().expect("an answer")
    }

    pub(crate) fn try_answer(&mut self) -> io::Result<Message> {
        self.wire.message(Kind::Answer)
    }

    #[track_caller]
    pub(crate) fn answer_to_head(&mut self) -> Message {
        self.wire
            .message(Kind::AnswerToHead)
            .expect("an answer to HEAD")
    }

    /// The next answer that is not 1xx.
    #[track_caller]
    pub(crate) fn final_answer(&mut self) -> Message {
        loop {
            let answer = self.answer();
            if !answer.is_interim() {
                return answer;
            }
        }
    }

    /// The head of an answer whose body is read piece by piece.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Message {
        self.wire.head().expect("the head of an answer")
    }

    #[track_caller]
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        self.wire.chunk(&mut Message::default()).expect("a chunk")
    }

    #[track_caller]
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        self.wire.take(length).expect("more bytes")
    }

    /// Everything until the end of the connection, and which end it was.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> (Vec<u8>, Ending) {
        let mut all = Vec::new();
        let ending = self
            .wire
            .drain(&mut |piece| all.extend_from_slice(piece))
            .expect("the end of the connection");
        (all, ending)
    }

    /// Counts the bytes until the end of the connection, keeping none.
    #[track_caller]
    pub(crate) fn count(&mut self, each: &mut dyn FnMut(usize)) -> Ending {
        self.wire.hush();
        self.wire
            .drain(&mut |piece| each(piece.len()))
            .expect("the end of the connection")
    }

    /// Whether nothing has come, and nothing comes for a moment.
    #[track_caller]
    pub(crate) fn is_silent(&mut self) -> bool {
        self.wire.is_silent().expect("listening")
    }

    /// Sends no more.
    pub(crate) fn half_close(&mut self) -> &mut Self {
        self.wire
            .stream
            .shutdown(Shutdown::Write)
            .expect("shutting down the sending side");
        self
    }

    /// Sends no more, unless the other side has gone already.
    pub(crate) fn half_close_quietly(&mut self) -> &mut Self {
        let _ = self.wire.stream.shutdown(Shutdown::Write);
        self
    }

    /// Goes away with a RST.
    pub(crate) fn reset(self) {
        self.wire.stream.break_on_close().expect("setting linger");
    }
}

/// A GET with nothing but its target and a host.
pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app.example\r\n\r\n")
}

/// A POST with a sized body.
pub(crate) fn post(target: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: app.example\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
