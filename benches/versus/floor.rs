//! The floor: a program that copies bytes between a client, the primary and a shadow, and parses nothing.
//!
//! It is what any tee must at least do in system calls. Each thread has its own listener and its own epoll; each client
//! connection gets one connection to the primary and one to the shadow.

mod flow;

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::thread;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, connect, socket_with,
    sockopt,
};
use socket2::{Domain, Socket, Type};

use crate::http::loopback;
use crate::options::Floor;
use flow::Flow;

const LISTENER: u64 = u64::MAX;
const BUFFER: usize = 64 * 1024;

pub(crate) fn run(floor: &Floor) -> anyhow::Result<()> {
    let listeners: Vec<_> = (0..floor.threads)
        .map(|_| listen(floor.port))
        .collect::<io::Result<_>>()?;
    thread::scope(|scope| {
        let threads: Vec<_> = listeners
            .into_iter()
            .map(|listener| scope.spawn(move || serve(&listener, floor)))
            .collect();
        let ends = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Ok(())));
        ends.collect::<io::Result<Vec<()>>>()
    })?;
    Ok(())
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&loopback(port).into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn serve(listener: &TcpListener, floor: &Floor) -> io::Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &epoll,
        listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let mut flows: Vec<Option<Flow>> = Vec::new();
    let mut free = Vec::new();
    let mut events = Vec::with_capacity(256);
    let mut buffer = vec![0; BUFFER];
    loop {
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            // When a tracer attaches.
            Err(Errno::INTR) => continue,
            result => result?,
        };
        let mut accepts = false;
        for event in &events {
            let (flags, token) = (event.flags, event.data.u64());
            if token == LISTENER {
                accepts = true;
                continue;
            }
            let (index, end) = flow::split(token);
            // What an earlier event of the same batch has ended is gone.
            let Some(flow) = flows.get_mut(index).and_then(Option::as_mut) else {
                continue;
            };
            if !flow.ready(end, flags, &mut buffer) || flow.register(&epoll, index).is_err() {
                flows[index] = None;
                free.push(index);
            }
        }
        // After the batch: a place that was freed in it may be taken only now.
        while accepts
            && let Ok(client) = accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
        {
            let Ok(mut flow) = open(client, floor) else {
                continue;
            };
            let index = free.pop().unwrap_or_else(|| {
                flows.push(None);
                flows.len() - 1
            });
            flow.register(&epoll, index)?;
            flows[index] = Some(flow);
        }
    }
}

fn open(client: OwnedFd, floor: &Floor) -> io::Result<Flow> {
    sockopt::set_tcp_nodelay(&client, true)?;
    let primary = dial(&floor.primary)?;
    let shadow = floor.shadow.as_deref().map(dial).transpose()?;
    Ok(Flow::new(client, primary, shadow))
}

fn dial(path: &std::path::Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}
