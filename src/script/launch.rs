//! Starts a script so that it ends with shadowtee, also where that is ended by force (`kill -9`).
//!
//! The kernel does it (`PR_SET_PDEATHSIG`), which leaves no moment in which nobody watches and needs no further process. It has
//! to be asked by the process that it is for; what runs between fork and exec can't be written without `unsafe`, so that
//! shadowtee runs itself under another name, asks, and becomes the script: same process, same pipes. The signal comes when the
//! thread that started it ends: that is the script's supervisor, which outlives it.

use std::{
    env,
    ffi::OsString,
    os::unix::process::CommandExt,
    path::Path,
    process::{self, Command, ExitCode},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// The name of the program in this part. Nobody calls it so by chance.
const NAME: &str = "shadowtee: starting a script";
/// As a shell says that a program can't be run.
const NOT_RUN: u8 = 126;

/// Whether this program's `main` knows the part; that of a test or a bench does not.
static IS_KNOWN: AtomicBool = AtomicBool::new(false);

/// For the first line of `main`: plays the part, where it was started for it.
pub(crate) fn play() -> Option<ExitCode> {
    let mut arguments = env::args_os();
    if arguments.next().is_none_or(|name| name != NAME) {
        IS_KNOWN.store(true, Relaxed);
        return None;
    }
    let arguments: Vec<OsString> = arguments.collect();
    let [parent, program, arguments @ ..] = arguments.as_slice() else {
        return Some(ExitCode::from(NOT_RUN));
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        // It runs all the same, as it would without this.
        eprintln!("it would outlive a shadowtee that is ended by force: {error}");
    }
    // It may have ended before it was asked for.
    let is_parent = |pid: Pid| *parent == *pid.as_raw_nonzero().to_string();
    if !getppid().is_some_and(is_parent) {
        return Some(ExitCode::from(NOT_RUN));
    }
    let error = Command::new(program).args(arguments).exec();
    eprintln!("{} can't be run: {error}", Path::new(program).display());
    Some(ExitCode::from(NOT_RUN))
}

/// The command that runs `program`.
pub(super) fn command(program: &Path, arguments: &[String]) -> Command {
    let mut command = if IS_KNOWN.load(Relaxed) {
        // This very program, also where its file was replaced meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(NAME)
            .arg(process::id().to_string())
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args(arguments);
    command
}
