//! Sockets to listen on, bound early: an address that can't be had is known before anything runs.

use std::{
    io,
    net::ToSocketAddrs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use nix::unistd::{Group, User};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::{Bound, Inherited, bound::SocketFile};
use crate::config::{Address, Listen, Mode};

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error("can't listen on {0}")]
    Socket(Address, #[source] io::Error),
    #[error("can't listen on unix:{}: another process listens there; stop it, or listen elsewhere", .0.display())]
    Live(PathBuf),
    #[error("can't listen on unix:{}: the file is not a socket, so it is left alone; remove it, or listen elsewhere", .0.display())]
    NoSocket(PathBuf),
    #[error("can't give unix:{path} to {whom}", path = path.display())]
    Owner {
        path: PathBuf,
        whom: String,
        #[source]
        error: io::Error,
    },
    #[error("can't find the {0} {1:?} on this machine")]
    Unknown(&'static str, String, #[source] Option<nix::Error>),
}

/// How many connections may wait to be accepted; the kernel cuts it to net.core.somaxconn.
const BACKLOG: i32 = 4096;

/// Listens on an address, on the socket that was inherited for it where there is one; a stale socket file is
/// replaced.
///
/// # Errors
/// Where the address is taken, or a unix socket's file can't be made as wished.
pub(crate) fn bind(listen: &Listen, inherited: &mut Inherited) -> Result<Bound, BindError> {
    if let Some(bound) = inherited.take(&listen.address) {
        return Ok(bound);
    }
    let failed = |error| BindError::Socket(listen.address.clone(), error);
    match &listen.address {
        Address::Tcp { host, port, .. } => bind_tcp(host, *port).map_err(failed),
        Address::Unix(path) => {
            make_way(path)?;
            let bound = bind_unix(path, listen.mode).map_err(failed)?;
            give_away(path, listen)?;
            Ok(bound)
        }
    }
}

fn bind_tcp(host: &str, port: u16) -> io::Result<Bound> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        let domain = Domain::for_address(address);
        let bound = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).and_then(|socket| {
            socket.set_reuse_address(true)?;
            if address.is_ipv6() {
                socket.set_only_v6(!address.ip().is_unspecified())?;
            }
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            Ok(socket)
        });
        match bound {
            Ok(socket) => return Ok(Bound::new(socket, None)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Removes a stale socket; refuses where it is live or no socket.
fn make_way(path: &Path) -> Result<(), BindError> {
    let Ok(file) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !file.file_type().is_socket() {
        return Err(BindError::NoSocket(path.into()));
    }
    match UnixStream::connect(path) {
        // Refused: no process has it open. Any other outcome, such as a full backlog, means that one has.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let _ = std::fs::remove_file(path);
            Ok(())
        }
        _ => Err(BindError::Live(path.into())),
    }
}

/// The mode is set before the socket listens: until then no client can connect, whatever the umask allows.
fn bind_unix(path: &Path, mode: Option<Mode>) -> io::Result<Bound> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let socket_file = SocketFile::of(path)?;
    if let Some(Mode(bits)) = mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits))?;
    }
    socket.listen(BACKLOG)?;
    Ok(Bound::new(socket, Some(socket_file)))
}

fn give_away(path: &Path, listen: &Listen) -> Result<(), BindError> {
    let owner = listen.owner.as_deref().map(user).transpose()?;
    let group = listen.group.as_deref().map(group).transpose()?;
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    std::os::unix::fs::chown(path, owner, group).map_err(|error| {
        let whom = [listen.owner.as_deref(), listen.group.as_deref()]
            .into_iter()
            .flatten();
        BindError::Owner {
            path: path.into(),
            whom: whom.collect::<Vec<_>>().join(":"),
            error,
        }
    })
}

fn user(name: &str) -> Result<u32, BindError> {
    let look_up = |name: &str| Ok(User::from_name(name)?.map(|user| user.uid.as_raw()));
    id("user", name, look_up)
}

fn group(name: &str) -> Result<u32, BindError> {
    let look_up = |name: &str| Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()));
    id("group", name, look_up)
}

/// The number of a user or group. A name is looked up as nsswitch.conf(5) says: it may be known to a directory service
/// only.
fn id(
    what: &'static str,
    name: &str,
    look_up: impl Fn(&str) -> nix::Result<Option<u32>>,
) -> Result<u32, BindError> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let unknown = |error| BindError::Unknown(what, name.into(), error);
    look_up(name)
        .map_err(|error| unknown(Some(error)))?
        .ok_or_else(|| unknown(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_known_by_name_and_by_number() {
        assert_eq!(user("root").unwrap(), 0);
        assert_eq!(group("root").unwrap(), 0);
        assert_eq!(user("4711").unwrap(), 4711);
        for name in ["no-such-name", "", "a\0b"] {
            assert!(matches!(user(name), Err(BindError::Unknown("user", of, _)) if of == name));
            assert!(matches!(group(name), Err(BindError::Unknown("group", of, _)) if of == name));
        }
    }
}
