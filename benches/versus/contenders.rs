//! Who is compared, and how each is started. A new row is a new line in `ALL`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::backend::Backend;
use crate::cores::{self, Cores};
use crate::faults::{Fault, Shadow};
use crate::loads::{Driver, Load};
use crate::machine::Machine;
use crate::options::Options;
use crate::others::Buffers;
use crate::process::Process;
use crate::{http, others, tee};

/// One row of the tables.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// How many copies of a request it sends.
    pub(crate) shadows: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Nginx(Buffers),
    Haproxy,
    Envoy,
    Floor,
    Tee(Option<Fault>),
    /// With a shadow of which no rule selects anything.
    Filtered,
    /// shadowtee that writes every request to a file.
    Capture,
    /// Whose copies go through a script that echoes.
    Script,
    /// Whose shadow's responses are compared.
    Compared,
    /// An earlier shadowtee.
    Before,
}

const fn row(name: &'static str, title: &'static str, shadows: usize, kind: Kind) -> Contender {
    Contender {
        name,
        title,
        shadows,
        kind,
    }
}

/// All rows, in the order of the tables.
pub(crate) const ALL: &[Contender] = &[
    row("nginx", "nginx, plain", 0, Kind::Nginx(Buffers::Large)),
    row("haproxy", "HAProxy, plain", 0, Kind::Haproxy),
    row("floor", "floor", 0, Kind::Floor),
    row("tee-0", "shadowtee, no shadow", 0, Kind::Tee(None)),
    row(
        "tee-filtered",
        "shadowtee, nothing selected",
        0,
        Kind::Filtered,
    ),
    row(
        "tee-capture",
        "shadowtee, no shadow, capture",
        0,
        Kind::Capture,
    ),
    row(
        "nginx-mirror",
        "nginx `mirror`",
        1,
        Kind::Nginx(Buffers::Large),
    ),
    row(
        "nginx-as-is",
        "nginx `mirror`, its own buffers",
        1,
        Kind::Nginx(Buffers::AsInstalled),
    ),
    row("envoy-mirror", "Envoy, mirror", 1, Kind::Envoy),
    row("floor-mirror", "floor, mirrored", 1, Kind::Floor),
    row("tee-1", "shadowtee, 1 shadow", 1, Kind::Tee(None)),
    row(
        "tee-before",
        "shadowtee as it was, 1 shadow",
        1,
        Kind::Before,
    ),
    row("tee-script", "shadowtee, 1 shadow, script", 1, Kind::Script),
    row(
        "tee-compared",
        "shadowtee, 1 shadow, compared",
        1,
        Kind::Compared,
    ),
    row("tee-3", "shadowtee, 3 shadows", 3, Kind::Tee(None)),
    row(
        "tee-hung",
        "shadowtee, shadow hung",
        1,
        Kind::Tee(Some(Fault::Hung)),
    ),
    row(
        "tee-dead",
        "shadowtee, shadow dead",
        1,
        Kind::Tee(Some(Fault::Dead)),
    ),
    row(
        "tee-slow",
        "shadowtee, shadow slow",
        1,
        Kind::Tee(Some(Fault::Slow)),
    ),
    row(
        "tee-dripping",
        "shadowtee, shadow dripping",
        1,
        Kind::Tee(Some(Fault::Dripping)),
    ),
    row(
        "tee-flooding",
        "shadowtee, shadow floods",
        1,
        Kind::Tee(Some(Fault::Flooding)),
    ),
    row(
        "tee-flooding-tcp",
        "shadowtee, shadow floods over tcp",
        1,
        Kind::Tee(Some(Fault::FloodingTcp)),
    ),
    row(
        "tee-interim",
        "shadowtee, shadow sends interim answers",
        1,
        Kind::Tee(Some(Fault::Interim)),
    ),
    row(
        "tee-chunks",
        "shadowtee, shadow sends chunks of one byte",
        1,
        Kind::Tee(Some(Fault::Chunks)),
    ),
    row(
        "tee-tls-closing",
        "shadowtee, shadow under TLS closes",
        1,
        Kind::Tee(Some(Fault::TlsClosing)),
    ),
    row(
        "tee-large",
        "shadowtee, shadow answers 2 MB",
        1,
        Kind::Tee(Some(Fault::Large)),
    ),
];

/// What stands around the contenders.
pub(crate) struct World {
    pub(crate) primary: Backend,
    pub(crate) shadow: Backend,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) shadowtee: PathBuf,
    before: Option<PathBuf>,
    envoy: Option<PathBuf>,
    dir: TempDir,
}

impl World {
    pub(crate) fn new(options: &Options, machine: &Machine) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("versus").tempdir()?;
        let certificates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("certs-example");
        // So that on a large machine it is the contender that is at its limit.
        let workers = (machine.cores / 4).max(1);
        Ok(Self {
            primary: Backend::start(&dir.path().join("primary"), workers)?,
            shadow: Backend::start(&dir.path().join("shadow"), workers)?,
            certificate: certificates.join("server.pem"),
            key: certificates.join("server.key"),
            shadowtee: options.shadowtee.clone(),
            before: options.before.clone(),
            envoy: machine.envoy.clone(),
            dir,
        })
    }
}

/// Where a contender is put.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) threads: usize,
}

/// A contender that answers.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) place: Place,
    _shadow: Option<Shadow>,
}

impl Contender {
    pub(crate) fn has_faulty_shadow(&self) -> bool {
        matches!(self.kind, Kind::Tee(Some(_)))
    }

    /// Whether this machine has it.
    pub(crate) fn is_here(&self, machine: &Machine) -> bool {
        match self.kind {
            Kind::Haproxy => machine.haproxy,
            Kind::Envoy => machine.envoy.is_some(),
            Kind::Before => machine.before,
            Kind::Nginx(_)
            | Kind::Floor
            | Kind::Tee(_)
            | Kind::Filtered
            | Kind::Capture
            | Kind::Compared
            | Kind::Script => true,
        }
    }

    /// Whether a load says anything about it.
    pub(crate) fn takes(&self, load: &Load, threads: usize) -> bool {
        if self.has_faulty_shadow() {
            return ["get-32", "rate-half"].contains(&load.name) && threads == 1;
        }
        if self.kind == Kind::Nginx(Buffers::AsInstalled) {
            // With small bodies it is the other.
            return ["post-1m", "answer-1m"].contains(&load.name);
        }
        match load.driver {
            // The floor has no TLS.
            _ if load.tls => self.kind != Kind::Floor,
            // A keep-alive connection costs memory in the proxies that are compared in it.
            Driver::Idle => threads == 1 && matches!(self.kind, Kind::Nginx(_) | Kind::Tee(None)),
            Driver::Wrk { .. } | Driver::Rate(_) | Driver::Fixed(_) | Driver::Syscalls => true,
        }
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&self, world: &World, threads: usize) -> anyhow::Result<Running> {
        let dir = world.dir.path().join(self.name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        let place = Place {
            port: http::free_port()?,
            tls_port: http::free_port()?,
            dir,
            threads,
        };
        let faulty = match self.kind {
            Kind::Tee(Some(fault)) => Some(Shadow::start(&place.dir, fault)?),
            _ => None,
        };
        let healthy = format!("address = \"unix:{}\"", world.shadow.socket.display());
        let shadow = faulty.as_ref().map_or(&healthy, |shadow| &shadow.address);
        let process = match self.kind {
            Kind::Nginx(buffers) => others::nginx(world, &place, self.shadows > 0, buffers)?,
            Kind::Haproxy => others::haproxy(world, &place)?,
            Kind::Envoy => {
                let program = world.envoy.as_ref().context("no Envoy")?;
                others::envoy(program, world, &place)?
            }
            Kind::Floor => floor(world, &place, self.shadows > 0)?,
            Kind::Tee(_) => tee::start(world, &place, shadow, self.shadows, "")?,
            Kind::Before => {
                let program = world.before.as_ref().context("no earlier shadowtee")?;
                tee::start_program(program, world, &place, shadow, self.shadows, "")?
            }
            Kind::Filtered => tee::start(world, &place, shadow, 1, tee::TEN_RULES)?,
            Kind::Script => tee::start(world, &place, shadow, self.shadows, tee::SCRIPT)?,
            Kind::Compared => tee::start(world, &place, shadow, self.shadows, tee::COMPARED)?,
            Kind::Capture => {
                let capture = tee::capture(&place);
                tee::start(world, &place, shadow, self.shadows, &capture)?
            }
        };
        let mut running = Running {
            process,
            place,
            _shadow: faulty,
        };
        running
            .wait()
            .with_context(|| format!("starting {}", self.name))?;
        cores::keep(&running.process.tree(), &Cores::part(threads)?.contender)?;
        Ok(running)
    }
}

fn floor(world: &World, place: &Place, mirrored: bool) -> anyhow::Result<Process> {
    let path = |path: &PathBuf| path.display().to_string();
    let mut args = vec!["floor".into(), "--port".into(), place.port.to_string()];
    args.extend(["--threads".into(), place.threads.to_string()]);
    args.extend(["--primary".into(), path(&world.primary.socket)]);
    if mirrored {
        args.extend(["--shadow".into(), path(&world.shadow.socket)]);
    }
    Process::start(&std::env::current_exe()?, &args, &place.dir.join("log"))
}

/// So many requests on one connection before anything is measured: code, caches and pools are warm.
const WARM_UP: usize = 300;

impl Running {
    fn wait(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut stream = loop {
            let answered = http::connect(self.place.port).and_then(|mut stream| {
                http::ask(&mut stream, http::GET)?;
                Ok(stream)
            });
            match answered {
                Ok(stream) => break stream,
                Err(error)
                    if self.process.has_ended() || begin.elapsed() > Duration::from_secs(10) =>
                {
                    anyhow::bail!("it does not answer: {error}\n{}", self.process.said());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        for _ in 0..WARM_UP {
            http::ask(&mut stream, http::GET)?;
        }
        Ok(())
    }
}
