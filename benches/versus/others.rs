//! The other proxies: nginx plain and with `mirror`, `HAProxy`, Envoy with its mirror policy. Each has the settings that
//! make it fastest here: connections to the application are kept, nothing is logged, bodies stay in memory.

use std::fs;
use std::path::Path;

use crate::contenders::{Place, World};
use crate::nginx;
use crate::process::Process;

/// Where nginx keeps bodies.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Buffers {
    /// In memory.
    Large,
    /// Those it has where nobody sets any: what is over 16 KB goes through a file.
    AsInstalled,
}

impl Buffers {
    fn settings(self) -> &'static str {
        match self {
            Self::Large => {
                "proxy_buffers 16 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;"
            }
            Self::AsInstalled => "",
        }
    }

    /// What the settings of all say otherwise.
    fn of_server(self) -> &'static str {
        match self {
            Self::Large => "",
            Self::AsInstalled => "client_body_buffer_size 16k;",
        }
    }
}

pub(crate) fn nginx(
    world: &World,
    place: &Place,
    mirror: bool,
    buffers: Buffers,
) -> anyhow::Result<Process> {
    let keep = "keepalive 512; keepalive_requests 1000000000; keepalive_timeout 600s;";
    let (first, copy) = if mirror {
        (
            "mirror /copy;",
            "location = /copy { internal; proxy_pass http://shadow$request_uri; }",
        )
    } else {
        // With `mirror` the whole body is read first, whatever this says.
        ("proxy_request_buffering off;", "")
    };
    let body = format!(
        "    proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $http_host;
    {settings}
    upstream primary {{ server unix:{primary}; {keep} }}
    upstream shadow {{ server unix:{shadow}; {keep} }}
    server {{
        {of_server}
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{tls} ssl backlog=4096;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location / {{ {first} proxy_pass http://primary; }}
        {copy}
    }}",
        settings = buffers.settings(),
        of_server = buffers.of_server(),
        primary = world.primary.socket.display(),
        shadow = world.shadow.socket.display(),
        port = place.port,
        tls = place.tls_port,
        certificate = world.certificate.display(),
        key = world.key.display(),
    );
    nginx::start(&place.dir, place.threads, &body)
}

pub(crate) fn haproxy(world: &World, place: &Place) -> anyhow::Result<Process> {
    let pem = place.dir.join("both.pem");
    fs::write(
        &pem,
        [fs::read(&world.certificate)?, fs::read(&world.key)?].concat(),
    )?;
    let text = format!(
        "global
    nbthread {threads}
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend in
    bind 127.0.0.1:{port}
    bind 127.0.0.1:{tls} ssl crt {pem}
    default_backend out
backend out
    server primary unix@{primary} pool-max-conn 512
",
        threads = place.threads,
        port = place.port,
        tls = place.tls_port,
        pem = pem.display(),
        primary = world.primary.socket.display(),
    );
    let file = place.dir.join("haproxy.cfg");
    fs::write(&file, text)?;
    let args = ["-db".into(), "-f".into(), file.display().to_string()];
    Process::start(Path::new("haproxy"), &args, &place.dir.join("log"))
}

pub(crate) fn envoy(program: &Path, world: &World, place: &Place) -> anyhow::Result<Process> {
    let listener = |port: u16, tls: &str| {
        ENVOY_LISTENER
            .replace("PORT", &port.to_string())
            .replace("TLS", tls)
    };
    let cluster = |name: &str, socket: &Path| {
        ENVOY_CLUSTER
            .replace("NAME", name)
            .replace("SOCKET", &socket.display().to_string())
    };
    let tls = ENVOY_TLS
        .replace("CERTIFICATE", &world.certificate.display().to_string())
        .replace("KEY", &world.key.display().to_string());
    let text = format!(
        "static_resources:\n  listeners:\n{}{}  clusters:\n{}{}",
        listener(place.port, ""),
        listener(place.tls_port, &tls),
        cluster("primary", &world.primary.socket),
        cluster("shadow", &world.shadow.socket),
    );
    let file = place.dir.join("envoy.yaml");
    fs::write(&file, text)?;
    let threads = place.threads.to_string();
    let config = file.display().to_string();
    let args = [
        "-c",
        &config,
        "--concurrency",
        &threads,
        "--disable-hot-restart",
        "-l",
        "error",
    ];
    Process::start(program, &args.map(str::to_owned), &place.dir.join("log"))
}

const ENVOY_LISTENER: &str = r#"  - address: { socket_address: { address: 127.0.0.1, port_value: PORT } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          codec_type: HTTP1
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: "/" }
                route: { cluster: primary, timeout: 0s, request_mirror_policies: [{ cluster: shadow }] }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
TLS"#;

const ENVOY_TLS: &str = r#"      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
            - { certificate_chain: { filename: CERTIFICATE }, private_key: { filename: KEY } }
"#;

const ENVOY_CLUSTER: &str = r"  - name: NAME
    connect_timeout: 5s
    type: STATIC
    load_assignment:
      cluster_name: NAME
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: SOCKET } } } }] }]
";
