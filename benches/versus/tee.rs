//! shadowtee as a contender, started with a configuration file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::contenders::{Place, World};
use crate::process::Process;

/// Rules of all common kinds, none of which matches what the loads ask for.
pub(crate) const TEN_RULES: &str = r#"
[[shadow.select.deny]]
path = "prefix:/payments/"
[[shadow.select.deny]]
header = { User-Agent = "regex:(?i)pingdom|uptime" }
[[shadow.select.allow]]
method = ["PUT", "PATCH", "DELETE"]
[[shadow.select.allow]]
method = "GET"
path = "/orders"
[[shadow.select.allow]]
path = ["prefix:/api/", "prefix:/admin/"]
[[shadow.select.allow]]
path = "glob:/shop/*/cart"
[[shadow.select.allow]]
path = "regex:^/v[0-9]+/users/[0-9]+$"
[[shadow.select.allow]]
host = "glob:*.next.example"
[[shadow.select.allow]]
header = { X-Preview = true, Cookie = "regex:beta=1" }
[[shadow.select.allow]]
query = { preview = "1" }
"#;

/// Copies go through a script that echoes them, as fast as there is one.
pub(crate) const SCRIPT: &str = "[script]\ncommand = [\"cat\"]\n";

/// The shadow's responses are compared.
pub(crate) const COMPARED: &str = "compare = true\n";

/// The lines that make it capture every request, with no more than a little disk.
pub(crate) fn capture(place: &Place) -> String {
    let file = place.dir.join("{n}.tee");
    format!(
        "[capture]\nfile = \"{}\"\nrotate_bytes = \"256MiB\"\ntotal_bytes = \"512MiB\"\n",
        file.display()
    )
}

/// Starts it with so many copies of the shadow, whose address is a line of TOML, and further lines of TOML behind each, or at the end where there is none.
pub(crate) fn start(
    world: &World,
    place: &Place,
    shadow: &str,
    shadows: usize,
    settings: &str,
) -> anyhow::Result<Process> {
    start_program(&world.shadowtee, world, place, shadow, shadows, settings)
}

/// As that, of another shadowtee.
pub(crate) fn start_program(
    program: &Path,
    world: &World,
    place: &Place,
    shadow: &str,
    shadows: usize,
    settings: &str,
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
        write!(toml, "[[shadow]]\nname = \"s{n}\"\n{shadow}\n{settings}\n")?;
    }
    if shadows == 0 {
        toml += settings;
    }
    let file = place.dir.join("shadowtee.toml");
    fs::write(&file, toml)?;
    let args = ["run".into(), "--config".into(), file.display().to_string()];
    Process::start(program, &args, &place.dir.join("log"))
}
