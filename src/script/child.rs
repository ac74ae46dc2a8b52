//! A process of a script: started without a shell, in a group of its own, and ended with all of that group.

use std::{
    env, io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child as Started, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio},
};

use rustix::{
    io::ioctl_fionbio,
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group,
        pidfd_open, prlimit, waitid,
    },
};

use super::launch;
use crate::config;

/// A process that runs, or has ended and is not buried yet.
pub(super) struct Child {
    started: Started,
    pid: Pid,
    /// Readable once it has ended.
    pidfd: OwnedFd,
    /// `None` once its input ended.
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
    is_buried: bool,
}

/// What is shadowtee's own business: its settings, which may hold secrets, and what systemd tells it.
const OWN: [&str; 6] = [
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

impl Child {
    pub(super) fn start(settings: &config::Script) -> io::Result<Self> {
        let program = settings.program().map_err(io::Error::other)?;
        let mut command = launch::command(&program, &settings.command[1..]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(directory) = &settings.directory {
            command.current_dir(directory);
        }
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if OWN.contains(&&*text) || text.to_ascii_uppercase().starts_with("SHADOWTEE_") {
                command.env_remove(name);
            }
        }
        let mut started = command.spawn()?;
        let pid = Pid::from_child(&started);
        // From here on it is ended where anything fails.
        let mut end = |error: rustix::io::Errno| {
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = started.wait();
            io::Error::from(error)
        };
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(&mut end)?;
        if let Some(memory) = settings.memory {
            let limit = Rlimit {
                current: Some(memory.0),
                maximum: Some(memory.0),
            };
            prlimit(Some(pid), Resource::Data, limit).map_err(&mut end)?;
        }
        let child = Self {
            stdin: started.stdin.take(),
            stdout: started.stdout.take(),
            stderr: started.stderr.take(),
            started,
            pid,
            pidfd,
            is_buried: false,
        };
        let pipes = [
            child.stdin.as_ref().map(AsFd::as_fd),
            child.stdout.as_ref().map(AsFd::as_fd),
            child.stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            ioctl_fionbio(pipe, true)?;
        }
        Ok(child)
    }

    pub(super) fn id(&self) -> u32 {
        self.started.id()
    }

    /// Readable once it has ended.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(super) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    /// Sends a signal to it and to all that it started.
    pub(super) fn signal(&self, signal: Signal) {
        // A group without a process is one that has ended.
        let _ = kill_process_group(self.pid, signal);
    }

    /// Ends what is left of its group, and then the process itself, by force.
    pub(super) fn bury(&mut self) -> Option<ExitStatus> {
        if std::mem::replace(&mut self.is_buried, true) {
            return None;
        }
        // Before it is waited for: until then no other process can get its number.
        self.signal(Signal::KILL);
        // It may have left its group.
        let _ = self.started.kill();
        self.started.wait().ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.bury();
    }
}
