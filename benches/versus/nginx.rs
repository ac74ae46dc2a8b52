//! An nginx with a configuration of the bench, as primary, shadow or contender.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::process::Process;

/// The settings all have: nothing logged, connections kept, bodies kept out of files.
fn settings(dir: &Path, workers: usize, body: &str) -> String {
    let at = dir.display();
    // A worker of root's nginx is nobody, who may not enter the bench's folder.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        "daemon off; {user} pid {at}/pid; worker_processes {workers}; worker_rlimit_nofile 65536;
error_log {at}/error.log crit;
events {{ worker_connections 16384; }}
http {{
    access_log off; server_tokens off; sendfile on; tcp_nodelay on;
    keepalive_requests 1000000000; keepalive_timeout 600s;
    client_max_body_size 0; client_body_buffer_size 1100k;
    client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c;
    uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;
{body}
}}
"
    )
}

pub(crate) fn start(dir: &Path, workers: usize, body: &str) -> anyhow::Result<Process> {
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let conf = dir.join("nginx.conf");
    fs::write(&conf, settings(dir, workers, body)).with_context(|| conf.display().to_string())?;
    let text = |path: &Path| path.display().to_string();
    let args = [
        "-p".into(),
        text(dir),
        "-c".into(),
        text(&conf),
        "-e".into(),
        text(&dir.join("error.log")),
    ];
    Process::start(Path::new("nginx"), &args, &dir.join("log"))
}
