//! shadowtee as a contender, started with a configuration file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::contenders::{Place, World};
use crate::process::Process;

/// The lines that make it capture every request, with no more than a little disk.
pub(crate) fn capture(place: &Place) -> String {
    let file = place.dir.join("{n}.tee");
    format!(
        "[capture]\nfile = \"{}\"\nrotate_bytes = \"256MiB\"\ntotal_bytes = \"512MiB\"\n",
        file.display()
    )
}

/// Starts it with so many copies of the shadow, and further lines of TOML.
pub(crate) fn start(
    world: &World,
    place: &Place,
    shadow: &Path,
    shadows: usize,
    more: &str,
) -> anyhow::Result<Process> {
    let mut toml = format!(
        "workers = {threads}
[[listen]]
address = \"127.0.0.1:{port}\"
[[listen]]
address = \"127.0.0.1:{tls}\"
tls = {{ certificate = \"{certificate}\", key = \"{key}\" }}
[primary]
address = \"unix:{primary}\"
[log]
level = \"error\"
",
        threads = place.threads,
        port = place.port,
        tls = place.tls_port,
        certificate = world.certificate.display(),
        key = world.key.display(),
        primary = world.primary.socket.display(),
    );
    for n in 0..shadows {
        write!(
            toml,
            "[[shadow]]\nname = \"s{n}\"\naddress = \"unix:{}\"\n",
            shadow.display()
        )?;
    }
    toml += more;
    let file = place.dir.join("shadowtee.toml");
    fs::write(&file, toml)?;
    let args = ["run".into(), "--config".into(), file.display().to_string()];
    Process::start(&world.shadowtee, &args, &place.dir.join("log"))
}
