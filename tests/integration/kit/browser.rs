//! A real browser: Chromium, driven by the checks in `tests/integration/browser`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::need;

/// A browser on a machine that does many other things at the same time.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the checks of a file against the administration at `base`, with what else they have to know. What they say is
/// shown, and all of them have to pass.
#[track_caller]
pub(crate) fn browse(checks: &str, base: &str, values: &[(&str, &str)]) {
    let log = tempfile::NamedTempFile::new().expect("a file for what they say");
    let to_log = || Stdio::from(File::options().append(true).open(log.path()).expect("it"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/browser");
    let mut child = Command::new(need("node"))
        .arg(folder.join("run.mjs"))
        .arg(checks)
        .arg(format!("base={base}"))
        .arg(format!("chromium={}", need("chromium").display()))
        .args(values.iter().map(|(name, value)| format!("{name}={value}")))
        .env("BROWSER_MODULES", modules())
        .stdin(Stdio::null())
        .stdout(to_log())
        .stderr(to_log())
        .spawn()
        .expect("starting node");
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("waiting") {
            break Some(status);
        }
        if begin.elapsed() > PATIENCE {
            // Its browser ends with the pipe that leads to it.
            child.kill().expect("ending it");
            child.wait().expect("waiting");
            break None;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read(log.path()).expect("what they said");
    println!("--- {checks}\n{}---", String::from_utf8_lossy(&said));
    let status = status.unwrap_or_else(|| panic!("{checks} goes on for ever"));
    assert!(status.success(), "{checks}: {status}");
}

/// What tests/run.sh installs.
fn modules() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser/node_modules");
    assert!(
        folder.exists(),
        "{} is not installed: tests/run.sh installs what the tests need and runs them",
        folder.display()
    );
    folder
}
