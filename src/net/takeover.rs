//! Passing listening sockets from a process to the one that takes its place (`SCM_RIGHTS`, unix(7)).
//!
//! The new process asks, gets the sockets, and says when it serves; only then does the old one stop. Until that
//! word nothing is changed: a new process that fails leaves the old one as it was.

use std::{
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{Bound, Inherited};

/// The first word of the new process, with the version of what is spoken.
const ASK: &[u8; 8] = b"takeover";
const VERSION: u8 = 1;
/// The new process serves.
const SERVES: u8 = b'+';
/// The old one heard it, and stops.
const STOPS: u8 = b'-';
/// More sockets than these do not fit into one message (`SCM_MAX_FD`).
const MOST: usize = 253;
/// For one step of the conversation.
const STEP: Duration = Duration::from_secs(5);
/// For the new process to get ready.
const READY: Duration = Duration::from_secs(60);

/// The process that this one takes over from, waiting for its word.
#[derive(Debug)]
pub(crate) struct Predecessor(UnixStream);

impl Predecessor {
    /// Asks the process that listens at `path` for its sockets; `None` where none does.
    ///
    /// # Errors
    /// Where a process listens there and hands over no sockets.
    pub(crate) fn ask(path: &Path) -> io::Result<Option<(Self, Inherited)>> {
        let mut stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(None),
                    _ => Err(error),
                };
            }
        };
        bound_in_time(&stream, STEP)?;
        stream.write_all(ASK)?;
        stream.write_all(&[VERSION])?;
        let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut answer = [0];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let mut parts = [IoSliceMut::new(&mut answer)];
        let got = recvmsg(&stream, &mut parts, &mut control, flags)?;
        if got.bytes == 0 || answer[0] != VERSION {
            return Err(io::Error::other(
                "the process there hands over no sockets; is it another version, or being replaced already?",
            ));
        }
        let mut fds: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        Ok(Some((Self(stream), Inherited::from_descriptors(fds)?)))
    }

    /// Tells it that this process serves, and waits until it has heard.
    pub(crate) fn relieve(mut self) -> io::Result<()> {
        self.0.write_all(&[SERVES])?;
        let mut word = [0];
        self.0.read_exact(&mut word)?;
        if word[0] == STOPS {
            Ok(())
        } else {
            Err(io::Error::other("what it says is not understood"))
        }
    }
}

/// Hands `sockets` to the process that asks on `stream`, and waits until it serves.
///
/// # Errors
/// Where it may not ask, or goes away before it serves: then nothing is changed.
pub(crate) fn hand_over(mut stream: UnixStream, sockets: &[Bound]) -> io::Result<()> {
    let them = rustix::net::sockopt::socket_peercred(&stream)?;
    if !them.uid.is_root() && them.uid != rustix::process::geteuid() {
        return Err(io::Error::other(
            "it is not of the same user, and gets no sockets",
        ));
    }
    stream.set_nonblocking(false)?;
    bound_in_time(&stream, STEP)?;
    let mut asked = [0; ASK.len() + 1];
    stream.read_exact(&mut asked)?;
    if asked[..ASK.len()] != ASK[..] || asked[ASK.len()] != VERSION {
        return Err(io::Error::other("what it asks is not understood"));
    }
    let fds: Vec<_> = sockets.iter().take(MOST).map(Bound::as_fd).collect();
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("there are too many sockets"));
    }
    let flags = SendFlags::NOSIGNAL;
    sendmsg(&stream, &[IoSlice::new(&[VERSION])], &mut control, flags)?;
    bound_in_time(&stream, READY)?;
    let mut word = [0];
    stream.read_exact(&mut word)?;
    if word[0] != SERVES {
        return Err(io::Error::other("it does not serve"));
    }
    // It serves: whether it hears this changes nothing.
    let _ = stream.write_all(&[STOPS]);
    Ok(())
}

fn bound_in_time(stream: &UnixStream, limit: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, thread};

    use super::*;
    use crate::{config::Address, net::bind};

    #[test]
    fn sockets_are_handed_over_and_the_old_one_hears_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let (place, meeting) = (dir.path().join("a.sock"), dir.path().join("takeover.sock"));
        let address = Address::Unix(place.clone());
        let listen = crate::config::Listen::private(address.clone());
        let mut old = bind(&listen, &mut Inherited::default()).unwrap();
        let listener = UnixListener::bind(&meeting).unwrap();
        thread::scope(|scope| {
            let shared = [old.share().unwrap()];
            let handing = scope.spawn(move || {
                let (stream, _) = listener.accept().unwrap();
                hand_over(stream, &shared)
            });
            let (predecessor, mut inherited) = Predecessor::ask(&meeting).unwrap().unwrap();
            let mut new = bind(&listen, &mut inherited).unwrap();
            predecessor.relieve().unwrap();
            new.own_file();
            handing.join().unwrap().unwrap();
            old.leave_file();
            drop(old);
            assert!(place.exists(), "the file is the new process's");
            UnixStream::connect(&place).unwrap();
            drop(new);
            assert!(!place.exists(), "and it removes the file");
        });
    }

    #[test]
    fn where_nobody_listens_there_is_nobody_to_take_over_from() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            Predecessor::ask(&dir.path().join("none.sock"))
                .unwrap()
                .is_none()
        );
    }
}
